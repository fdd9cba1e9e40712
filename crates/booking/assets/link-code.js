// A one-time link's code stands behind the #, where no server sees it: it is handed on by POST. The address keeps it, so that
// another language, or reading the page anew, begins again with it.
const asking = /** @type {HTMLFormElement | null} */ (document.getElementById("link-code"));
const typed = /** @type {HTMLInputElement | null | undefined} */ (asking?.querySelector("input"));
const carried = location.hash.slice(1);

if (asking && typed && carried) {
  typed.value = carried;
  asking.action = `${asking.getAttribute("action")}#${carried}`;
  asking.requestSubmit();
}
