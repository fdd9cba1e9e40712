// An administrator's page: a link that was just made is shown once, as text to copy and as a QR code to print.
import { api } from "/static/api.js";

/** @param {string} text */
async function draw(text) {
  const svg = document.getElementById("link-qr");
  const drawing = await api("POST", "/admin/qr", { text });
  svg?.setAttribute("viewBox", `0 0 ${drawing.side} ${drawing.side}`);
  svg?.querySelector("path")?.setAttribute("d", drawing.path);
}

document.addEventListener("sanbao:sent", (event) => {
  const { answer } = /** @type {CustomEvent} */ (event).detail;
  const place = document.getElementById("account-link");
  const field = /** @type {HTMLInputElement | null} */ (document.getElementById("link-url"));
  if (!answer?.link || !place || !field) return;
  event.preventDefault();
  field.value = new URL(answer.link.path, location.href).href;
  const name = document.getElementById("link-name");
  if (name) name.textContent = [answer.display_name || answer.note || answer.name_zh, answer.login].filter(Boolean).join(" · ");
  const what = document.getElementById("link-what");
  if (what && answer.by) what.textContent = what.dataset.offer || "";
  place.hidden = false;
  place.focus();
  draw(field.value);
});
