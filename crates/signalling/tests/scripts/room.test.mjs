// What the page knows of the room, by the messages that it hears.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { Room } = await load("sanbao-room.js");

const person = (peer, more = {}) => ({
  peer, name: `name ${peer}`, role: "host", permissions: ["audio", "video", "chat", "control"], audio: true, video: true,
  screen: false, hand: false, away: false, consent: { recording: false, transcription: false }, ...more,
});
const inside = (...others) => {
  const room = new Room();
  room.take({ type: "welcome", peer: "a", you: person("a"), place: "hall", resumed: "new" });
  room.take({ type: "joined", room: { peers: [person("a"), ...others], waiting: [], chat: [] } });
  return room;
};

test("people come, go away, come back and leave", () => {
  const room = inside(person("b"));
  room.take({ type: "peer_joined", seq: 3, ...person("c", { role: "guest" }) });
  assert.deepEqual(room.others.map((p) => p.peer), ["b", "c"]);
  assert.equal(room.people.get("c").seq, undefined);
  room.take({ type: "peer_away", peer: "c" });
  assert.equal(room.people.get("c").away, true);
  room.take({ type: "peer_back", peer: "c" });
  room.take({ type: "state", peer: "c", audio: false, video: true, screen: true, hand: true });
  assert.deepEqual(["away", "audio", "screen", "hand"].map((k) => room.people.get("c")[k]), [false, false, true, true]);
  room.take({ type: "peer_left", peer: "c" });
  room.take({ type: "state", peer: "c", audio: true });
  assert.deepEqual(room.others.map((p) => p.peer), ["b"]);
});

test("what one may do follows the newest word", () => {
  const room = inside();
  assert.ok(room.may("control"));
  room.take({ type: "permissions", peer: "a", permissions: ["audio"] });
  assert.ok(!room.may("control") && room.may("audio"));
  room.take({ type: "muted", by: "b" });
  assert.equal(room.self.audio, false);
});

test("consent is each person's, and what is missing has names", () => {
  const room = inside(person("b"));
  room.take({ type: "consent", peer: "a", recording: true, transcription: false });
  assert.deepEqual(room.withoutConsent("recording").map((p) => p.peer), ["b"]);
  room.take({ type: "consent", peer: "b", recording: true, transcription: false });
  assert.deepEqual(room.withoutConsent("recording"), []);
  room.take({ type: "recording", on: true, because: "asked" });
  assert.ok(room.recording && !room.transcription);
});

test("a snapshot replaces, a repeated chat line does not double, and the chat is bounded", () => {
  const room = inside(person("b"));
  for (let n = 1; n <= 230; n += 1) room.take({ type: "chat", n, from: "b", name: "B", at: "", text: String(n) });
  room.take({ type: "chat", n: 230, from: "b", name: "B", at: "", text: "230" });
  assert.deepEqual([room.chat.length, room.chat[0].n, room.chat.at(-1).n], [200, 31, 230]);
  room.take({ type: "welcome", peer: "a", you: person("a"), place: "inside", resumed: "snapshot", room: { peers: [person("a")], waiting: [{ peer: "w", name: "W" }], recording: { on: true }, chat: [{ n: 5 }] } });
  assert.deepEqual([room.others.length, room.waiting.size, room.recording, room.chat.length], [0, 1, true, 1]);
});

test("who is put back sees nobody any more", () => {
  const room = inside(person("b"));
  room.take({ type: "lobby", since: "", lobby_wait_ms_max: 1, because: "put_back" });
  assert.deepEqual([room.place, room.people.size], ["lobby", 0]);
});

test("a visit has begun when host and clinician have been inside together, also when one has gone since", () => {
  const room = inside(person("b", { role: "guest" }));
  assert.equal(room.met, false);
  room.take({ type: "peer_joined", ...person("c", { role: "clinician" }) });
  room.take({ type: "peer_left", peer: "c" });
  assert.equal(room.met, true);
  room.take({ type: "joined", room: { peers: [person("a")], started_at: "2026-11-23T06:00:00Z" } });
  assert.equal(room.met, true);
});
