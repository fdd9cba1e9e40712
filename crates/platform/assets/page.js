// What every page does: log out, keep the place when the language changes, say what happened.
import { api } from "/static/api.js";

/**
 * Says something at the top of the page, where a screen reader hears it. Good news goes after a while.
 * @param {string} text @param {"ok" | "warn" | "bad" | "info"} [kind]
 */
export function notice(text, kind = "ok") {
  const place = document.getElementById("notice");
  if (!place) return;
  const said = document.createElement("p");
  said.className = `notice ${kind}`;
  said.textContent = text;
  place.replaceChildren(said);
  if (kind === "ok") setTimeout(() => said.remove(), 8000);
}

document.addEventListener("click", async (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest("[data-action='log-out']")) {
    await api("DELETE", "/session").catch(() => null);
    location.assign("/login");
  }
  const opener = /** @type {HTMLElement | null} */ (target.closest("[data-dialog]"));
  if (opener) {
    const dialog = document.getElementById(opener.dataset.dialog || "");
    if (dialog instanceof HTMLDialogElement) dialog.showModal();
  }
  if (target.closest("[data-action='close']")) target.closest("dialog")?.close();
});

for (const link of document.querySelectorAll("a[data-keep-place]")) {
  const url = new URL(/** @type {HTMLAnchorElement} */ (link).href);
  url.searchParams.set("next", location.pathname + location.search);
  /** @type {HTMLAnchorElement} */ (link).href = url.href;
}

// Whoever is logged in and walks away is locked out; the script comes from the service that keeps the log-ins.
if (document.querySelector("[data-action='log-out']")) import("/static/idle-lock.js").catch(() => null);
