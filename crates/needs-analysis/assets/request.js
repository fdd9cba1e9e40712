// One request: what is put right is sent whole, an emptied field too; and an area is found by typing.
const form = /** @type {HTMLFormElement | null} */ (document.querySelector("#do-edit form"));
const find = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-area-find]"));
const area = /** @type {HTMLSelectElement | null} */ (document.getElementById("edit-area"));
const WAIT_MS = 250;
let [timer, question] = [0, 0];

form?.addEventListener("sanbao:sending", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  for (const field of /** @type {any} */ (form.elements)) {
    if (field.name && field.name !== "reason" && field.value.trim() === "") detail.body[field.name] = "";
  }
});

async function look() {
  const q = find?.value.trim() || "";
  const mine = ++question;
  if (!q || !area) return;
  const fields = new URLSearchParams({ q });
  const answer = await fetch("/requests/areas", { method: "POST", body: fields, headers: { accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok || answer.redirected || mine !== question) return;
  const found = [...new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll("option")];
  for (const option of found.reverse()) {
    if (![...area.options].some((one) => one.value === option.value)) area.prepend(option);
  }
  const first = found.at(-1);
  if (first) area.value = first.value;
}

find?.addEventListener("input", (event) => {
  clearTimeout(timer);
  if (!(/** @type {InputEvent} */ (event).isComposing)) timer = window.setTimeout(() => void look(), WAIT_MS);
});
// Its names are its own.
export {};
