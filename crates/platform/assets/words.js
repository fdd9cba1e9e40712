// The words that scripts say: the page brings them, in its language, as data.
const place = document.getElementById("words");
/** @type {Record<string, string>} */ const words = JSON.parse((place && place.dataset.words) || "{}");

/**
 * The text of `key`, its variables filled in.
 * @param {string} key @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function word(key, values = {}) {
  return filled(words[`script-${key}`] || "", values);
}

/**
 * Puts values in the place of `{$name}`.
 * @param {string} text @param {Record<string, string | number>} values
 */
export const filled = (text, values) => text.replace(/\{\s*\$(\w+)\s*\}/g, (all, name) => String(values[name] ?? all));
