// The family's page: hands the link's secret on to the room, which trades it for a ticket, and follows the time at which the
// consult is expected to begin. Who has no log-in has no stream of events, so the page asks.
const token = location.hash.slice(1);
const join = /** @type {HTMLAnchorElement} */ (document.getElementById("join"));
const none = /** @type {HTMLElement} */ (document.getElementById("no-link"));
const when = /** @type {HTMLElement} */ (document.getElementById("when"));

/** So often the page asks while it is looked at. */
const ASK_EVERY_MS = 30000;
/** An answer that takes longer counts as none. */
const ANSWER_MS = 15000;

let lost = /** @type {HTMLElement | null} */ (null);
let ended = false;

async function ask() {
  if (ended || document.hidden) return;
  try {
    const how = { method: "POST", body: new URLSearchParams({ token }), headers: { accept: "text/html" }, signal: /** @type {any} */ (AbortSignal).timeout?.(ANSWER_MS) };
    const answer = await fetch("/guest", how);
    const part = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("when");
    if (!part) throw new Error(`HTTP ${answer.status}`);
    lost?.remove();
    lost = null;
    // A link that has ended stays so.
    ended = answer.status === 404;
    if (ended) join.hidden = true;
    if (part.innerHTML !== when.innerHTML) when.replaceChildren(...part.childNodes);
    import("/static/ages.js").catch(() => null);
  } catch {
    // What was said last stays, with the word that it may be old.
    lost ??= Object.assign(document.createElement("p"), { className: "notice warn", textContent: when.dataset.lost });
    when.after(lost);
  }
}

if (token) {
  join.href = `/room#guest=${token}`;
  join.hidden = false;
  ask();
  setInterval(ask, ASK_EVERY_MS);
  addEventListener("online", ask);
  document.addEventListener("visibilitychange", ask);
} else {
  none.hidden = false;
}
