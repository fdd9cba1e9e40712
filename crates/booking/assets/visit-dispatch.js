// The dispatcher's page: the form that gives a visit its caregiver and time, with what is free when that is taken.
import { api, ApiProblem } from "/static/api.js";
import { clearErrors, showErrors } from "/static/form.js";

const $ = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
/** @type {{plan: DOMStringMap, close: DOMStringMap}} */
const words = { plan: $("plan-words").dataset, close: $("close-words").dataset };
const zone = words.plan.zone;
const lang = document.documentElement.lang;
/** @type {Record<string, string>} what the open dialog is about */
let about = {};

/** The moment of a wall clock in the agency's zone, whatever zone this machine is in.
 * @param {string} day @param {string} time */
function moment(day, time) {
  const wanted = Date.parse(`${day}T${time}:00Z`);
  const parts = new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short", timeStyle: "medium", hourCycle: "h23" });
  const offset = (/** @type {number} */ at) => Date.parse(parts.format(at).replace(", ", "T") + "Z") - at;
  const first = wanted - offset(wanted);
  return new Date(wanted - offset(first));
}

/** @param {string} iso @returns {{day: string, time: string, said: string}} */
function local(iso) {
  const at = new Date(iso);
  const day = new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(at);
  const time = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(at);
  const date = new Intl.DateTimeFormat(lang, { timeZone: zone, month: "short", day: "numeric", weekday: "short" }).format(at);
  return { day, time, said: `${date} ${time}` };
}

/** The next quarter of an hour, to start from. */
function soon() {
  const quarter = 15 * 60000;
  return local(new Date(Math.ceil(Date.now() / quarter) * quarter).toISOString()).time;
}

/** What the chosen caregiver already has on the chosen day. */
async function showBusy() {
  const [caregiver, day] = [$("plan-caregiver").value, $("plan-day").value];
  if (!caregiver || !day) return $("plan-busy").replaceChildren();
  const list = await api("GET", `/v1/visits?caregiver=${caregiver}&day=${day}&limit=50`).catch(() => null);
  if (!list || caregiver !== $("plan-caregiver").value || day !== $("plan-day").value) return;
  const open = list.items.filter((/** @type {any} */ v) => ["scheduled", "in_service"].includes(v.state) && v.id !== about.visit);
  const said = open.map((/** @type {any} */ v) => `${local(v.starts_at).time}–${local(v.ends_at).time} ${v.name}`);
  $("plan-busy").textContent = said.length ? `${words.plan.busy} ${said.join(words.plan.list)}` : words.plan.none;
}

/** Counts the questions about doubts: a slower answer to an older one is not shown. */
let doubtsAsked = 0;

/** The doubts about the plan as it stands in the form; it may be sent all the same. */
async function showDoubts() {
  const place = $("plan-doubts");
  const asking = ++doubtsAsked;
  const [day, time, caregiver] = [$("plan-day").value, $("plan-start").value, $("plan-caregiver").value];
  place.hidden = true;
  if (!day || !time || !caregiver || !about.visit) return;
  const starts = moment(day, time);
  const ends = new Date(starts.getTime() + $("plan-length").value * 60000);
  const asked = new URLSearchParams({ caregiver, starts_at: starts.toISOString(), ends_at: ends.toISOString() });
  const found = await api("GET", `/v1/visits/${about.visit}/fit?${asked}`).catch(() => null);
  if (!found || asking !== doubtsAsked || !found.doubts.length) return;
  const said = JSON.parse(words.plan.doubtWords || "{}");
  place.textContent = `${words.plan.doubts} ${found.doubts.map((/** @type {string} */ doubt) => said[doubt]).join(words.plan.list)}`;
  place.hidden = false;
}

/** @param {string} title @param {{text: string, take: () => void}[]} choices */
function offer(title, choices) {
  if (!choices.length) return;
  const row = Object.assign(document.createElement("div"), { className: "toolbar" });
  for (const choice of choices) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: choice.text });
    button.addEventListener("click", () => {
      choice.take();
      clearErrors($("plan-form"));
      $("plan-alternatives").replaceChildren();
      showBusy();
      showDoubts();
      $("plan-form").querySelector("[type='submit']").focus();
    });
    row.append(button);
  }
  $("plan-alternatives").append(Object.assign(document.createElement("p"), { textContent: title, className: "strong" }), row);
}

/** @param {any} problem */
function alternatives(problem) {
  $("plan-alternatives").replaceChildren();
  showErrors($("plan-form"), problem);
  const found = problem instanceof ApiProblem ? problem.body.alternatives : null;
  if (!found) return;
  offer(words.plan.freeCaregivers || "", found.caregivers.map((/** @type {any} */ c) => ({ text: c.name, take: () => ($("plan-caregiver").value = c.id) })));
  offer(words.plan.freeTimes || "", found.times.map((/** @type {any} */ t) => {
    const { day, time, said } = local(t.starts_at);
    return { text: said, take: () => (([$("plan-day").value, $("plan-start").value] = [day, time])) };
  }));
}

/** Opens the form of a step: what it is about, where it is sent, and the version that the row shows.
 * @param {"plan" | "close"} name @param {HTMLElement} opener */
function open(name, opener) {
  about = { .../** @type {any} */ (opener.dataset) };
  const form = /** @type {HTMLFormElement} */ ($(`${name}-form`));
  clearErrors(form);
  form.dataset.send = about.to;
  form.dataset.version = about.read;
  $(`${name}-title`).textContent = words[name][about.kind === "no-show" ? "noShow" : about.kind] || "";
  $(`${name}-about`).textContent = about.about;
  if (name === "close") form.reset();
  else fillPlan();
  $(name).showModal();
}

function fillPlan() {
  $("plan-alternatives").replaceChildren();
  if (about.caregiver) $("plan-caregiver").value = about.caregiver;
  [$("plan-day").value, $("plan-start").value] = [about.day, about.start || $("plan-start").value || soon()];
  const lengths = [...$("plan-length").options].map((o) => o.value);
  if (!lengths.includes(about.minutes)) $("plan-length").add(new Option(about.minutes, about.minutes));
  $("plan-length").value = about.minutes;
  showBusy();
  showDoubts();
}

document.addEventListener("click", (event) => {
  const opener = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("button[data-form]"));
  if (opener) open(opener.dataset.form === "plan" ? "plan" : "close", opener);
});

for (const id of ["plan-caregiver", "plan-day"]) $(id).addEventListener("change", showBusy);
for (const id of ["plan-caregiver", "plan-day", "plan-start", "plan-length"]) $(id).addEventListener("change", showDoubts);

$("plan-form").addEventListener("sanbao:sending", (/** @type {CustomEvent} */ { detail }) => {
  const [day, time, caregiver] = [$("plan-day").value, $("plan-start").value, $("plan-caregiver").value];
  const starts = day && time ? moment(day, time) : null;
  detail.body = {
    ...(caregiver ? { caregiver } : {}),
    ...(starts ? { starts_at: starts.toISOString(), ends_at: new Date(starts.getTime() + $("plan-length").value * 60000).toISOString() } : {}),
  };
});

$("plan-form").addEventListener("sanbao:refused", (/** @type {CustomEvent} */ event) => {
  if (event.detail.problem.status === 412) return;
  event.preventDefault();
  alternatives(event.detail.problem);
});

// J and K go from row to row.
document.addEventListener("keydown", (event) => {
  const typing = /** @type {HTMLElement} */ (event.target).closest("input, select, textarea, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !["j", "k"].includes(event.key)) return;
  const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-row]")]);
  const here = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const next = event.key === "j" ? here + 1 : Math.max(here - 1, 0);
  rows[Math.min(next, rows.length - 1)]?.focus();
});
