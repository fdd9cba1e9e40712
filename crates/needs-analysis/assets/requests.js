// The dispatcher's list: keys for what is done all day.
document.addEventListener("keydown", (event) => {
  const typing = /** @type {HTMLElement} */ (event.target).closest("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "n") /** @type {HTMLElement | null} */ (document.getElementById("new-request"))?.click();
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("q")?.focus();
  }
});
