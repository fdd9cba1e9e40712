// The forms of an organisation: a field that was emptied is sent as empty, so that what stood in it is taken away; and the
// question about a name that exists is shown once the answer asks it.
document.addEventListener("sanbao:sending", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.id !== "organisation") return;
  const { body } = /** @type {CustomEvent} */ (event).detail;
  for (const field of form.querySelectorAll("input:not([type='checkbox'])")) {
    const { name, value, defaultValue } = /** @type {HTMLInputElement} */ (field);
    if (name && !value.trim() && defaultValue) body[name] = "";
  }
});

document.addEventListener("sanbao:refused", (event) => {
  const { problem } = /** @type {CustomEvent} */ (event).detail;
  const asks = (problem?.body?.errors || []).some((/** @type {{pointer: string}} */ error) => error.pointer === "/same_name");
  const question = /** @type {HTMLElement} */ (event.target).querySelector("#same-name");
  if (asks && question instanceof HTMLElement) question.hidden = false;
});
