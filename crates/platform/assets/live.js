// Parts of a page that update by themselves: an element with data-live="EVENTS-URL" is read anew on each change, and with
// data-live-seconds="N" also every N seconds, for what time alone changes. It is read from data-live-source, or by the
// fields of the form that data-live-form names (what was searched for stands in no address), or from the page's own address.
// A reading that fails is tried again, and the page says so until it has worked.
import { renew } from "/static/api.js";
import { listen, pause } from "/static/stream.js";
import { word } from "/static/words.js";

/** What each part says of itself; the page's line tells the worst of it.
 * @type {Map<HTMLElement, number>} attempts; 0 is well, -1 not yet known */
const lines = new Map();

function tell() {
  const line = document.querySelector("[data-live-state]");
  if (!line || ![...lines.values()].some((n) => n >= 0)) return;
  const attempt = Math.max(...lines.values());
  const text = attempt > 0 ? word("lost", { attempt }) : word("live");
  if (line.textContent !== text) line.textContent = text;
  line.setAttribute("data-state", attempt > 0 ? "lost" : "live");
}

/** @param {HTMLElement} element @returns {Promise<Response>} */
function fresh(element) {
  /** @type {RequestInit} */ const how = { headers: { accept: "text/html" }, credentials: "same-origin" };
  const form = document.getElementById(element.dataset.liveForm || "");
  if (!(form instanceof HTMLFormElement)) return fetch(element.dataset.liveSource || location.href, how);
  const fields = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  if (element.dataset.liveAfter) fields.set("after", element.dataset.liveAfter);
  return fetch(form.action, { ...how, method: "POST", body: fields });
}

/** @param {HTMLElement} element */
async function readOnce(element) {
  const answer = await fresh(element);
  if (answer.redirected || answer.status === 401) {
    await renew();
    throw new Error("not logged in");
  }
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const part = page.getElementById(element.id);
  if (!part) throw new Error("the part is not on the page");
  if (part.innerHTML === element.innerHTML) return;
  const focused = document.activeElement && document.activeElement.id;
  keepTyped(element, part);
  element.replaceChildren(...part.childNodes);
  if (focused) document.getElementById(focused)?.focus();
  element.dispatchEvent(new CustomEvent("sanbao:changed", { bubbles: true }));
}

/** @param {HTMLElement} element */
function follow(element) {
  let [failures, lost, timer] = [0, -1, 0];
  let [reading, again] = [false, false];
  const now = () => {
    lines.set(element, lost < 0 && !failures ? -1 : Math.max(failures, lost));
    tell();
  };
  const read = async () => {
    // One at a time; what changes meanwhile is read after it.
    if (reading) return void (again = true);
    if (document.documentElement.classList.contains("locked")) return;
    clearTimeout(timer);
    reading = true;
    try {
      do {
        again = false;
        await readOnce(element);
      } while (again);
      failures = 0;
    } catch {
      failures += 1;
      timer = window.setTimeout(read, pause(failures));
    } finally {
      reading = false;
      now();
    }
  };
  listen(element.dataset.live || "", {
    change: read,
    line: ({ state, attempt }) => {
      lost = state === "opening" ? -1 : attempt;
      now();
    },
  });
  const seconds = Number(element.dataset.liveSeconds);
  if (seconds > 0) setInterval(() => document.hidden || read(), 1000 * seconds);
  for (const back of ["online", "sanbao:unlocked"]) addEventListener(back, () => read());
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

for (const element of document.querySelectorAll("[data-live]")) follow(/** @type {HTMLElement} */ (element));
