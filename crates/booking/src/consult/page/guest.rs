//! The family's page: what will happen, and the way in. The link's secret stands after `#` and is
//! seen by no server until it is given for a ticket.

use axum::extract::State as AppState;
use maud::{Markup, html};
use sanbao_platform::http::Visitor;

use super::t;
use crate::App;

/// `GET /guest`
pub(super) async fn family_page(AppState(app): AppState<App>, visitor: Visitor) -> Markup {
    let lang = visitor.lang;
    let body = html! {
        div.narrow {
            h1 { (t(lang, "guest-title")) }
            p { (t(lang, "guest-what")) }
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
