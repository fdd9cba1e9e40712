// Words, elements and questions: what every part of the consult room's page uses.

/** @type {(id: string) => any} */
export const $ = (id) => document.getElementById(id);

/** @type {Record<string, string>} */
const words = JSON.parse($("words").textContent);

/** The words of a key.
 * @param {string} key @param {Record<string, string|number>} [values] */
export const say = (key, values = {}) => (words[key] || key).replace(/%(\w+)%/g, (_, name) => String(values[name] ?? ""));

/** Whether there are words of a key.
 * @param {string} key */
export const known = (key) => key in words;

/** A guest's name often says already who they are: 李小明（儿子）.
 * @param {{name: string, role: string}} person */
export const named = (person) =>
  person.role === "guest" && /[(\uff08]/.test(person.name) ? person.name : say("named", { ...person, role: say(`role-${person.role}`) });

/** Several names in a row.
 * @param {{name: string}[]} people */
export const names = (people) => people.map((p) => p.name).join(say("comma"));

/** The time of day of a moment, as people here say it.
 * @param {string} at */
export const clock = (at) => new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });

/**
 * An element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} properties `data` sets data attributes, `aria-…` attributes; may be left out
 * @param {(Node|string)[]} children @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, { data = {}, ...properties } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value);
  }
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

/** A button.
 * @param {string} action its name for styles and tests @param {string} words @param {() => void} onclick @param {string} [kind] */
export const button = (action, words, onclick, kind = "") =>
  make("button", { type: "button", className: `button ${kind}`, textContent: words, onclick, data: { action } });

/**
 * Fills a list, making anew only what changed, so that focus stays where it is.
 * @template T @param {HTMLElement} list @param {T[]} items @param {(item: T) => string} key
 * @param {(item: T) => unknown} signature what is shown of an item @param {(item: T) => HTMLElement} draw
 */
export function fill(list, items, key, signature, draw) {
  const old = new Map([...list.children].map((c) => [/** @type {HTMLElement} */ (c).dataset.key, /** @type {HTMLElement} */ (c)]));
  const fresh = items.map((item) => {
    const name = key(item);
    const shown = JSON.stringify(signature(item));
    const before = old.get(name);
    if (before?.dataset.shown === shown) return before;
    const element = draw(item);
    Object.assign(element.dataset, { key: name, shown });
    return element;
  });
  const focused = /** @type {HTMLElement|null} */ (document.activeElement?.closest("[data-action]"));
  const within = focused && list.contains(focused) ? focused.closest("[data-key]") : null;
  const [where, what] = [/** @type {HTMLElement|null} */ (within)?.dataset.key, focused?.dataset.action];
  if (fresh.length !== list.children.length || fresh.some((e, n) => list.children[n] !== e)) list.replaceChildren(...fresh);
  if (where && !document.contains(focused)) {
    /** @type {HTMLElement|null} */ (list.querySelector(`[data-key="${CSS.escape(where)}"] [data-action="${what}"]`))?.focus();
  }
}

const NOTICE_MS = 8000;

/** Says something that passes.
 * @param {string} text @param {"warn"|"ok"|"info"} [tone] */
export function notify(text, tone = "warn") {
  const line = make("p", { className: `notice ${tone}`, textContent: text });
  $("notice").replaceChildren(line);
  setTimeout(() => line.remove(), NOTICE_MS);
}

/** What did not work, in words.
 * @param {any} error */
export function failed(error) {
  if (error?.code === "outcome-unknown" || error?.code === "closed") return;
  notify(say(known(`error-${error?.code}`) ? `error-${error.code}` : "error-other"));
}

/** A pause between two questions, so that the second tap on an answer is not taken for one to the next question. */
const ASK_PAUSE_MS = 500;

/** @type {Promise<any>} The answer to the newest question. */ let asked = Promise.resolve();
let asking = true;

/** The page has come to its end: what is asked and what waits to be asked gets its careful answer. */
export function stopAsking() {
  asking = false;
  if ($("ask-dialog").open) $("ask-dialog").close();
}

/**
 * Asks in a dialogue, one question after the other; the last answer is the careful one, and what Escape means.
 * @param {{title: string, text: string, answers: {key: string, words: string, kind?: string}[]}} question @returns {Promise<string>}
 */
export function ask(question) {
  const answer = asked.then(() => pose(question));
  asked = answer.then(() => new Promise((resolve) => setTimeout(resolve, asking ? ASK_PAUSE_MS : 0)));
  return answer;
}

/** @param {Parameters<typeof ask>[0]} question @returns {Promise<string>} */
function pose({ title, text, answers }) {
  const dialog = $("ask-dialog");
  let chosen = answers[answers.length - 1].key;
  if (!asking) return Promise.resolve(chosen);
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  const choose = (/** @type {string} */ key) => {
    if (!dialog.open) return; // the first answer counts
    chosen = key;
    dialog.close();
  };
  $("ask-answers").replaceChildren(...answers.map((a) => button(a.key, a.words, () => choose(a.key), a.kind)));
  return new Promise((resolve) => {
    // `close` comes a while after the closing: only then is the dialogue free for another question.
    dialog.onclose = () => resolve(chosen);
    dialog.showModal();
    $("ask-answers").lastElementChild.focus();
  });
}
