//! The pages of this part: log-in, quick change of user, set-up, residents, an organisation's accounts.

mod account_link;
mod admin;
mod affiliations;
mod care;
mod end;
mod export;
mod imports;
mod joins;
mod keeping;
mod link_code;
pub(super) mod login;
mod offers;
mod pairs;
mod people;
mod person;
mod residents;
mod setup;
mod sharing;
mod transfers;

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use sanbao_platform::auth::Actor;
use sanbao_platform::http::{PageCtx, Routes, StaticFile};
use sanbao_platform::page::address;
use sanbao_platform::text_enum::TextEnum as _;

pub(crate) use self::admin::Areas;

use self::account_link::AccountLinkForm;
use self::offers::OfferLinkForm;
use self::setup::SetupLinkForm;
use crate::account::organisation::OrganisationKind;
use crate::texts::ACCOUNT as TEXTS;
use crate::{App, role};

const JS: &str = "text/javascript; charset=utf-8";
const FILES: &[StaticFile] = &[
    ("/static/booking/account-link.js", JS, include_bytes!("../../../assets/account-link.js")),
    ("/static/booking/export.js", JS, include_bytes!("../../../assets/export.js")),
    ("/static/booking/idle-lock.js", JS, include_bytes!("../../../assets/idle-lock.js")),
    ("/static/booking/lookup.js", JS, include_bytes!("../../../assets/lookup.js")),
    ("/static/booking/person.js", JS, include_bytes!("../../../assets/person.js")),
    link_code::FILE,
    admin::FILE,
    imports::FILES[0],
    imports::FILES[1],
];

pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .page("/", get(start))
        .page("/setup", get(link_code::page::<SetupLinkForm>).post(setup::submit))
        .page("/setup/open", get(to_setup).post(link_code::open::<SetupLinkForm>))
        .page("/setup/account", get(link_code::page::<AccountLinkForm>).post(account_link::choose))
        .page("/setup/account/open", get(to_account).post(link_code::open::<AccountLinkForm>))
        .page("/offers", get(link_code::page::<OfferLinkForm>))
        .page("/offers/open", get(offers::show).post(link_code::open::<OfferLinkForm>))
        .page("/admin/qr", post(account_link::draw))
        .page("/login", get(login::log_in_form))
        .page("/residents", get(residents::residents).post(residents::found))
        .page("/persons", get(people::people).post(people::found))
        .page("/persons/{id}", get(person::person))
        .page("/persons/{id}/export", get(export::page))
        .page("/persons/{id}/export/part", get(export::part))
        .page("/persons/import", get(imports::persons))
        .page("/accounts/import", get(imports::accounts))
        .page("/persons/pairs", get(pairs::pairs))
        .page("/persons/{id}/join/{other}", get(joins::join))
        .page("/persons/{id}/joins", get(joins::joins))
        .page("/transfers", get(transfers::transfers))
        .page("/transfers/events", get(transfers::events))
        .page("/affiliations", get(affiliations::affiliations))
        .page("/affiliations/{id}", get(affiliations::affiliation))
        .page("/admin", get(admin::administration))
        .page("/admin/accounts/{id}", get(admin::account_page))
        .page("/admin/organisations/{id}", get(admin::organisation_page))
        .files(FILES)
}

/// The own account's page, which everybody may open.
const OWN_ACCOUNT: &str = "/me";

/// Where a second factor is set up: an account that lacks one which it must have gets nowhere else.
pub(super) const FACTOR: &str = "/me/second-factor";

/// The page a person starts at, by the kind of organisation, and by those of the roles that count there in the order of their
/// urgency. A person who can do nothing yet comes to the own account, which says whom to ask.
pub(super) fn home_of(kind: &str, roles: &[String], areas: &[String]) -> &'static str {
    let kind = OrganisationKind::from_text(kind);
    let given = kind.map(OrganisationKind::roles).unwrap_or_default();
    let has = |role: &str| given.contains(&role) && roles.iter().any(|r| r == role);
    let governs = kind.is_some_and(OrganisationKind::governs);
    if has(role::CARE_STAFF) || has(role::DOCTOR) {
        "/consults"
    } else if governs && areas.is_empty() && [role::DISPATCHER, role::ANALYST, role::AREA_LEADER].into_iter().any(has) {
        if has(role::ADMINISTRATOR) { "/admin" } else { OWN_ACCOUNT }
    } else if has(role::DISPATCHER) {
        // The street's dispatchers hand requests out; those of an agency plan who goes.
        if governs { "/requests" } else { "/visits" }
    } else if has(role::CAREGIVER) {
        "/visits/today"
    } else if has(role::AREA_LEADER) {
        "/doors"
    } else if has(role::ANALYST) {
        "/needs"
    } else if has(role::ADMINISTRATOR) {
        "/admin"
    } else {
        OWN_ACCOUNT
    }
}

/// Why somebody comes to the own account first: the key of the sentence that says what is missing and whom to ask.
pub(super) fn lacking(actor: &Actor) -> Option<&'static str> {
    if home_of(&actor.kind, &actor.roles, &actor.areas) != OWN_ACCOUNT {
        None
    } else if role::held(actor).next().is_none() {
        Some("me-no-role")
    } else {
        Some("me-no-areas")
    }
}

/// Back to the page that asks for the code, to which the browser brings what stands behind `#`.
async fn to_setup() -> Redirect {
    Redirect::to("/setup")
}

/// The same for an account's link.
async fn to_account() -> Redirect {
    Redirect::to("/setup/account")
}

/// The page where the person's work is.
async fn start(PageCtx(ctx): PageCtx, AppState(_): AppState<App>) -> Response {
    Redirect::to(home_of(&ctx.actor.kind, &ctx.actor.roles, &ctx.actor.areas)).into_response()
}

/// `path` with a way back; `next` is a path on this site.
pub(super) fn with_next(path: &str, next: &str) -> String {
    address(path, &[("next", Some(next).filter(|next| *next != "/"))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::input::Sex;
    use crate::account::organisation::OrganisationKind;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let keys = (role::ALL.iter().map(|r| format!("role-{r}")))
            .chain(OrganisationKind::ALL.iter().map(|k| format!("kind-{k}")))
            .chain(Sex::ALL.iter().map(|s| format!("sex-{s}")));
        assert_eq!(TEXTS.lacking(keys), [""; 0]);
    }

    #[test]
    fn a_way_back_is_escaped() {
        assert_eq!(with_next("/login", "/"), "/login");
        assert_eq!(with_next("/login", "/consults?day=1&x=é"), "/login?next=/consults%3Fday%3D1%26x%3D%C3%A9");
    }
}
