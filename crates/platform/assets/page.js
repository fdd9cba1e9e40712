// What every page does: log out, keep the place when the language changes.
import { api } from "/static/api.js";

document.addEventListener("click", async (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest("[data-action='log-out']")) {
    await api("DELETE", "/session").catch(() => null);
    location.assign("/login");
  }
});

for (const link of document.querySelectorAll("a[data-keep-place]")) {
  const url = new URL(/** @type {HTMLAnchorElement} */ (link).href);
  url.searchParams.set("next", location.pathname + location.search);
  /** @type {HTMLAnchorElement} */ (link).href = url.href;
}
