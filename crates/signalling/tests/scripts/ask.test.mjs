// The page's questions: consent is a legal act, so each answer belongs to the question that was seen.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

/** As a browser's: `close` comes after the closing, not with it. */
class Dialog {
  open = false;
  showModal() {
    assert.ok(!this.open, "one question at a time");
    this.open = true;
  }
  close() {
    if (!this.open) return;
    this.open = false;
    setTimeout(() => this.onclose?.());
  }
}

const place = (more = {}) => ({ textContent: "", children: [], replaceChildren(...c) { this.children = c; this.lastElementChild = c.at(-1); }, ...more });
const dialog = new Dialog();
const places = { words: place({ textContent: "{}" }), "ask-dialog": dialog, "ask-title": place(), "ask-text": place(), "ask-answers": place() };
globalThis.document = {
  documentElement: { lang: "zh" },
  getElementById: (id) => places[id],
  createElement: () => ({ dataset: {}, append() {}, focus() {}, setAttribute(name, value) { this[name] = value; }, type: "", className: "", textContent: "", onclick: null }),
};
const { ask, stopAsking } = await load("room-words.js");

const answers = ["yes", "no"].map((key) => ({ key, words: key }));
const question = (title) => ask({ title, text: "", answers });
const shown = async (title) => {
  while (!dialog.open || places["ask-title"].textContent !== title) await new Promise((resolve) => setTimeout(resolve, 2));
  return Object.fromEntries(places["ask-answers"].children.map((b) => [b.dataset.action, b]));
};

test("each question gets its own answer, one after the other", async () => {
  const [first, second, third] = ["recording?", "transcription?", "recording again?"].map(question);
  const old = await shown("recording?");
  old.yes.onclick();
  old.no.onclick(); // the second tap comes while the dialogue closes, or is closed
  const next = await shown("transcription?");
  assert.equal(await first, "yes");
  next.yes.onclick();
  assert.equal(await second, "yes", "the closing of the first dialogue is no answer to the second question");
  await shown("recording again?");
  dialog.close(); // Escape
  assert.equal(await third, "no");
});

test("the end of the page is no consent, neither to what is asked nor to what waits", async () => {
  const [first, second] = ["a", "b"].map(question);
  await shown("a");
  stopAsking();
  assert.deepEqual(await Promise.all([first, second]), ["no", "no"]);
  assert.ok(!dialog.open);
});
