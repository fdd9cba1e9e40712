// The client's half of a session against a relay of a few lines over a line that drops, in seeded disorder.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { ACK_BYTES_MAX, ACK_MESSAGES_MAX, Backlog, Session, afterClose, backOffMs, isFinal, isNumbered } = await load("sanbao-session.js");

const device = "0123456789abcdef";
const welcome = (more = {}) => ({ type: "welcome", consult: "c1", peer: "p1", secret: "s3cret", epoch: "e1", resumed: "new", ack: 0, seq: 0, ...more });

const fresh = (bounds) => {
  const session = new Session({ device, ...(bounds ? { bounds } : {}) });
  session.welcomed(welcome());
  return session;
};

test("the first hello has a ticket, the next one what it takes to resume", () => {
  const session = new Session({ device });
  assert.deepEqual(session.hello("t"), { type: "hello", v: 1, device, ticket: "t" });
  session.welcomed(welcome());
  assert.equal(session.heard({ type: "joined", seq: 1 }, 10), "take");
  assert.deepEqual(session.hello(""), { type: "hello", v: 1, device, resume: { consult: "c1", session: "p1", secret: "s3cret", epoch: "e1", seq: 1 } });
});

test("what is said is numbered, acknowledges, and is kept until it is acknowledged", () => {
  const session = fresh();
  session.heard({ type: "joined", seq: 1 }, 10);
  assert.deepEqual(session.number({ type: "state", audio: true }), { type: "state", audio: true, seq: 1, ack: 1 });
  session.number({ type: "hand", up: true });
  assert.equal(session.owes(), "no");
  session.heard({ type: "ack", ack: 1 }, 10);
  assert.deepEqual(session.waiting.map((w) => w.seq), [2]);
  assert.equal(session.owes(), "no", "an acknowledgement is not acknowledged");
});

test("repeats are dropped and acknowledged again, gaps are noticed, what has no number is taken as it is", () => {
  const session = fresh();
  assert.equal(session.heard({ type: "chat", seq: 1 }, 9), "take");
  assert.equal(session.heard({ type: "chat", seq: 1 }, 9), "repeat");
  assert.equal(session.owes(), "soon");
  assert.deepEqual(session.ack(), { type: "ack", ack: 1 });
  assert.equal(session.heard({ type: "chat", seq: 3 }, 9), "gap");
  assert.equal(session.received, 1);
  assert.equal(session.heard({ type: "pong" }, 9), "take");
  assert.deepEqual(["join", "chat", "offer"].map(isNumbered), [true, true, true]);
  assert.deepEqual(["hello", "ping", "pong", "ack", "quality", "precheck"].map(isNumbered), Array(6).fill(false));
});

test("an acknowledgement goes at once after enough messages or bytes", () => {
  const session = fresh();
  for (let seq = 1; seq < ACK_MESSAGES_MAX; seq += 1) session.heard({ type: "message", seq }, 10);
  assert.equal(session.owes(), "soon");
  session.heard({ type: "message", seq: ACK_MESSAGES_MAX }, 10);
  assert.equal(session.owes(), "now");
  session.ack();
  session.heard({ type: "message", seq: ACK_MESSAGES_MAX + 1 }, ACK_BYTES_MAX);
  assert.equal(session.owes(), "now");
});

test("what waits is bounded in number and in bytes", () => {
  const few = fresh({ messages_max: 2, bytes_max: 10_000 });
  few.number({ type: "hand" });
  few.number({ type: "hand" });
  assert.throws(() => few.number({ type: "hand" }), Backlog);
  few.heard({ type: "ack", ack: 1 }, 1);
  assert.equal(few.number({ type: "hand" }).seq, 3, "a refused message took no number");
  const small = fresh({ messages_max: 100, bytes_max: 1000 });
  small.number({ type: "chat", text: "x".repeat(500) });
  assert.throws(() => small.number({ type: "chat", text: "x".repeat(500) }), Backlog);
});

test("an exact resume sends again what the relay has not, and nothing else", () => {
  const session = fresh();
  for (const text of ["a", "b", "c"]) session.number({ type: "chat", text });
  const { again, lost, taken } = session.welcomed(welcome({ resumed: "exact", ack: 1, seq: 0 }));
  assert.deepEqual(again.map((m) => [m.seq, m.text]), [[2, "b"], [3, "c"]]);
  assert.deepEqual([lost, taken], [[], []]);
});

test("a snapshot goes on with its numbers, and says which answers will not come", () => {
  const session = fresh();
  session.heard({ type: "joined", seq: 1 }, 1);
  for (const id of ["1", "2"]) session.number({ type: "hand", id });
  const { again, taken } = session.welcomed(welcome({ resumed: "snapshot", because: "log-trimmed", ack: 1, seq: 700 }));
  assert.deepEqual([again.map((m) => m.id), taken.map((m) => m.id)], [["2"], ["1"]]);
  assert.equal(session.received, 700);
  assert.equal(session.heard({ type: "chat", seq: 701 }, 1), "take");
});

test("a reload asks for a snapshot with nothing but the secret, and says again what a person wrote", () => {
  const before = fresh();
  before.number({ type: "offer", sdp: "v=0" });
  before.number({ type: "chat", text: "taken", id: "1" });
  before.number({ type: "chat", text: "not taken", id: "2" });
  const kept = JSON.parse(JSON.stringify(before.keep()));
  const after = new Session({ device, kept });
  assert.deepEqual(after.hello("").resume, { consult: "c1", session: "p1", secret: "s3cret", epoch: "e1", seq: 0, snapshot: true });
  const { again } = after.welcomed(welcome({ resumed: "snapshot", because: "asked", secret: undefined, ack: 2, seq: 40 }));
  assert.deepEqual(again, [{ type: "chat", text: "not taken", id: "2", seq: 3, ack: 40 }]);
  assert.equal(after.hello("").resume.snapshot, undefined, "from here on it knows what it has");
  assert.deepEqual(after.keep().drafts.map((d) => d.text), ["not taken"], "until that is acknowledged");
});

test("two reloads before a welcome lose nothing that was written", () => {
  const before = fresh();
  before.number({ type: "chat", text: "x" });
  const second = new Session({ device, kept: before.keep() });
  const third = new Session({ device, kept: second.keep() });
  assert.deepEqual(third.welcomed(welcome({ resumed: "snapshot", ack: 0, seq: 4 })).again.map((m) => m.text), ["x"]);
});

test("a new session gives back what was not acknowledged, without its numbers", () => {
  const session = fresh();
  session.number({ type: "chat", text: "x", id: "1" });
  const { again, lost } = session.welcomed(welcome({ resumed: "new", because: "epoch-changed", peer: "p2", secret: "other", epoch: "e2" }));
  assert.deepEqual([again, lost], [[], [{ type: "chat", text: "x", id: "1" }]]);
  assert.equal(session.number({ type: "hand" }).seq, 1);
  assert.equal(session.kept.session, "p2");
});

test("close codes say whether to resume, to get a ticket or to stop; waits grow within a bound", () => {
  const renewable = { renewable: true };
  assert.deepEqual([1001, 1006, 4000, 4003, 4009].map((c) => afterClose(c, renewable)), Array(5).fill("resume"));
  assert.deepEqual([1000, 4100, 4105, 4110, 4111, 4112].map((c) => afterClose(c, renewable)), Array(6).fill("over"));
  assert.deepEqual([afterClose(4103, renewable), afterClose(4103, { renewable: false }), afterClose(4008, renewable)], ["ticket", "over", "ticket"]);
  assert.deepEqual([1000, 1001, 1006, 4000, 4099, 4100, 4199].map(isFinal), [true, false, false, false, false, true, true]);
  assert.deepEqual([1, 2, 3, 9, 50].map((n) => backOffMs(n, () => 0.5)), [500, 1000, 2000, 15000, 15000]);
  assert.deepEqual([backOffMs(1, () => 0), backOffMs(50, () => 1)], [250, 22500]);
  assert.deepEqual([1, 2, 3].map((n) => backOffMs(n, () => 0.5, 150)), [150, 300, 600]);
});

/** Numbers between 0 and 1 that repeat with their seed (a linear congruential generator). @param {number} seed */
const random = (seed) => () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;

test("over a line that drops at any point nothing is lost, doubled or out of order, either way", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const chance = random(seed);
    const relay = { taken: [], outbox: [], acked: 0, next: 1 };
    let session = new Session({ device });
    let [up, down] = [[], []];
    const heard = [];
    const connect = () => {
      [up, down] = [[], []];
      const { resume } = session.hello("t");
      if (!resume) return session.welcomed(welcome());
      const again = session.welcomed(welcome({ resumed: "exact", ack: relay.taken.length, seq: resume.seq })).again;
      up.push(...again);
      down.push(...relay.outbox.filter((m) => m.seq > resume.seq));
    };
    connect();
    let said = 0;
    for (let step = 0; step < 200 || up.length || down.length || heard.length < relay.next - 1 || relay.taken.length < said; step += 1) {
      const what = chance();
      if (step < 200 && what < 0.25) up.push(session.number({ type: "chat", text: String(++said) }));
      else if (step < 200 && what < 0.5) {
        const message = { type: "chat", seq: relay.next++, ack: relay.taken.length };
        relay.outbox.push(message);
        down.push(message);
      } else if (what < 0.7 && up.length) {
        const message = up.shift();
        relay.acked = Math.max(relay.acked, message.ack || 0);
        relay.outbox = relay.outbox.filter((m) => m.seq > relay.acked);
        if (message.seq === relay.taken.length + 1) relay.taken.push(message.text);
        else assert.ok(!message.seq || message.seq <= relay.taken.length, `seed ${seed}: a gap at the relay`);
      } else if (what < 0.9 && down.length) {
        const message = down.shift();
        const kind = session.heard(message, 20);
        assert.notEqual(kind, "gap", `seed ${seed}`);
        if (kind === "take") heard.push(message.seq);
        if (session.owes() !== "no" && chance() < 0.5) up.push(session.ack());
      } else if (step < 200 ? what > 0.97 : !up.length && !down.length) connect();
    }
    assert.deepEqual(relay.taken, Array.from({ length: said }, (_, n) => String(n + 1)), `seed ${seed}`);
    assert.deepEqual(heard, Array.from({ length: relay.next - 1 }, (_, n) => n + 1), `seed ${seed}`);
  }
});
