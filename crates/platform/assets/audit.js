// The button that gives the log as a file: fetched by a call, because another proof of who asks may be wanted first.
import { ApiProblem, call } from "/static/api.js";
import { notice } from "/static/page.js";

const button = /** @type {HTMLButtonElement | null} */ (document.querySelector("[data-file]"));

button?.addEventListener("click", async () => {
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById(button.dataset.form || ""));
  if (!form) return;
  const wanted = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string" && value) wanted.append(name, value);
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await call("GET", `${button.dataset.file}?${wanted}`);
    if (!answer.ok) throw new ApiProblem(await answer.json());
    const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") || "")?.[1] || "audit.csv";
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await answer.blob()), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (problem) {
    const why = problem instanceof ApiProblem ? (problem.errors[0]?.detail || problem.message) : "";
    notice([button.dataset.failed, why].filter(Boolean).join(" "), "bad");
  } finally {
    button.removeAttribute("aria-busy");
  }
});
