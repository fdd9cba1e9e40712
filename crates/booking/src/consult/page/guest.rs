//! The family's page: what will happen, and the way in. The link's secret stands after `#` and is
//! seen by no server until it is given for a ticket.

use axum::Form;
use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sanbao_platform::http::{SameSite, Visitor};
use sanbao_platform::page::{self, Age, Tone};
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::door::expected;
use super::{t, words};
use crate::App;
use crate::consult::guest::{self, TOKEN_BYTES_MAX};
use crate::consult::model::Consult;
use crate::consult::state::{ConsultState, ConsultStateName};
use crate::consult::store;

/// `GET /guest`
pub(super) async fn family_page(AppState(app): AppState<App>, visitor: Visitor) -> Markup {
    let lang = visitor.lang;
    let body = html! {
        div.narrow {
            h1 { (t(lang, "guest-title")) }
            p { (t(lang, "guest-what")) }
            div #when aria-live="polite" data-lost=(t(lang, "guest-lost")) {}
            ol {
                li { (t(lang, "guest-step-1")) }
                li { (t(lang, "guest-step-2")) }
                li { (t(lang, "guest-step-3")) }
            }
            p { a #join.button.primary.large.wide href="/room" hidden { (t(lang, "guest-join")) } }
            p #no-link.notice.warn role="status" hidden { (t(lang, "guest-no-link")) }
            noscript { p.notice.warn { (t(lang, "guest-no-script")) } }
            p.faint { (t(lang, "guest-help")) }
        }
    };
    app.deps.frame.page(lang, &t(lang, "guest-title"), None, "/guest", &["/static/booking/consult-guest.js"], &body)
}

/// The secret of a link, sent in a body: it stands in no address.
#[derive(Deserialize)]
pub(super) struct GuestSecret {
    token: String,
}

/// `POST /guest`: when the consult of a link will begin, as a part of the page; nothing of whom it is about. Wrong secrets count
/// as guesses.
pub(super) async fn when_part(
    visitor: Visitor,
    _: SameSite,
    AppState(app): AppState<App>,
    Form(secret): Form<GuestSecret>,
) -> Result<Response, Problem> {
    let now = app.deps.clock.now();
    // Of its own kind, so that a page that asks again and again leaves the tries to enter alone.
    let attempt = app.guesses.attempt("guest-time", visitor.address, now)?;
    let known = secret.token.len() <= TOKEN_BYTES_MAX;
    let found = async {
        let mut conn = app.deps.db.read().await?;
        let guest = if known { guest::by_token(&mut conn, now, &secret.token).await? } else { None };
        match guest {
            Some(guest) => store::find(&mut conn, guest.consult_id).await,
            None => Ok(None),
        }
    };
    let found = found.await;
    // A database that does not answer says nothing of the secret.
    if !matches!(found, Ok(None)) {
        attempt.right();
    }
    let Some(consult) = found? else {
        let gone = html! { div #when { (page::notice(Tone::Warn, &t(visitor.lang, "guest-gone"))) } };
        return Ok((StatusCode::NOT_FOUND, gone).into_response());
    };
    Ok(html! { div #when { (when(&visitor, &consult, now)) } }.into_response())
}

/// The time as it stands, with a delay that was announced.
fn when(visitor: &Visitor, consult: &Consult, now: DateTime<Utc>) -> Markup {
    let (lang, words) = (visitor.lang, words(visitor.lang, consult.zones.0));
    match &consult.state {
        ConsultState::Scheduled(a) => {
            let time = words.near(a.expected_at(), now);
            html! {
                p.big {
                    @if a.delay_minutes > 0 { (expected(words, a, &time)) }
                    @else { (words.around("guest-when", &[], "time", &time)) }
                }
                p.faint { (words.age(Age::Left, a.expected_at(), now)) }
            }
        }
        state => page::notice(Tone::Info, &t(lang, word_of(state.name()))),
    }
}

/// The key of the words for a consult that has no time ahead.
fn word_of(state: ConsultStateName) -> &'static str {
    use ConsultStateName as S;
    match state {
        S::InSession => "guest-begun",
        S::Draft | S::Submitted | S::Returned | S::Accepted | S::Scheduled => "guest-no-time",
        S::OpinionDraft | S::Signed | S::Adopted | S::Archived => "guest-over",
        S::Rejected | S::Cancelled | S::NoShow | S::Expired => "guest-off",
    }
}
