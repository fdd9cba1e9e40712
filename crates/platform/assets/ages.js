// Times that are told by how far away they are go on ageing while the page is open: <time datetime data-age="…">. So do those
// that are told by a word for their day: <time datetime data-near="ZONE" data-rest="14:30" title="11月23日 周一 14:30">.
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

const DAY_MS = 86400000;
/** @type {Map<string, Intl.DateTimeFormat>} */ const calendars = new Map();

/** The day of a moment by the clock of a zone, counted in days; none where the browser does not know the zone.
 * @param {number} at @param {string} zone @returns {number} */
function dayOf(at, zone) {
  try {
    const known = calendars.get(zone) || new Intl.DateTimeFormat("en-US", { timeZone: zone, year: "numeric", month: "numeric", day: "numeric" });
    calendars.set(zone, known);
    /** @type {Record<string, number>} */ const part = {};
    for (const { type, value } of known.formatToParts(at)) part[type] = Number(value);
    return Date.UTC(part.year, part.month - 1, part.day) / DAY_MS;
  } catch {
    return NaN;
  }
}

/**
 * A moment by the word of its day and what stands behind it (`今天 14:30`); the whole of it when its day is not near.
 * @param {{ at: number, zone: string, rest: string, whole: string }} told @param {number} [now]
 * @returns {string}
 */
export function near({ at, zone, rest, whole }, now = Date.now()) {
  const kind = ["yesterday", "today", "tomorrow"][dayOf(at, zone) - dayOf(now, zone) + 1];
  return kind ? word(`near-${kind}`, { rest }) : whole;
}

/** @param {ParentNode} [within] */
export function agesOf(within = document) {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (within.querySelectorAll("time[data-age]"))) {
    const at = Date.parse(time.dateTime);
    const text = age(time.dataset.age || "", at);
    if (text && time.textContent !== text) time.textContent = text;
  }
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (within.querySelectorAll("time[data-near]"))) {
    const { near: zone = "", rest = "" } = time.dataset;
    const text = near({ at: Date.parse(time.dateTime), zone, rest, whole: time.title });
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
