// What the page makes of statistics: samples, verdicts, sound before picture, the figures of a check.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { AudioFirst, RUNGS, counters, sample, starves } = await load("sanbao-quality.js");
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

test("sound comes first: the picture gives way step by step, and its last step back is a person's", () => {
  const rule = new AudioFirst();
  const names = (looks, suffers) => Array.from({ length: looks }, () => (rule.judge(suffers), rule.now.name));
  assert.deepEqual(names(7, true), ["full", "reduced", "reduced", "small", "small", "paused", "paused"]);
  assert.deepEqual(new Set(names(20, false)), new Set(["paused"]));
  rule.back();
  assert.equal(rule.now.name, "small");
  assert.deepEqual(names(12, false).slice(-1), ["full"]);
  assert.ok(rule.judge(false, true) && !rule.now.active, "at once when the relay says so");
  assert.equal(RUNGS.filter((r) => !r.active).length, 1);
});

test("the picture starves the sound only while there is a picture", () => {
  const audio = { direction: "out", kind: "audio", loss: 0.2 };
  const video = { direction: "out", kind: "video", bitrate_bps: 500_000 };
  assert.ok(starves([audio, video]));
  assert.ok(!starves([audio]), "nothing to give way");
  assert.ok(!starves([{ ...audio, loss: 0.01 }, video]));
  assert.ok(!starves([{ ...audio, direction: "in" }, video]), "the other side's to mend");
});
