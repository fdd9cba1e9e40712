// Where the ticket comes from, and what came with it: the case beside the picture, the way back.
import { api } from "/static/api.js";
import { $, say } from "./room-words.js";

const query = new URLSearchParams(location.search);
const hash = new URLSearchParams(location.hash.slice(1));
const consult = query.get("consult");

/** A switch of the page's address, before or after `#`.
 * @param {string} name */
export const setting = (name) => query.get(name) || hash.get(name);

/** A guest's secret stays in this tab: a reload or a change of language must not lose it. */
function guestToken() {
  const given = hash.get("guest");
  try {
    if (given) sessionStorage.setItem("sanbao-guest", given);
    return given || (consult ? null : sessionStorage.getItem("sanbao-guest"));
  } catch {
    return given;
  }
}

/** Whether the address leads to any consult at all. */
export const hasWay = () => Boolean(consult || hash.get("ticket") || guestToken());

/** Staff come by a consult and their log-in, and may come again by it. */
export const isStaff = () => Boolean(consult && !hash.get("ticket") && !guestToken());

/** The name under which this tab keeps its session. */
export const place = () => `sanbao-session:${consult || (hash.get("ticket") || guestToken() || "").slice(-16)}`;

/** Not by `api`: a guest has no log-in to be sent to.
 * @param {string} token */
async function guestTicket(token) {
  const answer = await fetch("/v1/guest-tickets", {
    method: "POST",
    credentials: "omit",
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(body.detail || body.title || ""), { status: answer.status });
  return body;
}

/** @returns {Promise<string>} */
export async function ticket() {
  const given = hash.get("ticket");
  if (given) return given;
  const token = guestToken();
  const answer = token ? await guestTicket(token) : await api("POST", `/v1/consults/${encodeURIComponent(consult || "")}/ticket`);
  const around = { summary_url: answer.summary_url, back_url: answer.back_url };
  try {
    sessionStorage.setItem(`${place()}:around`, JSON.stringify(around));
  } catch {
    // A reload then shows no case; the list of consults has it.
  }
  show(around);
  return answer.ticket;
}

/** What came with an earlier ticket: a reload resumes without one. */
export function showAgain() {
  try {
    show(JSON.parse(sessionStorage.getItem(`${place()}:around`) || "{}"));
  } catch {
    // As above.
  }
  goBackTo(query.get("back"));
}

/** @param {{summary_url?: string, back_url?: string}} around */
function show({ summary_url, back_url }) {
  if (summary_url) showCase(summary_url);
  if (back_url) goBackTo(back_url);
}

/** Only paths of this site.
 * @param {string} url */
const isOurs = (url) => /^\/(?![/\\])/.test(url);

/** Where the last button leads: a page of this site, as the link or the ticket's answer says.
 * @param {string|null} url */
function goBackTo(url) {
  if (url && isOurs(url)) $("home").href = url;
}

/** The case beside the picture; a fragment of a page that this one knows nothing about.
 * @param {string} url */
async function showCase(url) {
  if ($("case").dataset.url === url || !isOurs(url)) return;
  $("case").dataset.url = url;
  const answer = await fetch(url, { headers: { accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const content = page.querySelector("main") || page.body;
  $("case-text").replaceChildren(...content.childNodes);
  if (!$("case-text").textContent.trim()) $("case-text").textContent = say("case-none");
  $("tab-case").hidden = false;
  $("tab-case").click();
}
