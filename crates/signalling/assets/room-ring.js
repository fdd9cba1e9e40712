// A loud ring for a room in which somebody is hard of hearing and nobody looks at the screen.

const RING_EVERY_MS = 2400;
const TONES_HZ = [784, 988, 784, 988];
const TONE_S = 0.28;
const GAIN = 0.5;

/** Rings while it is on. Make it in a click: browsers allow sound only then. */
export class Ring {
  constructor() {
    this.context = window.AudioContext ? new AudioContext() : null;
    this.title = document.title;
    /** @type {ReturnType<typeof setInterval>|undefined} */ this.timer = undefined;
  }

  /** @param {boolean} on @param {string} [words] for the tab's title */
  set(on, words = "") {
    if (on === Boolean(this.timer)) return;
    if (!on) {
      clearInterval(this.timer);
      this.timer = undefined;
      document.title = this.title;
      return;
    }
    let beat = 0;
    const ring = () => {
      beat += 1;
      document.title = beat % 2 ? `${words} ${this.title}` : this.title;
      this.sound();
    };
    this.timer = setInterval(ring, RING_EVERY_MS);
    ring();
  }

  sound() {
    const context = this.context;
    if (!context) return;
    context.resume();
    TONES_HZ.forEach((hz, n) => {
      const start = context.currentTime + n * TONE_S;
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.type = "triangle";
      tone.frequency.value = hz;
      volume.gain.setValueAtTime(0, start);
      volume.gain.linearRampToValueAtTime(GAIN, start + 0.02);
      volume.gain.linearRampToValueAtTime(0, start + TONE_S);
      tone.connect(volume).connect(context.destination);
      tone.start(start);
      tone.stop(start + TONE_S);
    });
  }
}
