// Break-glass: a record that was opened is shown at once; a try that opened none says why and keeps what was typed. A record
// that is open is asked for anew when its hour is over, so that nothing of it stays on the screen.
import { notice } from "/static/page.js";

const around = /** @type {HTMLElement | null} */ (document.querySelector("[data-emergency]"));

around?.addEventListener("sanbao:sent", (event) => {
  const { outcome, accesses } = /** @type {CustomEvent} */ (event).detail.answer;
  event.preventDefault();
  if (outcome === "opened") location.assign(`${around.dataset.emergency}/${accesses[0]}`);
  else notice(around.dataset[outcome] || "", "warn");
});

const banner = /** @type {HTMLElement | null} */ (document.querySelector("[data-emergency-seconds]"));

// By the time that is left, not by the clock of this machine, which may be wrong.
if (banner) setTimeout(() => location.reload(), 1000 * (1 + Number(banner.dataset.emergencySeconds)));
