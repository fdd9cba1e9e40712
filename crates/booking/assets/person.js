// The page of one person: the whole numbers of papers on demand, after another proof of who asks; and the parts that other
// services own, read under their own permission.
import { api } from "/static/api.js";
import { notice } from "/static/page.js";

const opener = /** @type {HTMLButtonElement | null} */ (document.querySelector("[data-papers]"));

opener?.addEventListener("click", async () => {
  opener.setAttribute("aria-busy", "true");
  try {
    const { papers } = await api("GET", opener.dataset.papers || "", undefined);
    for (const { kind, number } of papers) {
      const place = document.querySelector(`[data-paper="${kind}"]`);
      if (place) place.textContent = number;
    }
    opener.remove();
  } catch {
    notice(opener.dataset.failed || "", "bad");
  } finally {
    opener.removeAttribute("aria-busy");
  }
});

for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-part]"))) {
  const { part: address = "", failed = "" } = part.dataset;
  fetch(address, { headers: { accept: "text/html" }, credentials: "same-origin" })
    .then(async (answer) => {
      if (!answer.ok || answer.redirected) throw new Error(`HTTP ${answer.status}`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      part.replaceChildren(...page.body.childNodes);
    })
    .catch(() => {
      part.textContent = failed;
    });
}
