// Lists that update by themselves: an element with data-live="EVENTS-URL" is read anew on each change.
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
      element.replaceChildren(...fresh.childNodes);
      if (focused) document.getElementById(focused)?.focus();
      element.dispatchEvent(new CustomEvent("sanbao:changed", { bubbles: true }));
    }
  };
  const open = () => {
    const source = new EventSource(element.dataset.live || "");
    source.addEventListener("hello", () => {
      if (attempt > 0) read();
      attempt = 0;
      say(state, state?.getAttribute("data-connected") || "");
    });
    source.addEventListener("change", read);
    source.addEventListener("error", async () => {
      attempt += 1;
      say(state, (state?.getAttribute("data-reconnecting") || "").replace("{n}", String(attempt)));
      if (source.readyState === EventSource.CLOSED) {
        source.close();
        await new Promise((r) => setTimeout(r, Math.min(30000, 1000 * 2 ** Math.min(attempt, 5)) * (0.75 + Math.random() / 2)));
        await renew().catch(() => false);
        open();
      }
    });
  };
  open();
}

/** @param {Element | null} element @param {string} text */
function say(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

for (const element of document.querySelectorAll("[data-live]")) follow(/** @type {HTMLElement} */ (element));
