// The invitation: five parts, sent at once or kept as a draft; a field of the page may stand for several of the API. The time
// that is asked for is held while one writes. What is written is kept from the first letter, whatever is missing in it.
import { api, ApiProblem, newKey } from "/static/api.js";
import { values } from "/static/form.js";
import { filled, word } from "/static/words.js";
import { notice } from "/static/page.js";

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("invitation"));
const times = document.getElementById("times");
/** @type {Record<string, string>} Fields of the API that one field of the page stands for. */
const PLACES = { hospital_id: "wish", wanted_specialty: "wish", wanted_from: "wanted", wanted_until: "wanted", asked: "asked-time" };
/** What is not chosen is sent as something the service refuses at its field, in the page's language. */
const NOBODY = "00000000-0000-0000-0000-000000000000";

/** The fields of the page as those of the API, as far as they are filled in.
 * @param {Record<string, any>} fields */
function parts({ wish, wanted, asked, room, device_ids, draft: _, ...rest }) {
  const [hospital_id, wanted_specialty] = String(wish || "").split("|");
  const [wanted_from, wanted_until] = String(wanted || "").split("|");
  const [doctor_id, starts_at, ends_at, held] = String(asked || "").split("|");
  const room_id = form?.elements.namedItem("room") ? room : held;
  /** @type {Record<string, any>} */ const body = { ...rest };
  if (hospital_id) Object.assign(body, { hospital_id, wanted_specialty });
  if (wanted_from) Object.assign(body, { wanted_from, wanted_until });
  if (device_ids?.length) body.device_ids = device_ids;
  if (starts_at) body.asked = { doctor_id, starts_at, ...(room_id && { room_id }) };
  return { body, ends_at };
}

form?.addEventListener("sanbao:sending", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  const { body, ends_at } = parts(detail.body);
  sending = true;
  // What is being kept is kept before: it ends with what is sent. A draft is sent once, however often it is tried, and from
  // whichever page.
  detail.wait(keptFirst().then(() => {
    if (!kept) return;
    detail.body.draft_id = kept.dataset.draft;
    detail.key = kept.dataset.draft;
  }));
  detail.body = {
    resident_id: NOBODY, reason: "", purpose: "", case_summary: "", hospital_id: NOBODY, wanted_specialty: "-", ...body,
    submit: detail.button.name !== "draft",
  };
  // What was chosen is taken: that none is wanted has to be said.
  if (times?.querySelector("[name=asked]") && !times.querySelector("[name=asked]:checked")) detail.wait(Promise.reject(new ApiProblem({ status: 422, title: times.dataset.taken })));
  if (!body.asked) return;
  // A time that is asked for is wanted, whatever the range says.
  if (Date.parse(body.asked.starts_at) < Date.parse(body.wanted_from)) detail.body.wanted_from = body.asked.starts_at;
  if (Date.parse(ends_at) > Date.parse(body.wanted_until)) detail.body.wanted_until = ends_at;
});
form?.addEventListener("sanbao:sent", () => (changed = false));

form?.addEventListener("sanbao:refused", (event) => {
  const { problem } = /** @type {CustomEvent} */ (event).detail;
  // Without an answer nobody knows whether it was sent: the same draft is sent again, and nothing is kept in its place.
  sending = !(problem instanceof ApiProblem) || problem.status >= 500;
  if (problem instanceof ApiProblem && String(problem.body.type).endsWith("/idempotency-mismatch")) {
    event.preventDefault();
    sending = true;
    notice(kept?.dataset.sent || "", "warn");
  }
  for (const error of problem.errors || []) {
    const name = error.pointer.split("/")[1];
    if (PLACES[name]) error.pointer = `/${PLACES[name]}`;
  }
  // What is not sent is kept on.
  if (changed && !sending) keepSoon();
  if (problem.status === 409 && chosen("asked")) look().then(choose);
});

/** @param {string} name @returns {string} */
const chosen = (name) => String((form && new FormData(form).get(name)) || "");
/** The devices that are to be brought. @returns {string[]} */
const devices = () => (form ? new FormData(form).getAll("device_ids").map(String) : []);
let asked = 0;

/** Reads the free times of those who are chosen now. */
async function look() {
  const [resident, wish, title] = [chosen("resident_id"), chosen("wish"), chosen("wanted_title")];
  const mine = ++asked;
  const query = new URLSearchParams({ resident, wish, title, devices: devices().join(","), urgency: chosen("urgency") });
  if (document.getElementById("asked-for-more")) query.set("returned", "true");
  const answer = resident && wish ? await fetch(`/consults/times?${query}`, { credentials: "same-origin" }).catch(() => null) : null;
  const page = new DOMParser().parseFromString(answer?.ok ? await answer.text() : "", "text/html");
  if (!times || mine !== asked) return;
  // Somebody may have chosen while the answer was on its way: what is chosen stays chosen where it is still to be had.
  const mineStill = chosen("asked").split("|").slice(0, 2).join("|");
  times.replaceChildren(...page.body.childNodes);
  const all = /** @type {HTMLInputElement[]} */ ([...times.querySelectorAll("[name=asked]")]);
  const again = all.find((choice) => mineStill && choice.value.startsWith(`${mineStill}|`));
  if (again) again.checked = true;
}

/** Leaves the choice of a time open. */
function choose() {
  for (const choice of times?.querySelectorAll("[name=asked]") || []) /** @type {HTMLInputElement} */ (choice).checked = false;
}

const HOLD_AFTER_MS = 400;
let timer = 0;
let turn = 0;
/** @type {string} The hold that stands. */ let standing = "";

/** Holds the time that is chosen, once nobody goes on choosing; none gives back what was held.
 * @param {HTMLInputElement} choice */
function hold(choice) {
  const own = ++turn;
  clearTimeout(timer);
  timer = window.setTimeout(async () => {
    if (!choice.value) {
      if (standing) await api("DELETE", `/v1/consult-holds/${standing}`).catch(() => null);
      standing = "";
      return;
    }
    const [doctor_id, starts_at] = choice.value.split("|");
    const hospital_id = chosen("wish").split("|")[0];
    try {
      const held = await api("POST", "/v1/consult-holds", { resident_id: chosen("resident_id"), hospital_id, doctor_id, starts_at, ...(chosen("room") && { room_id: chosen("room") }), ...(devices().length && { device_ids: devices() }), ...(chosen("urgency") && { urgency: chosen("urgency") }) });
      standing = held.id;
      const time = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(new Date(held.expires_at));
      if (own === turn) notice(filled(times?.dataset.held || "", { time }));
    } catch (problem) {
      if (own !== turn) return;
      const taken = problem instanceof ApiProblem && String(problem.body.type).endsWith("/slot-taken");
      if (taken) {
        choice.checked = false;
        choice.disabled = true;
      }
      notice(taken ? times?.dataset.taken || "" : `${times?.dataset.notHeld} ${/** @type {Error} */ (problem).message}`, "warn");
    }
  }, HOLD_AFTER_MS);
}

form?.addEventListener("change", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (["resident_id", "wish", "wanted_title", "urgency"].includes(field.name)) look();
  else if (field.name === "asked") hold(field);
  else if (field.name === "device_ids" && !chosen("asked")) look();
  else if (field.name === "room" || field.name === "device_ids") {
    const time = /** @type {HTMLInputElement | null | undefined} */ (times?.querySelector("[name=asked]:checked"));
    if (time?.value) hold(time);
  }
});
// A house with many residents finds one by typing: the list holds those who fit, and one alone is chosen.
const find = /** @type {HTMLInputElement | null} */ (document.getElementById("resident-find"));
const FIND_AFTER_MS = 150;
let [finding, question] = [0, 0];

async function lookUp() {
  const list = /** @type {HTMLSelectElement | null} */ (form?.elements.namedItem("resident_id"));
  if (!find || !list) return;
  const mine = ++question;
  const answer = await fetch("/residents", { method: "POST", body: new URLSearchParams({ q: find.value }), headers: { accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
  const read = answer?.ok && !answer.redirected ? await answer.text() : "";
  if (mine !== question) return;
  const told = find.parentElement?.querySelector("[role=status]");
  if (!read) {
    if (told) told.textContent = word("not-sent");
    return;
  }
  const page = new DOMParser().parseFromString(read, "text/html");
  const found = /** @type {NodeListOf<HTMLAnchorElement>} */ (page.querySelectorAll("tbody th a"));
  const options = [...found].map((one) => new Option(one.textContent || "", one.pathname.split("/").pop()));
  list.replaceChildren(list.options[0], ...options);
  if (options.length === 1) list.selectedIndex = 1;
  if (told) told.textContent = options.length ? "" : find.dataset.none || "";
  list.dispatchEvent(new Event("change", { bubbles: true }));
}

find?.addEventListener("change", (event) => event.stopPropagation());
for (const kind of ["input", "compositionend"]) {
  find?.addEventListener(kind, (event) => {
    // What is looked for is nothing that is written.
    event.stopPropagation();
    if (/** @type {InputEvent} */ (event).isComposing) return;
    clearTimeout(finding);
    finding = window.setTimeout(lookUp, FIND_AFTER_MS);
  });
}

// Also where what was typed was given back to a page that was read anew.
const given = [...(form?.querySelectorAll("select") || [])].some((select) => select.selectedOptions[0] && !select.selectedOptions[0].defaultSelected);
if (times && (!times.children.length || given)) look();

// Keeping what is written: a moment after the last letter, over the version that was kept last.
const SAVE_AFTER_MS = 2500;
const kept = document.getElementById("draft-state");
let saving = 0;
let changed = false;
/** Whether it is on its way, or was and nobody knows. */ let sending = false;
/** @type {Promise<unknown>} Saves follow one another. */ let last = Promise.resolve();

/** Whether what is kept is what was written: then only the answer was lost.
 * @param {any} there @param {any} written */
const isSame = (there, written) => Object.keys(written).every((name) => JSON.stringify(there[name]) === JSON.stringify(written[name]));

/** @returns {Promise<void>} */
async function put() {
  if (!form || !kept || !changed || sending) return;
  changed = false;
  const { version } = kept.dataset;
  const path = `/v1/consult-drafts/${kept.dataset.draft}`;
  const { body } = parts(values(form));
  try {
    const saved = await api("PUT", path, body, version ? { "if-match": `"${version}"` } : {});
    kept.dataset.version = String(saved.version);
    history.replaceState(null, "", `/consults/new?draft=${saved.id}`);
    const time = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short", hourCycle: "h23" }).format(new Date(saved.changed_at));
    if (!changed) {
      kept.textContent = `${kept.dataset.said || ""}${filled(kept.dataset.saved || "", { time })}`;
      kept.dataset.said = "";
    }
    pause = SAVE_AFTER_MS;
    const discard = document.getElementById("draft-discard");
    if (discard) discard.hidden = false;
  } catch (problem) {
    changed = true;
    if (!(problem instanceof ApiProblem) || problem.status !== 412) throw problem;
    const there = await api("GET", path).catch((gone) => {
      if (gone instanceof ApiProblem && gone.status === 404) return null;
      throw gone;
    });
    if (!there) {
      // It was sent or discarded elsewhere: another draft of it would be sent a second time.
      sending = true;
      kept.textContent = kept.dataset.gone || "";
      return;
    }
    if (isSame(there, body)) {
      kept.dataset.version = String(there.version);
      return put();
    }
    // It was changed elsewhere: what is written here goes on under a name of its own.
    kept.dataset.draft = newKey();
    kept.dataset.said = `${kept.dataset.apart} `;
    delete kept.dataset.version;
    document.getElementById("discard-draft")?.setAttribute("data-send", `DELETE /v1/consult-drafts/${kept.dataset.draft}`);
    await put();
  }
}

const SAVE_AGAIN_MS_MAX = 60000;
let pause = SAVE_AFTER_MS;

function keepSoon() {
  clearTimeout(saving);
  saving = window.setTimeout(keep, pause);
}

function keep() {
  last = last.then(put).catch((problem) => {
    const refused = problem instanceof ApiProblem && problem.status < 500;
    if (kept) kept.textContent = refused ? problem.message : kept.dataset.lost || "";
    if (refused) return;
    // Without a network it is tried again, and at once when there is one.
    pause = Math.min(pause * 2, SAVE_AGAIN_MS_MAX);
    keepSoon();
  });
}
addEventListener("online", () => changed && keep());

/** Waits for what is on its way, and begins nothing more. */
function keptFirst() {
  clearTimeout(saving);
  return last;
}

if (kept && form) {
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, () => {
      changed = true;
      if (!sending) kept.textContent = kept.dataset.unsaved || "";
      pause = SAVE_AFTER_MS;
      keepSoon();
    });
  }
  document.getElementById("discard-draft")?.addEventListener("sanbao:sending", (event) => {
    /** @type {CustomEvent} */ (event).detail.wait(keptFirst());
    // Only then it is asked whether to discard: on no, what was written goes on being kept.
    setTimeout(() => changed && keepSoon());
  });
  document.getElementById("discard-draft")?.addEventListener("sanbao:sent", () => {
    clearTimeout(saving);
    changed = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
}
