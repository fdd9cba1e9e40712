// The alarm for emergencies: the line over the list stands for all; a tone is given in a browser in which somebody turned it on,
// for each emergency once.
const ON = "sanbao-alarm";
const BEEPS = [0, 0.35, 0.7];
const box = /** @type {HTMLElement | null} */ (document.getElementById("alarm"));
const button = /** @type {HTMLButtonElement | null} */ (document.getElementById("alarm-switch"));
/** @type {AudioContext | null} */ let audio = null;
const known = new Set(waiting());
const title = document.title;

/** @returns {string[]} */
function waiting() {
  return (document.getElementById("emergencies")?.dataset.ids || "").split(" ").filter(Boolean);
}

function beep() {
  if (!audio) return;
  for (const at of BEEPS) {
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    tone.frequency.value = 880;
    volume.gain.value = 0.2;
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + 0.2);
  }
}

const isOn = () => button?.getAttribute("aria-pressed") === "true";

/** @param {boolean} on */
function turn(on) {
  if (!button || !box) return;
  if (on) audio = audio || new AudioContext();
  button.setAttribute("aria-pressed", String(on));
  button.textContent = (on ? box.dataset.on : box.dataset.off) || "";
  try {
    localStorage.setItem(ON, on ? "1" : "");
  } catch {
    // A browser that keeps nothing asks again on the next page.
  }
}

function look() {
  const ids = waiting();
  document.title = ids.length ? `(${ids.length}) ${box?.dataset.title || title}` : title;
  const fresh = ids.filter((id) => !known.has(id));
  for (const id of fresh) known.add(id);
  if (fresh.length && isOn()) beep();
}

if (box && button) {
  box.hidden = false;
  // A browser gives a tone only after a press on the page: the switch says on when it has had one.
  button.addEventListener("click", () => {
    turn(!isOn());
    if (isOn()) beep();
  });
  let wanted = "";
  try {
    wanted = localStorage.getItem(ON) || "";
  } catch {
    wanted = "";
  }
  if (wanted) addEventListener("pointerdown", () => turn(true), { once: true });
}
document.getElementById("requests")?.addEventListener("sanbao:changed", look);
look();
// Its names are its own.
export {};
