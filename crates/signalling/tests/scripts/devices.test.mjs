// Camera and microphone that come late, are missing, or come to a page whose session knows better.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

class Track {
  enabled = true;
  stopped = false;
  constructor(kind) {
    this.kind = kind;
  }
  stop() {
    this.stopped = true;
  }
  async applyConstraints(size) {
    this.size = size;
  }
}
globalThis.MediaStream = class {
  tracks = [];
  getTracks() { return [...this.tracks]; }
  getAudioTracks() { return this.tracks.filter((t) => t.kind === "audio"); }
  getVideoTracks() { return this.tracks.filter((t) => t.kind === "video"); }
  addTrack(track) { this.tracks.push(track); }
  removeTrack(track) { this.tracks = this.tracks.filter((t) => t !== track); }
};
const stream = (kinds) => Object.assign(new MediaStream(), { tracks: kinds.map((k) => new Track(k)) });
/** Devices there are; `late` holds answers back. */
const has = (kinds, late) => {
  const getUserMedia = async (wish) => {
    await late?.();
    const wanted = Object.keys(wish);
    if (!wanted.every((k) => kinds.includes(k))) throw Object.assign(new Error(), { name: "NotFoundError" });
    return stream(wanted);
  };
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: { getUserMedia } }, configurable: true });
};
const { Devices } = await load("room-devices.js");

test("the session says what is on, whether it or the devices are there first", async () => {
  for (const first of ["devices", "session"]) {
    has(["audio", "video"]);
    const devices = new Devices();
    if (first === "session") devices.follow({ audio: false, video: false });
    assert.equal(await devices.open(), null);
    if (first === "devices") devices.follow({ audio: false, video: false });
    assert.equal(devices.track("audio").enabled, false, first);
    assert.ok(!devices.track("video")?.enabled, first);
    assert.deepEqual(devices.on, { audio: false, video: false });
  }
});

test("a camera without a microphone is of use, and the other way round; neither is said", async () => {
  for (const [kinds, problem, on] of [
    [["video"], "device-no-microphone", { audio: false, video: true }],
    [["audio"], "device-no-camera", { audio: true, video: false }],
    [[], "device-missing", { audio: false, video: false }],
  ]) {
    has(kinds);
    const devices = new Devices();
    assert.equal(await devices.open(), problem);
    assert.deepEqual(devices.on, on);
    assert.deepEqual(devices.stream.getTracks().map((t) => [t.kind, t.enabled]), kinds.map((k) => [k, true]));
  }
});

test("the last press counts, however late the camera comes", async () => {
  let come = () => {};
  const devices = new Devices();
  has(["audio", "video"]);
  await devices.open();
  await devices.set("video", false);
  has(["audio", "video"], () => new Promise((resolve) => (come = resolve)));
  const opening = devices.set("video", true);
  const shutting = devices.set("video", false);
  come();
  await Promise.all([opening, shutting]);
  assert.equal(devices.track("video"), null);
  assert.equal(devices.on.video, false);
});

test("another microphone stays as silent as the one before, and another camera dark", async () => {
  has(["audio", "video"]);
  const devices = new Devices();
  await devices.open();
  await devices.set("audio", false);
  await devices.set("video", false);
  await devices.choose("audio", "other");
  await devices.choose("video", "other");
  assert.equal(devices.track("audio").enabled, false);
  assert.equal(devices.track("video"), null);
});

test("a crowd is shown a smaller picture, and two a large one again", async () => {
  has(["audio", "video"]);
  const devices = new Devices();
  await devices.open();
  for (const [others, height] of [[1, undefined], [3, 360], [4, 360], [2, 720]]) {
    await devices.fit(others);
    assert.equal(devices.track("video").size?.height.ideal, height, `${others}`);
  }
});
