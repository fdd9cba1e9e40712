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

/** @param {string} name @returns {string} */
const cookie = (name) => {
  const found = document.cookie.split("; ").find((c) => c.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
};

/**
 * Calls the API. A lapsed session is renewed once; when that fails the log-in page opens.
 * @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers]
 * @returns {Promise<any>} the parsed answer, or null for an empty one
 */
export async function api(method, path, body, headers = {}) {
  /** @type {Record<string, string>} */
  const key = method === "POST" && !headers["idempotency-key"] ? { "idempotency-key": newKey() } : {};
  const send = () =>
    fetch(path, {
      method,
      credentials: "same-origin",
      headers: {
        accept: "application/json",
        ...(body === undefined || body instanceof FormData ? {} : { "content-type": "application/json" }),
        ...(method === "GET" ? {} : { "x-csrf-token": cookie("sanbao_csrf") }),
        ...key,
        ...headers,
      },
      body: body === undefined ? undefined : body instanceof FormData ? body : JSON.stringify(body),
    });
  let answer = await send();
  if (answer.status === 401 && (await renew())) answer = await send();
  if (answer.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  const text = await answer.text();
  const value = text && (answer.headers.get("content-type") || "").includes("json") ? JSON.parse(text) : null;
  if (!answer.ok) throw new ApiProblem(value || { status: answer.status });
  return value;
}

/**
 * Renews the access cookie by the refresh cookie. A refresh token is good once, so the browser's tabs take turns, and
 * one that finds the cookies renewed meanwhile has nothing left to do.
 * @returns {Promise<boolean>}
 */
export async function renew() {
  const before = cookie("sanbao_csrf");
  const turn = async () => {
    if (cookie("sanbao_csrf") !== before) return true;
    const headers = { "x-csrf-token": before };
    return (await fetch("/session/refresh", { method: "POST", credentials: "same-origin", headers })).ok;
  };
  return navigator.locks ? navigator.locks.request("sanbao-renew", turn) : turn();
}

/** A fresh Idempotency-Key; `crypto.randomUUID` is missing on plain http beyond loopback. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
