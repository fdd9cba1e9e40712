// Going on in another organisation. Few do, so no page loads this before somebody asks for it.
import { api, renew, renewal } from "/static/api.js";
import { notice } from "/static/page.js";
import { word } from "/static/words.js";

/** No tab renews the log-in meanwhile: that of before ends.
 * @param {string} organisation @returns {Promise<{home: string}>} */
async function switchTo(organisation) {
  await renew();
  const turn = async () => {
    renewal.stopped = true;
    try {
      return await api("POST", "/v1/session/organisation", { organisation_id: organisation });
    } finally {
      renewal.stopped = false;
    }
  };
  return navigator.locks ? navigator.locks.request(renewal.turn, turn) : turn();
}

/** Goes on in the organisation that a button names; the other tabs of this browser hear of it.
 * @param {HTMLElement} button @param {BroadcastChannel | null} others */
export async function change(button, others) {
  const known = await navigator.locks?.query();
  const inCall = known?.held?.some(({ name }) => name === "sanbao-call");
  if (inCall && !confirm(word("in-call"))) return;
  const answer = await switchTo(button.dataset.organisation || "").catch((problem) => {
    notice(problem.message, "bad");
  });
  if (!answer) return;
  others?.postMessage("switched");
  location.assign(answer.home);
}
