// An area's page: a new area's code follows its level until somebody types one; a place is named, and sent by its code.

const add = document.getElementById("add-area");
if (add instanceof HTMLFormElement) {
  const level = /** @type {HTMLSelectElement} */ (add.elements.namedItem("level"));
  const code = /** @type {HTMLInputElement} */ (add.elements.namedItem("code"));
  let suggested = code.value;
  level.addEventListener("change", () => {
    const next = add.querySelector(`data[data-level="${CSS.escape(level.value)}"]`)?.getAttribute("value") || "";
    if (code.value.trim() === suggested || !code.value.trim()) code.value = next;
    suggested = next;
  });
}

document.getElementById("move")?.addEventListener("sanbao:sending", (event) => {
  const { body } = /** @type {CustomEvent} */ (event).detail;
  const places = [...document.querySelectorAll("#places option")];
  const named = places.find((place) => place.getAttribute("value") === body.parent);
  if (named instanceof HTMLElement) body.parent = named.dataset.code;
});
