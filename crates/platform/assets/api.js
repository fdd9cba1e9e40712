// Calls of the JSON API from a page: CSRF header, renewal of the session, problems as errors.

/** A problem+json answer as an error. */
export class ApiProblem extends Error {
  /** @param {{title?: string, detail?: string, status: number, errors?: {pointer: string, detail: string}[]}} body */
  constructor(body) {
    super(body.detail || body.title || `HTTP ${body.status}`);
    /** @type {any} */ this.body = body;
    this.status = body.status;
    /** @type {{pointer: string, detail: string}[]} */ this.errors = body.errors || [];
  }
}

/** Over HTTPS each cookie of the site has a prefix, so that no neighbour can set it.
 * @param {string} name @returns {string} */
export const cookieName = (name) => (location.protocol === "https:" ? `__Host-${name}` : name);

/** @param {string} name @returns {string} */
export const cookie = (name) => {
  const found = document.cookie.split("; ").find((c) => c.startsWith(`${cookieName(name)}=`));
  return found ? decodeURIComponent(found.slice(cookieName(name).length + 1)) : "";
};

/**
 * Calls the API.
 * @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers]
 * @returns {Promise<any>} the parsed answer, or null for an empty one
 */
export async function api(method, path, body, headers = {}) {
  const answer = await call(method, path, body, headers);
  const text = await answer.text();
  const value = text && (answer.headers.get("content-type") || "").includes("json") ? JSON.parse(text) : null;
  if (!answer.ok) throw new ApiProblem(value || { status: answer.status });
  return value;
}

/**
 * Calls the API for an answer of any kind. A lapsed session is renewed once; when that fails, somebody logs in on the page, or
 * the log-in page opens. Where another proof is asked for, one dialog asks for it, and the call is sent again.
 * @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers]
 * @returns {Promise<Response>}
 */
export async function call(method, path, body, headers = {}) {
  /** @type {Record<string, string>} */
  const key = method === "POST" && !headers["idempotency-key"] ? { "idempotency-key": newKey() } : {};
  // A page that was opened for one organisation does nothing in another.
  const opened = document.getElementById("lock-template")?.dataset.organisation;
  let csrf = "";
  const isRaw = body instanceof FormData || body instanceof Blob;
  const send = () => {
    csrf = cookie("sanbao_csrf");
    return fetch(path, {
      method,
      credentials: "same-origin",
      headers: {
        accept: "application/json",
        ...(body === undefined || isRaw ? {} : { "content-type": "application/json" }),
        ...(method === "GET" ? {} : { "x-csrf-token": csrf }),
        ...(opened ? { "sanbao-organisation": opened } : {}),
        ...key,
        ...headers,
      },
      body: body === undefined ? undefined : isRaw ? body : JSON.stringify(body),
    });
  };
  let answer = await send();
  // Another tab renewed between the reading of the cookie and its sending.
  if (answer.status === 403 && csrf !== cookie("sanbao_csrf")) answer = await send();
  if (answer.status === 401 && !asksForProof(answer) && ((await renew()) || (await loggedInAgain()))) answer = await send();
  if (asksForProof(answer) && (await provedAgain())) answer = await send();
  return answer;
}

/** The log-in is good, and the person's last proof too old for this (RFC 9470).
 * @param {Response} answer @returns {boolean} */
const asksForProof = (answer) => answer.status === 401 && (answer.headers.get("www-authenticate") || "").includes("insufficient_user_authentication");

/** @returns {Promise<boolean>} whether the person has proved it again */
const provedAgain = async () => (await import("/static/step-up.js")).prove();

/** The log-in has ended. A page that can ask for it in its place does, and what was typed stays; else the log-in page opens.
 * @returns {Promise<boolean>} whether the same person is back */
async function loggedInAgain() {
  /** @type {{back?: Promise<boolean>}} */ const asked = {};
  document.dispatchEvent(new CustomEvent("sanbao:session-lost", { detail: asked }));
  if (asked.back) return asked.back;
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  return false;
}

/** Nobody may do anything in this browser until somebody has unlocked it; every tab reads it, and so does the server. */
export const isLocked = () => cookie("sanbao_locked") !== "";

/** The script that has the turn in which a log-in is renewed may stop it for this page. */
export const renewal = { stopped: false, turn: "sanbao-renew" };

const RENEWALS_MAX = 3;
const RENEWAL_MS_MAX = 8000;

/**
 * Renews the access cookie by the refresh cookie. A refresh token is good once, so the browser's tabs take turns, and
 * one that finds the cookies renewed meanwhile has nothing left to do. An answer that is lost on the way is asked for
 * again: for a while the server gives it once more.
 * @returns {Promise<boolean>} false when there is no log-in to renew; throws while the server cannot be reached
 */
export async function renew() {
  if (isLocked() || renewal.stopped) return false;
  const before = cookie("sanbao_csrf");
  const turn = async () => {
    for (let attempt = 1; ; attempt += 1) {
      if (cookie("sanbao_csrf") !== before) return true;
      try {
        const signal = /** @type {any} */ (AbortSignal).timeout?.(RENEWAL_MS_MAX);
        const answer = await fetch("/session/refresh", { method: "POST", credentials: "same-origin", headers: { "x-csrf-token": before }, signal });
        if (answer.status < 500) return answer.ok;
        throw new ApiProblem({ status: answer.status });
      } catch (problem) {
        if (attempt >= RENEWALS_MAX) throw problem;
        await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
      }
    }
  };
  return navigator.locks ? navigator.locks.request(renewal.turn, turn) : turn();
}

/** A fresh Idempotency-Key; `crypto.randomUUID` is missing on plain http beyond loopback. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
