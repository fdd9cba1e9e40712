// One consult's page: booking with alternatives, family links, printing, and news from the other side.
import { api } from "/static/api.js";
import { sendByApi, showErrors, values } from "/static/form.js";
import { notice } from "/static/page.js";

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-schedule]"))) {
  const times = /** @type {HTMLSelectElement} */ (form.elements.namedItem("starts_at"));
  sendByApi(form, {
    path: form.dataset.schedule || "",
    body: () => {
      const [doctor, starts] = times.value.split("|");
      return { doctor_id: doctor, room_id: values(form).room_id, starts_at: starts };
    },
    done: () => location.reload(),
    failed: (problem) => {
      const free = problem.body?.alternatives;
      if (!free) return false;
      // The taken time goes; the nearest free ones come first, and one press books the first of them.
      times.selectedOptions[0]?.remove();
      for (const slot of [...free].reverse()) {
        const value = [...times.options].find((o) => o.value.startsWith(slot.doctor_id) && Date.parse(o.value.split("|")[1]) === Date.parse(slot.starts_at));
        if (value) times.prepend(value);
      }
      times.selectedIndex = 0;
      showErrors(form, problem);
      form.querySelector(".error-summary")?.append(Object.assign(document.createElement("p"), { textContent: form.dataset.taken }));
      return true;
    },
  });
}

/** @param {{path: string}} link */
function showLink(link) {
  const place = document.getElementById("guest-link");
  const field = /** @type {HTMLInputElement | null} */ (document.getElementById("guest-url"));
  if (!place || !field) return;
  field.value = new URL(link.path, location.href).href;
  place.hidden = false;
  field.focus();
  field.select();
}

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-guest]"))) {
  sendByApi(form, { path: form.dataset.guest || "", done: (link) => (form.reset(), showLink(link)) });
}

document.addEventListener("click", async (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("button"));
  if (!button) return;
  try {
    if (button.dataset.guestResend) showLink(await api("POST", button.dataset.guestResend));
    if (button.dataset.guestRevoke) {
      await api("DELETE", button.dataset.guestRevoke);
      button.closest(".spread")?.remove();
    }
    if ("copy" in button.dataset) {
      const field = /** @type {HTMLInputElement} */ (document.getElementById("guest-url"));
      field.select();
      // The clipboard is closed to pages on plain http; the text is selected for the keyboard then.
      await navigator.clipboard?.writeText(field.value);
    }
    if ("print" in button.dataset) window.print();
  } catch (problem) {
    notice(/** @type {Error} */ (problem).message, "bad");
  }
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
  // What is typed into a page that is about to go would be lost.
  document.body.inert = true;
  location.reload();
});

// What cannot be undone asks once, before the form is sent.
document.addEventListener(
  "submit",
  (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.dataset.send || !form.dataset.ask || confirm(form.dataset.ask)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);
