//! The pages of this part: log-in, quick change of user, set-up, residents, an organisation's accounts.

mod account_link;
mod admin;
mod end;
mod joins;
mod link_code;
pub(super) mod login;
mod pairs;
mod people;
mod person;
mod residents;
mod setup;

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use sanbao_platform::http::{PageCtx, Routes, StaticFile};
use sanbao_platform::page::address;

use self::account_link::AccountLinkForm;
use self::setup::SetupLinkForm;
use crate::account::organisation::OrganisationKind;
use crate::texts::ACCOUNT as TEXTS;
use crate::{App, role};

const JS: &str = "text/javascript; charset=utf-8";
const FILES: &[StaticFile] = &[
    ("/static/booking/account-link.js", JS, include_bytes!("../../../assets/account-link.js")),
    ("/static/booking/idle-lock.js", JS, include_bytes!("../../../assets/idle-lock.js")),
    ("/static/booking/lookup.js", JS, include_bytes!("../../../assets/lookup.js")),
    ("/static/booking/person.js", JS, include_bytes!("../../../assets/person.js")),
    link_code::FILE,
];

pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .page("/", get(start))
        .page("/setup", get(link_code::page::<SetupLinkForm>).post(setup::submit))
        .page("/setup/open", get(to_setup).post(link_code::open::<SetupLinkForm>))
        .page("/setup/account", get(link_code::page::<AccountLinkForm>).post(account_link::choose))
        .page("/setup/account/open", get(to_account).post(link_code::open::<AccountLinkForm>))
        .page("/admin/qr", post(account_link::draw))
        .page("/login", get(login::log_in_form))
        .page("/residents", get(residents::residents).post(residents::found))
        .page("/persons", get(people::people).post(people::found))
        .page("/persons/{id}", get(person::person))
        .page("/persons/pairs", get(pairs::pairs))
        .page("/persons/{id}/join/{other}", get(joins::join))
        .page("/persons/{id}/joins", get(joins::joins))
        .page("/admin", get(admin::administration))
        .files(FILES)
}

/// Where a second factor is set up: an account that lacks one which it must have gets nowhere else.
pub(super) const FACTOR: &str = "/me/second-factor";

/// The page a person starts at, by the kind of organisation and the roles in the order of their urgency.
pub(super) fn home_of(kind: &str, roles: &[String]) -> &'static str {
    let has = |role: &str| roles.iter().any(|r| r == role);
    if has(role::CARE_STAFF) || has(role::DOCTOR) {
        "/consults"
    } else if has(role::DISPATCHER) {
        // The street's dispatchers hand requests out; those of an agency plan who goes.
        if kind == OrganisationKind::StreetOffice.as_str() { "/requests" } else { "/visits" }
    } else if has(role::CAREGIVER) {
        "/visits/today"
    } else if has(role::ANALYST) {
        "/needs"
    } else if has(role::ADMINISTRATOR) {
        "/admin"
    } else {
        "/login"
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
    Redirect::to(home_of(&ctx.actor.kind, &ctx.actor.roles)).into_response()
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
