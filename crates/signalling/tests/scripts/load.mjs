// Loads a script of the page that imports nothing, as the browser would: as a module.
import { readFileSync } from "node:fs";

/** @param {string} name of a file among the assets */
export const load = (name) =>
  import(`data:text/javascript,${encodeURIComponent(readFileSync(new URL(`../../assets/${name}`, import.meta.url), "utf8"))}`);
