// Lists that update by themselves: an element with data-live="EVENTS-URL" is read anew on each change, and with
// data-live-seconds="N" also every N seconds, for what time alone changes.
import { renew } from "/static/api.js";

/** @param {HTMLElement} element */
function follow(element) {
  let attempt = 0;
  const state = document.querySelector("[data-live-state]");
  const read = async () => {
    const answer = await fetch(element.dataset.liveSource || location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(element.id);
    if (fresh && fresh.innerHTML !== element.innerHTML) {
      const focused = document.activeElement && document.activeElement.id;
      keepTyped(element, fresh);
      element.replaceChildren(...fresh.childNodes);
      if (focused) document.getElementById(focused)?.focus();
      element.dispatchEvent(new CustomEvent("sanbao:changed", { bubbles: true }));
    }
  };
  const open = () => {
    const source = new EventSource(element.dataset.live || "");
    // Read at the first greeting too: what changed after the page was made and before this was open is told to nobody.
    source.addEventListener("hello", () => {
      read().catch(() => false);
      attempt = 0;
      say(state, state?.getAttribute("data-connected") || "", "live");
    });
    source.addEventListener("change", read);
    source.addEventListener("error", async () => {
      attempt += 1;
      say(state, (state?.getAttribute("data-reconnecting") || "").replace("{n}", String(attempt)), "lost");
      if (source.readyState === EventSource.CLOSED) {
        source.close();
        await new Promise((r) => setTimeout(r, Math.min(30000, 1000 * 2 ** Math.min(attempt, 5)) * (0.75 + Math.random() / 2)));
        await renew().catch(() => false);
        open();
      }
    });
  };
  open();
  const seconds = Number(element.dataset.liveSeconds);
  if (seconds > 0) setInterval(() => document.hidden || read().catch(() => false), 1000 * seconds);
}

/** What was typed or opened, by id, is carried over into the fresh part.
 * @param {Element} old @param {Element} fresh */
function keepTyped(old, fresh) {
  for (const field of /** @type {any} */ (old.querySelectorAll("input[id], select[id], textarea[id], details[id]"))) {
    const other = /** @type {any} */ (fresh.querySelector(`#${CSS.escape(field.id)}`));
    if (!other) continue;
    if (field.tagName === "DETAILS") other.open = field.open;
    else if (field.type === "checkbox" || field.type === "radio") other.checked = field.checked;
    else if (field.tagName === "SELECT") {
      if ([...other.options].some((o) => o.value === field.value)) other.value = field.value;
    } else if (field.type !== "file" && field.value !== field.defaultValue) other.value = field.value;
  }
}

/** @param {Element | null} element @param {string} text @param {"live" | "lost"} state */
function say(element, text, state) {
  if (element && element.textContent !== text) element.textContent = text;
  element?.setAttribute("data-state", state);
}

for (const element of document.querySelectorAll("[data-live]")) follow(/** @type {HTMLElement} */ (element));
