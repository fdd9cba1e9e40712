// What the page makes of statistics: samples, verdicts, what the picture may take, the figures of a check.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { counters, sample } = await load("sanbao-quality.js");
const { Picture, RUNGS, SHARES, shareOf, starves } = await load("sanbao-picture.js");
const { verdict } = await load("room-verdict.js");

test("statistics become counters by direction and kind", () => {
  const report = new Map(
    [
      { id: "t", type: "transport", selectedCandidatePairId: "p" },
      { id: "p", type: "candidate-pair", currentRoundTripTime: 0.05 },
      { id: "i", type: "inbound-rtp", kind: "video", mid: "2", packetsReceived: 90, packetsLost: 10, bytesReceived: 1000, framesDecoded: 20 },
      { id: "o", type: "outbound-rtp", kind: "audio", mid: "0", packetsSent: 100, bytesSent: 800, remoteId: "r" },
      { id: "r", type: "remote-inbound-rtp", kind: "audio", packetsLost: 5, jitter: 0.01, roundTripTime: 0.2 },
    ].map((s) => [s.id, s]),
  );
  const found = counters(report, (mid, kind) => (kind === "audio" ? "audio" : mid === "2" ? "screen" : "video"));
  assert.deepEqual(found.map((c) => [c.direction, c.kind, c.packets, c.lost, c.rtt]), [
    ["in", "screen", 90, 10, 0.05],
    ["out", "audio", 95, 5, 0.2],
  ]);
});

test("a sample is what happened in between, within what a line can have", () => {
  const before = { direction: "in", kind: "video", packets: 100, lost: 5, bytes: 10_000, frames: 10, frozen: 0.1, buffered: 1, emitted: 10, jitter: 0.003, rtt: 0.04 };
  const now = { ...before, packets: 190, lost: 15, bytes: 135_000, frames: 60, frozen: 0.3, buffered: 3, emitted: 60 };
  assert.deepEqual(sample("b", before, now, 5), {
    peer: "b", direction: "in", kind: "video", rtt_ms: 40, jitter_ms: 3, loss: 0.1, bitrate_bps: 200_000, frames_per_s: 10, freeze_ms: 200, buffer_ms: 40,
  });
  // A connection that was made anew counts from zero.
  const anew = sample("b", now, before, 5);
  assert.deepEqual([anew.loss, anew.bitrate_bps, anew.frames_per_s], [undefined, 0, 0]);
});

test("the verdict says what to do", () => {
  const fine = (more) => [
    { direction: "in", kind: "audio", loss: 0, rtt_ms: 30, ...more.audio },
    { direction: "in", kind: "video", loss: 0, frames_per_s: 24, rtt_ms: 30, ...more.video },
    { direction: "in", kind: "screen", frames_per_s: 0 },
  ];
  for (const [more, connected, waitedS, expected] of [
    [{}, true, 5, "verdict-good"],
    [{ video: { frames_per_s: 3 } }, true, 5, "verdict-video"],
    [{ video: { loss: 0.1 } }, true, 5, "verdict-video"],
    [{ video: { frames_per_s: 0 } }, true, 5, "verdict-lost"],
    [{ audio: { loss: 0.2 }, video: { frames_per_s: 0 } }, true, 5, "verdict-audio"],
    [{ audio: { rtt_ms: 700 } }, true, 5, "verdict-slow"],
    [{}, false, 5, "verdict-waiting"],
    [{}, false, 30, "verdict-phone"],
  ]) {
    assert.equal(verdict({ samples: fine(more), connected, waitedS }).key, expected);
  }
  assert.equal(verdict({ samples: [], connected: true, waitedS: 0 }).key, "verdict-good");
});

const line = ({ loss = 0, picture = true } = {}) => [
  { direction: "out", kind: "audio", loss },
  ...(picture ? [{ direction: "out", kind: "video", bitrate_bps: 300_000 }] : []),
];
/** Looks that a picture has of a line, and what it made of each. */
const looks = (rule, times, loss) =>
  Array.from({ length: times }, () => (rule.judge(line({ loss, picture: !rule.paused })), rule.now.name));

test("sound comes first: the picture gives way step by step, and comes back by itself when the sound is well", () => {
  const rule = new Picture();
  assert.deepEqual(looks(rule, 7, 0.2), ["full", "reduced", "reduced", "small", "small", "paused", "paused"]);
  assert.deepEqual(looks(rule, 4, 0.2), Array(4).fill("paused"), "as long as the sound is bad even alone");
  assert.deepEqual(looks(rule, 3, 0), ["paused", "paused", "small"]);
  assert.equal(looks(rule, 12, 0).at(-1), "full");
  assert.equal(RUNGS.filter((r) => !r.active).length, 1);
});

test("a picture that comes back too early stays away longer each time, within a bound", () => {
  const rule = new Picture();
  looks(rule, 6, 0.2);
  const away = Array.from({ length: 6 }, () => {
    let waited = 0;
    for (; rule.paused; waited += 1) looks(rule, 1, 0);
    looks(rule, 2, 0.2);
    return waited;
  });
  assert.deepEqual(away, [3, 6, 12, 24, 48, 48]);
});

test("the relay's advice takes the picture at once and for as long as it stands; a person may have it back", () => {
  const rule = new Picture();
  rule.advise(true);
  assert.ok(rule.paused);
  assert.equal(looks(rule, 40, 0).at(-1), "paused");
  rule.advise(false);
  assert.equal(rule.now.name, "small");
  rule.advise(true);
  rule.back();
  assert.equal(rule.now.name, "small");
});

test("the more people a picture goes to, the less each is sent, and no more than line and room allow", async () => {
  const said = [];
  const sender = {
    track: { getSettings: () => ({ width: 1280, height: 720 }) },
    getParameters: () => ({ encodings: [{}] }),
    setParameters: async (p) => said.push(p.encodings[0]),
  };
  const rule = new Picture();
  for (const others of [1, 2, 3, 4, 5]) await rule.tune("video", sender, others);
  assert.deepEqual(said.map((e) => [e.maxBitrate, e.scaleResolutionDownBy, e.maxFramerate]), [
    [1_500_000, 1, 24], [700_000, 1.5, 20], [350_000, 2, 15], [200_000, 3, 12], [200_000, 3, 12],
  ]);
  said.length = 0;
  sender.track.getSettings = () => ({ width: 640, height: 360 });
  await rule.tune("video", sender, 3);
  assert.equal(said[0].scaleResolutionDownBy, 1, "what is captured small is not made smaller again");
  await rule.tune("screen", sender, 3);
  assert.equal(said[1].scaleResolutionDownBy, undefined, "a screen is there to be read");
  looks(rule, 2, 0.2);
  await rule.tune("video", sender, 1);
  assert.deepEqual([said[2].maxBitrate, said[2].maxFramerate], [300_000, 24]);
  const upload = SHARES.filter((s) => Number.isFinite(s.others)).map((s) => s.others * s.maxBitrate);
  assert.ok(Math.max(...upload, 5 * shareOf(5).maxBitrate) <= 1_500_000, `${upload}`);
});

test("the picture starves the sound only while there is a picture", () => {
  const audio = { direction: "out", kind: "audio", loss: 0.2 };
  const video = { direction: "out", kind: "video", bitrate_bps: 500_000 };
  assert.ok(starves([audio, video]));
  assert.ok(!starves([audio]), "nothing to give way");
  assert.ok(!starves([{ ...audio, loss: 0.01 }, video]));
  assert.ok(!starves([{ ...audio, direction: "in" }, video]), "the other side's to mend");
});
