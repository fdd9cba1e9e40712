// A call for a colleague rings once and flashes in the title until it is answered or one looks.
const title = document.title;
/** @type {Set<string>} */ const rung = new Set();

function ring() {
  const audio = new AudioContext();
  [660, 880, 660].forEach((frequency, n) => {
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    const from = audio.currentTime + n * 0.35;
    tone.frequency.value = frequency;
    loudness.gain.setValueAtTime(0.0001, from);
    loudness.gain.exponentialRampToValueAtTime(0.4, from + 0.03);
    loudness.gain.exponentialRampToValueAtTime(0.0001, from + 0.3);
    tone.connect(loudness).connect(audio.destination);
    tone.start(from);
    tone.stop(from + 0.32);
  });
  setTimeout(() => audio.close(), 2_000);
}

function look() {
  const calls = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-bell]")]);
  document.title = calls.length ? `🔔 ${title}` : title;
  const fresh = calls.filter((call) => !rung.has(call.dataset.bell || ""));
  for (const call of fresh) rung.add(call.dataset.bell || "");
  if (fresh.length) ring();
}

new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
look();
