//! The consults that are booked where a doctor's hours have no time, and what to do with each: move it, give it to a
//! colleague, tell the care home.

use maud::{Markup, html};
use sanbao_platform::cn::phone_link;
use sanbao_platform::http::Ctx;
use sanbao_platform::page::{self, Tone, Words};

use crate::consult::api::affected::AffectedConsult;
use crate::consult::model::Consult;
use crate::consult::practitioner::affected::Outside;

/// Consults that a page names one by one.
const SHOWN_MAX: usize = 30;

/// The consults outside the hours, as the reader may see them; nothing where all is well.
pub(super) fn section(words: Words, ctx: &Ctx, outside: &Outside, seen: &[AffectedConsult]) -> Markup {
    let count = format!("{}{}", seen.len(), if outside.more { "+" } else { "" });
    html! {
        @if !seen.is_empty() {
            section.card #affected {
                (page::notice(Tone::Warn, &words.with("week-outside", &[("count", &count)])))
                ul.plain-list {
                    @for affected in seen.iter().take(SHOWN_MAX) {
                        @let whole = outside.consults.iter().find(|consult| Some(consult.id) == affected.consult_id);
                        li.spread {
                            span { (words.near(affected.starts_at, ctx.now())) @if let Some(consult) = whole { (about(words, ctx, consult)) } @if affected.held { " · " (words.t("week-outside-held")) } }
                            @if let Some(consult) = whole { (ways(words, consult, affected)) }
                        }
                    }
                }
                @if seen.len() > SHOWN_MAX { (page::count(words.lang, SHOWN_MAX, true)) }
            }
        }
    }
}

fn about(words: Words, ctx: &Ctx, consult: &Consult) -> Markup {
    html! {
        " · " a href=(format!("/consults/{}", consult.id)) { (consult.about(&ctx.shows).name) }
        " · " (consult.inviting.name(words.lang))
    }
}

fn ways(words: Words, consult: &Consult, affected: &AffectedConsult) -> Markup {
    let at = |form: &str| format!("/consults/{}{form}", consult.id);
    html! {
        div.toolbar {
            @if affected.held { a.button href=(at("")) { (words.t("open-consult")) } }
            @if affected.actions.contains(&"reschedule") {
                a.button href=(at("#slot-reschedule")) { (words.t("do-reschedule")) }
                a.button href=(at("?colleague#slot-reschedule-colleague")) { (words.t("do-colleague")) }
            }
            @if let Some(phone) = &consult.phones.0 {
                a.button href=(phone_link(phone)) { (words.with("tell-by-phone", &[("phone", phone)])) }
            }
        }
    }
}
