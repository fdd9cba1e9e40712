//! The one who fetches the person, with the press that says so and the press that takes it back.

use maud::{Markup, html};
use sanbao_platform::http::Ctx;
use sanbao_platform::page::{self, Send, Tone};

use super::{TEXTS, t};
use crate::consult::model::Consult;
use crate::consult::state::ConsultStateName;

/// The one who goes for a booked consult; nothing of any other. For the side that invites.
pub(super) fn fetching(ctx: &Ctx, consult: &Consult) -> Markup {
    let (lang, id) = (ctx.lang, consult.id);
    let take = format!("POST /v1/consults/{id}/fetch");
    // The word that is seen here, and not one that was given since.
    let whose = consult.fetcher.as_ref().map(|fetcher| format!("?account_id={}", fetcher.account_id));
    let leave = format!("DELETE /v1/consults/{id}/fetch{}", whose.unwrap_or_default());
    let is_ahead = consult.state.appointment().is_some_and(|a| a.expected_end() > ctx.now());
    let press = |class, send, key| page::press(&format!("fetch-{id}"), class, send, &t(lang, key));
    html! {
        @if consult.state.name() == ConsultStateName::Scheduled && is_ahead {
            div.row-fetch {
                @match &consult.fetcher {
                    None => { (press("button", Send::to(&take), "fetch-take")) },
                    Some(fetcher) => {
                        @let name = &[("name", fetcher.name.as_str())];
                        (page::badge(Tone::Info, &TEXTS.with(lang, "fetch-by", name))) " "
                        @if fetcher.account_id == ctx.actor.subject.into() { (press("plain", Send::to(&leave), "fetch-leave")) }
                        @else {
                            @let ask = TEXTS.with(lang, "ask-fetch-other", name);
                            (press("plain", Send { confirm: Some(&ask), ..Send::to(&leave) }, "fetch-other"))
                        }
                    }
                }
            }
        }
    }
}
