// Loads a script of the page as the browser would: as a module, with what it imports from beside it.
import { readFileSync } from "node:fs";

/** The same name is the same module. @param {string} name of a file among the assets @returns {string} */
const url = (name) => {
  const text = readFileSync(new URL(`../../assets/${name}`, import.meta.url), "utf8");
  const whole = text.replace(/(from ")(?:\.|\/static)\/([\w-]+\.js)"/g, (_, from, other) => `${from}${url(other)}"`);
  return `data:text/javascript,${encodeURIComponent(whole)}`;
};

/** @param {string} name of a file among the assets */
export const load = (name) => import(url(name));
