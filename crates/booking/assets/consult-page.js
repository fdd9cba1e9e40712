// One consult's page: booking with alternatives, family links, and news from the other side.
import { showErrors } from "/static/form.js";
import { notice } from "/static/page.js";

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-schedule]"))) {
  const times = /** @type {HTMLSelectElement} */ (form.elements.namedItem("starts_at"));
  form.addEventListener("sanbao:sending", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    const [doctor_id, starts_at] = times.value.split("|");
    const { room_id } = detail.body;
    detail.body = room_id ? { doctor_id, room_id, starts_at } : { doctor_id, starts_at };
    if ("belowRank" in form.dataset) detail.body.below_rank = true;
    const reason = form.elements.namedItem("overbook.reason");
    if (reason instanceof HTMLTextAreaElement) detail.body.overbook = { reason: reason.value };
  });
  form.addEventListener("sanbao:refused", (event) => {
    const { problem } = /** @type {CustomEvent} */ (event).detail;
    const free = problem.body?.alternatives;
    if (!free) return;
    event.preventDefault();
    const taken = times.selectedOptions[0];
    // The times of the dialog are taken all: what is refused there is no other time's.
    if ("overbook" in form.dataset) return showErrors(form, problem);
    // The taken time goes; the nearest free ones come first, and one press books the first of them.
    taken?.remove();
    for (const slot of [...free].reverse()) {
      const value = [...times.options].find((o) => o.value.startsWith(slot.doctor_id) && Date.parse(o.value.split("|")[1]) === Date.parse(slot.starts_at));
      if (value) times.prepend(value);
    }
    times.selectedIndex = 0;
    showErrors(form, problem);
    form.querySelector(".error-summary")?.append(Object.assign(document.createElement("p"), { textContent: form.dataset.taken }));
    if (taken && problem.body.overbook) offerBeside(form, taken, problem.body.overbook.conflicts_with);
  });
}

/**
 * Says in full which time is chosen, since a closed list cuts what is long on a telephone. Without a time nothing can be sent.
 * @param {HTMLSelectElement} times
 */
function sayChosen(times) {
  const chosen = times.form?.querySelector("[data-chosen]");
  if (chosen) chosen.textContent = times.selectedOptions[0]?.text || "";
  const send = /** @type {HTMLButtonElement | null | undefined} */ (times.form?.querySelector("button[type='submit']"));
  if (send) send.disabled = !times.value;
}
for (const times of /** @type {NodeListOf<HTMLSelectElement>} */ (document.querySelectorAll("form[data-overbook] select[name='starts_at']"))) {
  times.addEventListener("change", () => sayChosen(times));
}

/**
 * Offers a taken time to somebody who may have the doctor taken twice: what it runs into, and the way to the dialog.
 * @param {HTMLFormElement} form @param {HTMLOptionElement} taken @param {any[]} conflicts
 */
function offerBeside(form, taken, conflicts) {
  const dialog = document.getElementById(form.dataset.beside || "");
  const times = /** @type {HTMLSelectElement | null} */ (dialog?.querySelector("select[name='starts_at']"));
  const summary = form.querySelector(".error-summary");
  if (!dialog || !times || !summary) return;
  dialog.querySelector("[data-none]")?.remove();
  if (![...times.options].some((option) => option.value === taken.value)) times.prepend(new Option(taken.text, taken.value));
  times.value = taken.value;
  sayChosen(times);
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: form.dataset.besideLabel });
  button.dataset.action = "open";
  button.dataset.target = dialog.id;
  summary.append(...conflicts.length ? [Object.assign(document.createElement("p"), { textContent: form.dataset.besideWith }), listed(form, conflicts)] : [], button);
}

/**
 * The consults that are in the way, as links where the reader may read them.
 * @param {HTMLFormElement} form @param {any[]} conflicts
 */
function listed(form, conflicts) {
  const said = new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: form.dataset.zone, dateStyle: "medium", timeStyle: "short" });
  const list = document.createElement("ul");
  for (const conflict of conflicts) {
    const text = said.format(new Date(conflict.starts_at));
    const one = document.createElement("li");
    if (conflict.consult_id) one.append(Object.assign(document.createElement("a"), { href: `/consults/${conflict.consult_id}`, textContent: text }));
    else one.textContent = text;
    list.append(one);
  }
  return list;
}

// An exchange names the other consult in the version that the page shows, and says what stands in the way.
for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-exchange]"))) {
  form.addEventListener("sanbao:sending", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    const [id, version] = String(detail.body.with || "").split("|");
    detail.body = { with: id, version: Number(version) };
  });
  form.addEventListener("sanbao:refused", (event) => {
    const { problem } = /** @type {CustomEvent} */ (event).detail;
    const found = problem.body?.conflicts_with;
    if (!found?.length) return;
    event.preventDefault();
    showErrors(form, problem);
    form.querySelector(".error-summary")?.append(Object.assign(document.createElement("p"), { textContent: form.dataset.conflicts }), listed(form, found));
  });
}

// A resident consents in the own name; a guardian's name and relation, and a witness, are of those who need them.
const consent = document.getElementById("consent");
consent?.addEventListener("sanbao:sending", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  if (!detail.body.given_by) return;
  const { guardian_name, relation, witness, ...rest } = detail.body;
  detail.body = {
    ...rest, ...(rest.given_by === "guardian" && { name: guardian_name || "", relation: relation || "" }),
    ...(rest.method === "verbal_with_witness" && { witness: witness || "" }),
  };
});
consent?.addEventListener("sanbao:refused", (event) => {
  for (const error of /** @type {CustomEvent} */ (event).detail.problem.errors || []) if (error.pointer === "/name") error.pointer = "/guardian_name";
});

// A link is shown once, when it was made; one that was revoked goes from the list.
document.getElementById("guests")?.addEventListener("sanbao:sent", (event) => {
  const sender = /** @type {HTMLElement} */ (event.target);
  const { answer } = /** @type {CustomEvent} */ (event).detail;
  event.preventDefault();
  if (sender.dataset.send?.startsWith("DELETE ")) return sender.closest(".spread")?.remove();
  const place = document.getElementById("guest-link");
  const field = /** @type {HTMLInputElement | null} */ (document.getElementById("guest-url"));
  if (!place || !field) return;
  if (sender instanceof HTMLFormElement) sender.reset();
  field.value = new URL(answer.path, location.href).href;
  place.hidden = false;
  field.focus();
  field.select();
});

// The status follows by itself. When the state is another one, the forms are another's too: the page
// is read anew, unless something was typed or somebody is about to; then it says so and leaves the choice.
const status = document.getElementById("status");
const stateOf = () => status?.querySelector("[data-state]")?.getAttribute("data-state");
const before = stateOf();
let typed = false;
document.addEventListener("input", () => (typed = true));
const inField = () => Boolean(document.activeElement?.closest("textarea, input, select"));
status?.addEventListener("sanbao:changed", () => {
  if (stateOf() === before) return;
  if (typed || inField()) {
    notice(status.dataset.changed || "", "warn");
    return;
  }
  // Text that is typed into a page that is about to go would be lost.
  document.body.inert = true;
  location.reload();
});
