// Setting up the second factor: its secret and its codes for recovery are told once, and shown here.

/** @param {string} id */
const part = (id) => document.getElementById(id);

/** @param {string} id */
function reveal(id) {
  const place = part(id);
  if (!place) return;
  place.hidden = false;
  place.focus();
}

/** @param {{secret: string, address: string, qr?: {side: number, path: string}}} begun */
function showSecret({ secret, address, qr }) {
  const svg = part("factor-qr");
  svg?.setAttribute("viewBox", `0 0 ${qr?.side || 0} ${qr?.side || 0}`);
  svg?.querySelector("path")?.setAttribute("d", qr?.path || "");
  svg?.toggleAttribute("hidden", !qr);
  const link = /** @type {HTMLAnchorElement | null} */ (part("factor-address"));
  if (link) link.href = address;
  const text = part("factor-text");
  if (text) text.textContent = secret.replace(/(.{4})(?=.)/g, "$1 ");
  const begin = part("begin-factor");
  if (begin) begin.hidden = true;
  reveal("factor-secret");
}

/** @param {string[]} codes */
function showCodes(codes) {
  const secret = part("factor-secret");
  if (secret) secret.hidden = true;
  part("recovery-codes")?.replaceChildren(
    ...codes.map((code) => {
      const line = document.createElement("li");
      line.append(Object.assign(document.createElement("code"), { textContent: code }));
      return line;
    }),
  );
  reveal("recovery");
}

document.addEventListener("sanbao:sent", (event) => {
  const { answer } = /** @type {CustomEvent} */ (event).detail;
  if (!answer?.secret && !answer?.recovery_codes) return;
  event.preventDefault();
  if (answer.secret) showSecret(answer);
  else showCodes(answer.recovery_codes);
});
