// The family's page: hands the link's secret on to the room, which trades it for a ticket.
const token = location.hash.slice(1);
const join = /** @type {HTMLAnchorElement} */ (document.getElementById("join"));
const none = /** @type {HTMLElement} */ (document.getElementById("no-link"));

if (token) {
  join.href = `/room#guest=${token}`;
  join.hidden = false;
} else {
  none.hidden = false;
}
