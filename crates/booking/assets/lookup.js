// Looking somebody up while one types: the list is read anew a moment after each change. What is typed stands in no address.
// An answer that comes after a later question is dropped; Enter sends the form itself.

const lookup = /** @type {HTMLFormElement | null} */ (document.getElementById("lookup"));
const listed = document.getElementById("found");
const WAIT_MS = 150;

let [timer, asked] = [0, 0];

async function read() {
  if (!lookup || !listed) return;
  const question = (asked += 1);
  const body = new URLSearchParams(/** @type {any} */ (new FormData(lookup)));
  try {
    const answer = await fetch(lookup.action, { method: "POST", body, headers: { accept: "text/html" }, credentials: "same-origin" });
    if (question !== asked) return;
    if (answer.redirected) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const part = page.getElementById("found");
    if (!answer.ok || !part) throw new Error(`HTTP ${answer.status}`);
    if (question === asked) listed.replaceChildren(...part.childNodes);
  } catch {
    if (question === asked) listed.textContent = listed.dataset.failed || "";
  }
}

lookup?.addEventListener("input", (event) => {
  if (/** @type {InputEvent} */ (event).isComposing) return;
  clearTimeout(timer);
  timer = window.setTimeout(read, WAIT_MS);
});
lookup?.addEventListener("compositionend", () => {
  clearTimeout(timer);
  timer = window.setTimeout(read, WAIT_MS);
});
