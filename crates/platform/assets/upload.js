// A large file goes in parts: one that does not arrive is sent again, and what has come is not sent twice.
import { ApiProblem, api } from "/static/api.js";

/** Files of so many bytes and more go in parts. */
export const PARTS_FROM_BYTES = 8 * 1024 * 1024;
/** How often a part is sent where the connection breaks. */
const TRIES_MAX = 10;
const WAIT_MS_MAX = 15000;

// The upload of each file that was sent: a rehearsal and the import itself take the same.
/** @type {WeakMap<File, string>} */
const begun = new WeakMap();

/** The digest of a part (RFC 9530), where the browser can make one: it does so over HTTPS alone.
 * @param {ArrayBuffer} bytes @returns {Promise<Record<string, string>>} */
async function digested(bytes) {
  if (!globalThis.crypto?.subtle) return {};
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return { "content-digest": `sha-256=:${btoa(String.fromCharCode(...digest))}:` };
}

// Whether the same call may come through later.
/** @param {unknown} problem */
const mayPass = (problem) => !(problem instanceof ApiProblem) || problem.status >= 500 || problem.status === 408 || problem.status === 429;

// Calls until it comes through.
/** @param {() => Promise<any>} send @returns {Promise<any>} */
async function patiently(send) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (problem) {
      if (attempt >= TRIES_MAX || !mayPass(problem)) throw problem;
      await new Promise((go) => setTimeout(go, Math.min(500 * 2 ** attempt, WAIT_MS_MAX)));
    }
  }
}

// How far a file has come; it is announced where the server knows nothing of it.
/** @param {string} path @param {File} file @returns {Promise<any>} */
async function known(path, file) {
  const id = begun.get(file);
  if (id) {
    try {
      return await patiently(() => api("GET", `${path}/${id}`));
    } catch (problem) {
      if (!(problem instanceof ApiProblem) || problem.status !== 404) throw problem;
    }
  }
  const upload = await patiently(() => api("POST", path, { bytes: file.size, file_name: file.name }));
  begun.set(file, upload.id);
  return upload;
}

/** Sends a file in parts.
 * @param {string} path @param {File} file @param {(done: number, of: number) => void} progress
 * @returns {Promise<string>} the id of the upload, when all of it is there */
export async function sendInParts(path, file, progress) {
  let upload = await known(path, file);
  progress(upload.received, upload.parts);
  while (upload.next) {
    const { id, next, part_bytes: size } = upload;
    const bytes = await file.slice((next - 1) * size, next * size).arrayBuffer();
    const headers = { "content-type": "application/octet-stream", ...(await digested(bytes)) };
    upload = await patiently(() => api("PUT", `${path}/${id}/parts/${next}`, new Blob([bytes]), headers));
    progress(upload.received, upload.parts);
  }
  return upload.id;
}
