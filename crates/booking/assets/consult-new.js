// The invitation: five parts, sent at once or kept as a draft; a field of the page may stand for several of the API.
const form = document.getElementById("invitation");
/** @type {Record<string, string>} Fields of the API that one field of the page stands for. */
const PLACES = { hospital_id: "wish", wanted_specialty: "wish", wanted_from: "wanted", wanted_until: "wanted" };
/** What is not chosen is sent as something the service refuses at its field, in the page's language. */
const NOBODY = "00000000-0000-0000-0000-000000000000";

form?.addEventListener("sanbao:sending", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  const { wish, wanted, draft: _, ...rest } = detail.body;
  const [hospital, specialty] = String(wish || "|").split("|");
  const [from, until] = String(wanted || "|").split("|");
  detail.body = {
    resident_id: NOBODY, reason: "", purpose: "", case_summary: "", ...rest, hospital_id: hospital || NOBODY,
    wanted_specialty: specialty || "-", wanted_from: from, wanted_until: until, submit: detail.button.name !== "draft",
  };
});

form?.addEventListener("sanbao:refused", (event) => {
  for (const error of /** @type {CustomEvent} */ (event).detail.problem.errors || []) {
    const name = error.pointer.split("/")[1];
    if (PLACES[name]) error.pointer = `/${PLACES[name]}`;
  }
});
