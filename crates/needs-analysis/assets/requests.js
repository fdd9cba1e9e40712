// The dispatcher's list: a step by one press, keys for what is done all day.
import { api } from "/static/api.js";
import { notice } from "/static/page.js";

document.addEventListener("click", async (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const button = /** @type {HTMLButtonElement | null} */ (target.closest("button[data-step]"));
  if (!button || button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await api("POST", button.dataset.step || "", {}, { "if-match": `"${button.dataset.version}"` });
    notice(button.dataset.done || "");
  } catch (problem) {
    notice(/** @type {Error} */ (problem).message, "bad");
  } finally {
    button.removeAttribute("aria-busy");
  }
});

document.addEventListener("keydown", (event) => {
  const typing = /** @type {HTMLElement} */ (event.target).closest("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "n") /** @type {HTMLElement | null} */ (document.getElementById("new-request"))?.click();
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("q")?.focus();
  }
});
