// All that is kept of one person: shown in the page, or taken as a file. Both are calls, because another proof of who asks may
// be wanted first.
import { call } from "/static/api.js";
import { notice } from "/static/page.js";

/** Does something while a button says that it is busy; a failure is told in the button's words.
 * @param {HTMLElement} button @param {() => Promise<void>} work */
async function busily(button, work) {
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch {
    notice(button.dataset.failed || "", "bad");
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** @param {string} address @param {string} accept @returns {Promise<Response>} */
async function read(address, accept) {
  const answer = await call("GET", address, undefined, { accept });
  if (!answer.ok || answer.redirected) throw new Error(`HTTP ${answer.status}`);
  return answer;
}

const show = /** @type {HTMLButtonElement | null} */ (document.getElementById("export-show"));

show?.addEventListener("click", () =>
  busily(show, async () => {
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-export-part]"))) {
      const answer = await read(part.dataset.exportPart || "", "text/html");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      part.replaceChildren(...page.body.childNodes);
    }
  }),
);

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-export-file]"))) {
  button.addEventListener("click", () =>
    busily(button, async () => {
      const answer = await read(button.dataset.exportFile || "", "application/json");
      const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") || "")?.[1] || "sanbao.json";
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await answer.blob()), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    }),
  );
}
