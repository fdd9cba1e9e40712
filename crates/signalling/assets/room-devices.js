// Camera and microphone: asking for them, choosing, switching on and off, and a level to look at.

/** What went wrong, as a key of the page's words.
 * @param {any} error */
export function problemOf(error) {
  if (!navigator.mediaDevices) return "device-insecure";
  if (error?.name === "NotAllowedError" || error?.name === "SecurityError") return "device-denied";
  if (error?.name === "NotReadableError" || error?.name === "AbortError") return "device-busy";
  return "device-missing";
}

const SIZE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 24, max: 30 } };
/** For a room of so many others that nobody is sent more. */
const CROWD = 3;
const CROWD_SIZE = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 15, max: 15 } };

/** The person's own devices. */
export class Devices {
  constructor() {
    this.stream = new MediaStream();
    this.on = { audio: true, video: true };
    this.size = SIZE;
    /** Counts the presses: an answer to an older one comes too late. */
    this.turns = { audio: 0, video: 0 };
    /** @type {{audio?: string, video?: string}} */ this.chosen = {};
    /** @type {string|null} What went wrong when they were opened. */ this.problem = null;
    /** @type {(kind: "audio"|"video", track: MediaStreamTrack|null) => void} */ this.changed = () => {};
  }

  /** @param {"audio"|"video"} kind @returns {MediaStreamTrack|null} */
  track(kind) {
    return (kind === "audio" ? this.stream.getAudioTracks() : this.stream.getVideoTracks())[0] || null;
  }

  /** Asks for both at once, so that the browser asks the person once.
   * @returns {Promise<string|null>} a problem's key */
  async open() {
    this.problem = await this.tryOpen();
    return this.problem;
  }

  /** @returns {Promise<string|null>} */
  async tryOpen() {
    if (!navigator.mediaDevices) {
      this.on = { audio: false, video: false };
      return "device-insecure";
    }
    try {
      this.adopt(await navigator.mediaDevices.getUserMedia({ audio: true, video: this.size }));
      return null;
    } catch (error) {
      // Perhaps there is no camera: sound alone is a consult too. Or no microphone: then there is the telephone.
      if (await this.tryOne({ audio: true })) return this.without("video", "device-no-camera");
      if (await this.tryOne({ video: this.size })) return this.without("audio", "device-no-microphone");
      this.on = { audio: false, video: false };
      return problemOf(error);
    }
  }

  /** @param {MediaStreamConstraints} wish @returns {Promise<boolean>} */
  async tryOne(wish) {
    const fresh = await navigator.mediaDevices.getUserMedia(wish).catch(() => null);
    if (fresh) this.adopt(fresh);
    return Boolean(fresh);
  }

  /** @param {"audio"|"video"} kind @param {string} problem */
  without(kind, problem) {
    this.on[kind] = false;
    return problem;
  }

  /** After a reload the session knows what is on, whichever is there first: it or the devices.
   * @param {{audio: boolean, video: boolean}} on */
  follow({ audio, video }) {
    this.on = { audio, video };
    const sound = this.track("audio");
    if (sound) sound.enabled = audio;
    if (!video && this.track("video")) this.put("video", null);
  }

  /** Captures no more than a room with so many others can use.
   * @param {number} others */
  async fit(others) {
    const size = others >= CROWD ? CROWD_SIZE : SIZE;
    if (this.size === size) return;
    this.size = size;
    await this.track("video")?.applyConstraints(size).catch(() => {}); // then it is made smaller on its way
  }

  /** @param {MediaStream} fresh */
  adopt(fresh) {
    for (const track of fresh.getTracks()) this.put(/** @type {"audio"|"video"} */ (track.kind), track);
  }

  /** @param {"audio"|"video"} kind @param {MediaStreamTrack|null} track */
  put(kind, track) {
    const old = this.track(kind);
    if (old) {
      this.stream.removeTrack(old);
      old.stop();
    }
    if (track) {
      track.enabled = this.on[kind];
      this.stream.addTrack(track);
    }
    this.changed(kind, track);
  }

  /** @param {"audio"|"video"} kind @param {boolean} on */
  async set(kind, on) {
    const turn = (this.turns[kind] += 1);
    this.on[kind] = on;
    const track = this.track(kind);
    if (kind === "video" && !on) return this.put("video", null); // the camera's light goes off too
    if (track) track.enabled = on;
    else if (on) await this.choose(kind, this.chosen[kind], turn);
  }

  /** Opens a device; whether it is on stays as it is.
   * @param {"audio"|"video"} kind @param {string} [id] */
  async choose(kind, id, turn = (this.turns[kind] += 1)) {
    this.chosen[kind] = id;
    if (!this.on[kind] && kind === "video") return; // the camera stays dark until it is wanted
    const wish = { ...(kind === "video" ? this.size : {}), ...(id ? { deviceId: { exact: id } } : {}) };
    const constraint = Object.keys(wish).length ? wish : true;
    const [track] = (await navigator.mediaDevices.getUserMedia({ [kind]: constraint })).getTracks();
    if (this.turns[kind] !== turn) return track.stop();
    this.put(kind, track);
  }

  /** Fills a place with two choices.
   * @param {Element} place @param {(key: string) => string} say */
  async offer(place, say) {
    if (!navigator.mediaDevices) return;
    const all = await navigator.mediaDevices.enumerateDevices();
    place.replaceChildren();
    for (const [kind, key] of /** @type {["video"|"audio", string][]} */ ([["video", "camera"], ["audio", "microphone"]])) {
      const found = all.filter((d) => d.kind === `${kind}input`);
      const field = document.createElement("div");
      field.className = "field";
      const label = field.appendChild(document.createElement("label"));
      const select = field.appendChild(document.createElement("select"));
      label.textContent = say(key);
      label.htmlFor = select.id = `${place.closest("section[id]")?.id || "room"}-${kind}`;
      found.forEach((d, n) => select.add(new Option(d.label || `${say(key)} ${n + 1}`, d.deviceId)));
      select.value = this.track(kind)?.getSettings().deviceId || select.value;
      select.disabled = found.length === 0;
      select.onchange = () => this.choose(kind, select.value).catch(() => this.offer(place, say));
      place.append(field);
    }
  }

  /** Shows the microphone's level until it is stopped.
   * @param {HTMLMeterElement} meter @returns {() => void} */
  showLevel(meter) {
    const track = this.track("audio");
    if (!track || !window.AudioContext) return () => {};
    const context = new AudioContext();
    // Without a touch of the page first, some browsers keep it silent.
    addEventListener("pointerdown", () => context.state === "suspended" && context.resume(), { once: true });
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const loudness = Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / samples.length);
      meter.value = this.on.audio ? Math.min(1, loudness * 6) : 0;
    }, 100);
    return () => {
      clearInterval(timer);
      if (context.state !== "closed") context.close();
    };
  }

  /** Lets go of everything. */
  close() {
    for (const track of this.stream.getTracks()) track.stop();
  }
}
