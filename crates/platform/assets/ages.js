// Times that are told by how far away they are go on ageing while the page is open: <time datetime data-age="…">.
import { word } from "/static/words.js";

const EVERY_MS = 15000;

/** How long, in the largest unit that fits; as `Words::span` on the server says it.
 * @param {number} minutes @returns {string} */
const span = (minutes) =>
  minutes < 120 ? word("minutes", { n: minutes })
  : minutes < 2880 ? word("hours", { n: Math.floor(minutes / 60) })
  : word("days", { n: Math.floor(minutes / 1440) });

/**
 * A moment by its distance: `ago`, `waited` (since then), `overdue` (by so much), `left` (until then, and how late after it).
 * @param {string} kind @param {number} at @param {number} [now]
 * @returns {string}
 */
export function age(kind, at, now = Date.now()) {
  const minutes = Math.trunc((now - at) / 60000);
  if (kind === "left") return minutes > 0 ? word("age-late", { time: span(minutes) }) : word("age-left", { time: span(-minutes) });
  return minutes < 1 ? word(`age-${kind}-now`) : word(`age-${kind}`, { time: span(minutes) });
}

/** @param {ParentNode} [within] */
export function agesOf(within = document) {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (within.querySelectorAll("time[data-age]"))) {
    const at = Date.parse(time.dateTime);
    const text = age(time.dataset.age || "", at);
    if (text && time.textContent !== text) time.textContent = text;
  }
  // A thing that becomes late by time alone shows it: the mark appears, the row is coloured.
  for (const mark of /** @type {NodeListOf<HTMLElement>} */ (within.querySelectorAll("[data-late-from]"))) {
    if (Date.now() < Date.parse(mark.dataset.lateFrom || "")) continue;
    mark.classList.add("late");
    for (const told of /** @type {NodeListOf<HTMLElement>} */ (mark.querySelectorAll("[data-late]"))) told.hidden = false;
  }
}

setInterval(agesOf, EVERY_MS);
document.addEventListener("visibilitychange", () => document.hidden || agesOf());
document.addEventListener("sanbao:changed", () => agesOf());
agesOf();
