// A call over sockets that break, relays that go and networks that change, with a relay that the test plays.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { connection, online, sockets, until } from "./browser.mjs";
import { load } from "./load.mjs";

const { connect } = await load("sanbao-signal.js");

const view = (peer, more = {}) => ({
  peer, name: peer, role: "host", permissions: ["audio", "video", "screen", "chat", "control", "observe"], audio: true, video: true,
  screen: false, hand: false, away: false, consent: { recording: false, transcription: false }, ...more,
});
const welcome = (more = {}) => ({
  type: "welcome", consult: "c", peer: "a", you: view("a"), secret: "s", epoch: 1, seq: 0, ack: 0, resumed: "new", place: "hall",
  ice_servers: [], heartbeat: { interval_ms: 60_000, timeout_ms: 120_000 }, room: { people: 0, peers: [], waiting: [] }, ...more,
});
/** A ticket that has run out, or will in an hour. */
const ticket = (ends) => `h.${btoa(JSON.stringify({ exp: Date.now() / 1000 + ends }))}.s`;

/** @type {any[]} */ const calls = [];
after(() => calls.forEach((call) => call.over(1000, "test")));
function begin(options) {
  const call = connect({ ticket: ticket(3600), ...options });
  const links = [];
  call.on("link", (link) => links.push(link));
  call.on("error", () => {});
  calls.push(call);
  return { call, links };
}

/** The newest socket once it has said `hello`, if it is another than before. */
async function hello(before) {
  await until(() => sockets.at(-1) !== before && sockets.at(-1)?.said.length);
  return { socket: sockets.at(-1), hello: sockets.at(-1).said[0] };
}

/** A call inside with `b`, connected to them. */
async function inside(options = {}) {
  const before = sockets.at(-1);
  const { call, links } = begin(options);
  const { socket } = await hello(before);
  call.join({ audio: true, video: true });
  socket.hears(welcome());
  await until(() => socket.said.some((m) => m.type === "join"));
  socket.hears({ type: "joined", seq: 1, ack: 1, room: { peers: [view("a"), view("b")], waiting: [] } });
  socket.hears({ type: "ok", re: socket.said.find((m) => m.type === "join").id, seq: 2, ack: 1 });
  await until(() => socket.said.some((m) => m.type === "offer"));
  const peer = [...call.peers.values()][0];
  peer.pc.remoteDescription = { type: "answer" };
  peer.pc.becomes("connected");
  return { call, links, socket, peer };
}
const said = (socket, type) => socket.said.filter((m) => m.type === type).length;
const resume = (socket, call, more = {}) => socket.hears(welcome({ resumed: "exact", place: "inside", ack: call.session.sent, seq: call.session.received, room: undefined, ...more }));

test("what is kept resumes without asking for a ticket, whatever has become of the old one", async () => {
  let asked = 0;
  const { call, socket } = await inside({ ticket: async () => { asked += 1; return ticket(asked === 1 ? 31 : 3600); } });
  assert.equal(asked, 1);
  call.ticket = ticket(-5);
  socket.cut();
  const next = await hello(socket);
  assert.equal(asked, 1, "none was asked for");
  assert.equal(next.hello.ticket, undefined, "one that has run out is not shown");
  assert.equal(next.hello.resume.session, "a");
  resume(next.socket, call);
  assert.ok(call.inside && !call.ended);
});

test("nobody to give a ticket is waited for; only a no ends the call", async () => {
  let asked = 0;
  const before = sockets.at(-1);
  const problems = [new TypeError("fetch failed"), Object.assign(new Error("busy"), { status: 503 }), Object.assign(new Error("slow down"), { status: 429 })];
  const { call, links } = begin({ ticket: async () => { if (asked < 3) throw problems[asked++]; return ticket(3600); } });
  await until(() => links.filter((l) => l.state === "waiting").length === 1);
  for (let n = 0; n < 3; n += 1) {
    await until(() => call.timer || sockets.at(-1) !== before);
    if (call.timer) call.open();
  }
  assert.ok((await hello(before)).hello.ticket);
  assert.ok(!call.ended);
  const no = begin({ ticket: async () => { throw Object.assign(new Error("not yet"), { status: 403 }); } });
  await until(() => no.call.ended);
  assert.equal(no.links.at(-1).reason, "no-ticket");
});

test("a node that goes is left for another without a word to the others", async () => {
  const { call, socket, peer } = await inside({ url: ["wss://one.example/v1/signal", "wss://two.example/v1/signal"] });
  assert.match(socket.url, /one/);
  socket.hears({ type: "move", within_ms: 20 });
  const next = await hello(socket);
  assert.match(next.socket.url, /two/);
  assert.equal(next.hello.resume.session, "a");
  assert.equal(call.socket, socket, "until the other has said welcome");
  const offers = said(socket, "offer");
  resume(next.socket, call);
  assert.equal(call.socket, next.socket);
  assert.equal(socket.readyState, 3, "the old one is closed");
  socket.cut(4009, "moved");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(call.socket, next.socket);
  assert.ok(call.inside);
  assert.deepEqual([call.peers.get("b") === peer, peer.pc.restarts, said(next.socket, "offer"), offers], [true, 0, 0, 1], "sound and picture went on");
});

test("a move that is not taken in is tried again while the old socket still serves", async () => {
  const { call, links, socket } = await inside();
  const before = links.length;
  socket.hears({ type: "move", within_ms: 20 });
  const first = await hello(socket);
  first.socket.cut(1006);
  assert.equal(call.socket, socket, "the old one goes on");
  const second = await hello(first.socket);
  second.socket.cut(4000, "restarting");
  const third = await hello(second.socket);
  assert.equal(call.attempt, 3, "each time later, or a lone relay that goes is asked by all, all the while");
  resume(third.socket, call);
  socket.cut(4000, "restarting");
  assert.equal(call.socket, third.socket);
  assert.deepEqual(links.slice(before).map((l) => l.state), ["open"], "nobody heard of it");
});

test("ICE restarts when the network is another, and not for a new estimate of its speed", async () => {
  const { peer } = await inside();
  for (let n = 0; n < 5; n += 1) connection.dispatchEvent(new Event("change"));
  online();
  online();
  await until(() => peer.pc.restarts > 0);
  assert.equal(peer.pc.restarts, 1, "once for several words of the same change");
  connection.type = "cellular";
  connection.dispatchEvent(new Event("change"));
  await until(() => peer.pc.restarts === 2);
  connection.dispatchEvent(new Event("change"));
  const begun = Date.now();
  await until(() => Date.now() - begun > 700);
  assert.equal(peer.pc.restarts, 2);
});

test("while the relay is away media says nothing that would crowd out what people say, and goes on afterwards", async () => {
  const { call, socket, peer } = await inside();
  const before = call.session.waiting.length;
  socket.cut();
  peer.pc.becomes("failed");
  for (let n = 0; n < 50; n += 1) {
    peer.rung();
    peer.pc.trickles(10);
    await peer.negotiate();
  }
  assert.equal(call.session.waiting.length, before);
  assert.equal(peer.pc.restarts, 0);
  call.chat("still there?").catch(() => {});
  const next = await hello(socket);
  const well = call.peer("c");
  well.pc.becomes("connected");
  resume(next.socket, call, { ack: call.session.sent - 1 });
  assert.equal(said(next.socket, "chat"), 1);
  assert.ok(said(next.socket, "candidate") > 0 && said(next.socket, "candidate") <= 40);
  await until(() => peer.pc.restarts === 1 && said(next.socket, "offer") >= 1);
  assert.equal(well.pc.restarts, 0, "only who lost the path needs another");
});

test("who is muted by somebody else stays so in a session that begins anew, and for the others", async () => {
  const { call, socket } = await inside();
  call.setState({ audio: true, video: false, screen: false });
  socket.hears({ type: "muted", by: "b", seq: 3, ack: 2 });
  const last = socket.said.filter((m) => m.type === "state").at(-1);
  assert.deepEqual([last.audio, last.video], [false, false], "what crossed the mute is taken back");
  socket.cut(4008, "resume-impossible");
  const next = await hello(socket);
  next.socket.hears(welcome({ peer: "a2", you: view("a2"), epoch: 2 }));
  await until(() => next.socket.said.some((m) => m.type === "join"));
  assert.equal(next.socket.said.find((m) => m.type === "join").audio, false);
});

test("a second press waits for the answer to the first, and one too many changes nothing", async () => {
  const before = sockets.at(-1);
  const { call } = begin({});
  const { socket } = await hello(before);
  socket.hears(welcome());
  const answers = [call.join({ audio: true, video: true }), call.join({ audio: true, video: true })];
  assert.equal(said(socket, "join"), 1);
  socket.hears({ type: "joined", seq: 1, ack: 1, room: { peers: [view("a")], waiting: [] } });
  socket.hears({ type: "ok", re: socket.said.find((m) => m.type === "join").id, seq: 2, ack: 1 });
  await Promise.all(answers);
  let errors = 0;
  call.on("error", (e) => (errors += e.re === "join" ? 1 : 0));
  const third = call.join({ audio: true, video: true });
  socket.hears({ type: "error", code: "already-joined", re: socket.said.filter((m) => m.type === "join").at(-1).id, seq: 3, ack: 2 });
  await third;
  assert.equal(errors, 0);
  assert.ok(call.wanted, "a session that begins anew would enter again");
});

test("a picture that gives way is told to the others, and to who comes later", async () => {
  const { call, socket, peer } = await inside();
  const told = () => socket.said.filter((m) => m.type === "message" && m.data?.sanbao === "picture-paused").map((m) => [m.to, m.data.on]);
  call.picture.advise(true);
  call.retune();
  call.retune();
  socket.hears({ type: "peer_joined", seq: 3, ...view("d") });
  call.picture.advise(false);
  call.retune();
  assert.deepEqual(told(), [[undefined, true], ["d", true], [undefined, false]]);
  socket.hears({ type: "message", seq: 4, from: "b", data: { sanbao: "picture-paused", on: true } });
  assert.equal(call.people.get("b").paused, true);
  assert.equal(peer.pc.configuration.bundlePolicy, "max-bundle");
});
