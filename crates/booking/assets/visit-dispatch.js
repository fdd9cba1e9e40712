// The dispatcher's page: the form that gives a visit its caregiver and time, with what is free when that is taken.
import { api, ApiProblem } from "/static/api.js";
import { notice } from "/static/page.js";
import { clearErrors, sendByApi, showErrors } from "/static/form.js";

const $ = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const plan = $("plan");
const close = $("close");
const zone = plan.dataset.zone;
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
  $("plan-busy").textContent = said.length ? `${plan.dataset.busy} ${said.join(lang === "en" ? ", " : "、")}` : plan.dataset.none;
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
  if (!found) return true;
  offer(plan.dataset.freeCaregivers, found.caregivers.map((/** @type {any} */ c) => ({ text: c.name, take: () => ($("plan-caregiver").value = c.id) })));
  offer(plan.dataset.freeTimes, found.times.map((/** @type {any} */ t) => {
    const { day, time, said } = local(t.starts_at);
    return { text: said, take: () => (([$("plan-day").value, $("plan-start").value] = [day, time])) };
  }));
  return true;
}

document.addEventListener("click", async (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const opener = /** @type {HTMLElement | null} */ (target.closest("[data-plan]"));
  if (opener) {
    about = { .../** @type {any} */ (opener.dataset), step: opener.dataset.plan || "" };
    clearErrors($("plan-form"));
    $("plan-alternatives").replaceChildren();
    $("plan-title").textContent = about.step === "schedule" ? plan.dataset.titleSchedule : plan.dataset.titleReschedule;
    $("plan-about").textContent = about.about;
    if (about.caregiver) $("plan-caregiver").value = about.caregiver;
    [$("plan-day").value, $("plan-start").value] = [about.day, about.start || $("plan-start").value || soon()];
    const lengths = [...$("plan-length").options].map((o) => o.value);
    if (!lengths.includes(about.minutes)) $("plan-length").add(new Option(about.minutes, about.minutes));
    $("plan-length").value = about.minutes;
    plan.showModal();
    showBusy();
  }
  const closer = /** @type {HTMLElement | null} */ (target.closest("[data-close]"));
  if (closer) {
    about = { .../** @type {any} */ (closer.dataset), step: closer.dataset.close || "" };
    clearErrors($("close-form"));
    $("close-title").textContent = about.step === "cancel" ? close.dataset.titleCancel : close.dataset.titleNoShow;
    $("close-about").textContent = about.about;
    $("close-form").reset();
    close.showModal();
  }
  const again = /** @type {HTMLElement | null} */ (target.closest("[data-repeat]"));
  if (again) {
    await api("POST", `/v1/visits/${again.dataset.repeat}/repeat`)
      .then(() => notice(close.dataset.repeatDone))
      .catch((problem) => notice(problem.message, "bad"));
  }
  const fill = /** @type {HTMLElement | null} */ (target.closest("[data-fill]"));
  if (fill) {
    $(fill.dataset.fill || "").value = fill.textContent;
    $(fill.dataset.fill || "").focus();
  }
});

for (const id of ["plan-caregiver", "plan-day"]) $(id).addEventListener("change", showBusy);

sendByApi($("plan-form"), {
  path: () => `/v1/visits/${about.visit}/${about.step}`,
  body: () => {
    const [day, time, caregiver] = [$("plan-day").value, $("plan-start").value, $("plan-caregiver").value];
    const starts = day && time ? moment(day, time) : null;
    return {
      ...(caregiver ? { caregiver } : {}),
      ...(starts ? { starts_at: starts.toISOString(), ends_at: new Date(starts.getTime() + $("plan-length").value * 60000).toISOString() } : {}),
    };
  },
  done: () => {
    plan.close();
    notice(plan.dataset.done);
  },
  failed: alternatives,
});

sendByApi($("close-form"), {
  path: () => `/v1/visits/${about.visit}/${about.step}`,
  done: () => {
    close.close();
    notice(close.dataset.done);
  },
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

// Who has not come is marked as late without anything having changed on the server.
function markLate() {
  for (const row of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-late-from]"))) {
    const badge = /** @type {HTMLElement | null} */ (row.querySelector("[data-late]"));
    if (!badge || Date.now() < Date.parse(row.dataset.lateFrom || "")) continue;
    row.classList.add("late");
    badge.hidden = false;
    const minutes = Math.floor((Date.now() - Date.parse(row.dataset.starts || "")) / 60000);
    badge.textContent = (badge.dataset.text || "").replace("{n}", String(minutes));
  }
}
setInterval(markLate, 30000);
document.addEventListener("sanbao:changed", markLate);
