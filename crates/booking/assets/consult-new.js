// The invitation: five parts, sent at once or kept as a draft; nothing typed is lost on errors.
import { showErrors, sendByApi, values } from "/static/form.js";

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("invitation"));
/** @type {Record<string, string>} Fields of the API that one field of the page stands for. */
const PLACES = { hospital_id: "wish", wanted_specialty: "wish", wanted_from: "wanted", wanted_until: "wanted" };

if (form) {
  let draft = false;
  for (const button of form.querySelectorAll("button")) {
    button.addEventListener("click", () => (draft = button.hasAttribute("data-draft")));
  }
  const id = form.dataset.id;
  sendByApi(form, {
    method: id ? "PUT" : "POST",
    path: id ? `/v1/consults/${id}` : "/v1/consults",
    body: () => {
      const { wish, wanted, draft: _, ...rest } = /** @type {any} */ (values(form));
      const [hospital, specialty] = String(wish || "|").split("|");
      const [from, until] = String(wanted || "|").split("|");
      // What is not chosen is sent as something the service refuses at its field, in the page's language.
      const nobody = "00000000-0000-0000-0000-000000000000";
      return {
        resident_id: nobody, reason: "", purpose: "", case_summary: "", ...rest, hospital_id: hospital || nobody,
        wanted_specialty: specialty || "-", wanted_from: from, wanted_until: until, submit: !draft,
      };
    },
    done: (consult) => location.assign(`/consults/${consult.id}`),
    failed: (problem) => {
      for (const error of problem.errors || []) {
        const name = error.pointer.split("/")[1];
        if (PLACES[name]) error.pointer = `/${PLACES[name]}`;
      }
      showErrors(form, problem);
      return true;
    },
  });
}
