// Fields that are checked as one types: data-check="national-id" or "phone", with data-wrong="what to say".
import { tell } from "/static/form.js";

/** @param {string} typed @returns {string} digits and letters as ASCII, without spaces, hyphens and invisible marks */
const plain = (typed) => typed.normalize("NFKC").replace(/[\s\-‐-―\u200b-\u200f\u202a-\u202e\u2060\ufeff]/g, "").toUpperCase();

/** GB 11643-1999: the check character of a national id. Those of before have 15 digits and none.
 * @param {string} typed @returns {boolean} */
export function isNationalId(typed) {
  const text = plain(typed);
  if (/^\d{15}$/.test(text)) return true;
  if (!/^\d{17}[\dX]$/.test(text)) return false;
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = weights.reduce((all, weight, i) => all + weight * Number(text[i]), 0);
  return "10X98765432"[sum % 11] === text[17];
}

/** Whether a telephone number may be whole; which ones there are is the server's to know.
 * @param {string} typed @returns {boolean} */
function mayBePhone(typed) {
  const text = plain(typed);
  return /^1[3-9]\d+$/.test(text) ? text.length >= 11 : /\d{5}/.test(text);
}

/** @type {Record<string, {length: number, fits: (typed: string) => boolean}>} */
const checks = {
  "national-id": { length: 18, fits: isNationalId },
  phone: { length: 11, fits: mayBePhone },
};

/** A field is judged when it is long enough, or when it is left.
 * @param {EventTarget | null} field @param {boolean} left */
function judge(field, left) {
  const check = field instanceof HTMLInputElement ? checks[field.dataset.check || ""] : undefined;
  if (!check || !(field instanceof HTMLInputElement)) return;
  const typed = plain(field.value);
  const early = !left && typed.length < check.length;
  tell(field, !typed || early || check.fits(field.value) ? "" : field.dataset.wrong || "");
}

document.addEventListener("input", (event) => judge(event.target, false));
document.addEventListener("focusout", (event) => {
  // A line that appears while a button is being pressed would move the button away from under the finger.
  if (event.relatedTarget instanceof HTMLButtonElement) return;
  setTimeout(() => judge(event.target, true), 300);
});
