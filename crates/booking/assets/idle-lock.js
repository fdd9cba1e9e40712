// Locks a page that nobody has touched for some minutes: the log-in ends and the quick change of user opens.
import { api } from "/static/api.js";

const TOUCHED = "sanbao-last-touch";
const found = document.cookie.split("; ").find((c) => c.startsWith("sanbao_idle_minutes="));
const minutes = Number(found && found.split("=")[1]) || 10;

/** Notes that somebody is there; all tabs of the browser share the note. */
const touch = () => localStorage.setItem(TOUCHED, String(Date.now()));

/** A running conversation counts as being there.
 * @returns {boolean} */
const inConversation = () =>
  Array.from(document.querySelectorAll("video")).some((v) => v.srcObject && !v.paused && !v.ended);

let last = 0;
for (const kind of ["pointerdown", "keydown", "touchstart", "wheel"]) {
  addEventListener(
    kind,
    () => {
      if (Date.now() - last > 5000) touch();
      last = Date.now();
    },
    { passive: true, capture: true },
  );
}

let locking = false;
async function check() {
  if (inConversation()) touch();
  const idle = Date.now() - Number(localStorage.getItem(TOUCHED) || 0);
  if (locking || idle < minutes * 60000) return;
  locking = true;
  await api("DELETE", "/session").catch(() => null);
  location.replace(`/session/pin?next=${encodeURIComponent(location.pathname + location.search)}`);
}

touch();
setInterval(check, 5000);
// A tablet that slept shows the page again before its timers run.
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && check());
