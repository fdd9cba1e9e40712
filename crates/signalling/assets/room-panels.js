// The panels beside the picture: tabs as the ARIA authoring practices have them, by keyboard too.
import { $ } from "./room-words.js";

/** @param {(panel: string) => void} shown is told which panel is seen */
export function panels(shown) {
  /** @type {HTMLButtonElement[]} */ const tabs = [...document.querySelectorAll("[role=tab]")].map((t) => /** @type {HTMLButtonElement} */ (t));
  /** @param {HTMLButtonElement} chosen */
  const choose = (chosen) => {
    for (const tab of tabs) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      $(tab.getAttribute("aria-controls") || "").hidden = !on;
    }
    shown(chosen.id.replace("tab-", ""));
  };
  for (const tab of tabs) {
    tab.onclick = () => choose(tab);
    tab.onkeydown = (event) => {
      const seen = tabs.filter((t) => !t.hidden);
      const at = seen.indexOf(tab);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: seen.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = seen[(to + seen.length) % seen.length];
      next.focus();
      choose(next);
    };
  }
  return (/** @type {string} */ name) => choose($(`tab-${name}`));
}
