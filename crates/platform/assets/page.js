// The behaviour of every page: messages, log-out, dialogs, copying and printing, keeping the place when the language
// changes, and times that age.
import { api, cookie } from "/static/api.js";

/**
 * Says something at the top of the page, where a screen reader hears it. Good news goes after a while.
 * @param {string} text @param {"ok" | "warn" | "bad" | "info"} [kind]
 */
export function notice(text, kind = "ok") {
  const place = document.getElementById("notice");
  if (!place) return;
  const said = document.createElement("p");
  said.className = `notice ${kind}`;
  said.textContent = text;
  place.replaceChildren(said);
  if (kind === "ok") setTimeout(() => said.remove(), 8000);
}

/** A browser acts for one organisation at a time: pages of the other one begin anew. */
const switches = typeof BroadcastChannel === "function" ? new BroadcastChannel("sanbao-organisation") : null;
if (switches) switches.onmessage = () => location.assign("/");

/** What a button with data-action does; data-target names the element that it is about.
 * @type {Record<string, (target: any, button: HTMLElement) => unknown>} */
const actions = {
  "log-out": async () => {
    await api("DELETE", "/session").catch(() => null);
    location.assign("/login");
  },
  "switch-organisation": async (_, button) => (await import("/static/organisation.js")).change(button, switches),
  open: (dialog) => dialog?.showModal(),
  close: (_, button) => button.closest("dialog")?.close(),
  print: () => window.print(),
  // The clipboard is closed to pages on plain http; the text is selected for the keyboard then.
  copy: (field) => (field.select(), navigator.clipboard?.writeText(field.value)),
  // A chosen password and its repetition are shown and hidden together.
  show: (field, button) => {
    const hidden = field.type === "password";
    for (const secret of field.form.querySelectorAll("[autocomplete='new-password']")) secret.type = hidden ? "text" : "password";
    button.setAttribute("aria-pressed", String(hidden));
  },
  fill: (field, button) => {
    field.value = (button.textContent || "").trim();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  },
};

document.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("[data-action]"));
  actions[button?.dataset.action || ""]?.(document.getElementById(button?.dataset.target || ""), /** @type {HTMLElement} */ (button));
});

// What only a script can do is offered only where one runs.
for (const button of document.querySelectorAll("button[data-action='show']")) /** @type {HTMLElement} */ (button).hidden = false;

for (const link of document.querySelectorAll("a[data-keep-place]")) {
  const url = new URL(/** @type {HTMLAnchorElement} */ (link).href);
  url.searchParams.set("next", location.pathname + location.search);
  // A browser takes what stands behind the # along through the way back.
  url.hash = location.hash;
  /** @type {HTMLAnchorElement} */ (link).href = url.href;
}

// A browser in which somebody has logged in locks itself when nobody is there; the script comes from the service that
// keeps the log-ins. Pages of a call only say that somebody is.
if (cookie("sanbao_idle_minutes")) import("/static/booking/idle-lock.js").catch(() => null);

// Where nothing ages, as in a call, the script that lets times age is not fetched.
if (document.querySelector("time[data-age], time[data-near], [data-late-from], [data-live]")) import("/static/ages.js").catch(() => null);
