//! The pages of break-glass: a doctor's form and own openings, the office's list to review, the record that is open.

mod record;
mod review;

use axum::extract::State as AppState;
use axum::response::IntoResponse;
use axum::routing::get;
use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, LIMIT_MAX, Page, PageCtx, Paging, Routes, StaticFile, live_of};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Age, Errors, Field, Send, Tone, Words, area, badge, count, empty, form, head, notice};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::api::listed;
use super::input::WORDS_CHARS_MAX;
use super::model::EmergencyOutcome;
use super::policy;
use super::store::Whose;
use super::view::EmergencyAccessView;
use super::{TOPIC, TRIES_PER_HOUR_MAX, VALID_MINUTES};
use crate::account::organisation;
use crate::texts::EMERGENCY as TEXTS;
use crate::{App, role};

const PATH: &str = "/emergency-accesses";
const EVENTS: &str = "/emergency-accesses/events";
const SCRIPT: &str = "/static/booking/emergency.js";
const JS: &str = "text/javascript; charset=utf-8";
const FILES: &[StaticFile] = &[(SCRIPT, JS, include_bytes!("../../../assets/emergency.js"))];

/// The pages' routes.
pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .page(PATH, get(accesses))
        .page(EVENTS, get(events))
        .page("/emergency-accesses/{id}", get(record::record_page))
        .files(FILES)
}

/// Whether the caller opens records, and whether the caller watches over those of others; 403 for all else.
fn parts(ctx: &Ctx) -> Result<(bool, bool), Problem> {
    let may = |decide: fn(&str) -> Decision| Decision::over(role::held(&ctx.actor), decide) == Decision::Allow;
    match (may(policy::may_open), may(policy::may_watch)) {
        (false, false) => Err(Problem::forbidden()),
        parts => Ok(parts),
    }
}

/// Tells of new openings and reviews: a doctor of the own ones, an administrator of the office's.
async fn events(AppState(app): AppState<App>, ctx: Ctx) -> Result<impl IntoResponse, Problem> {
    let (opens, watches) = parts(&ctx)?;
    let keys = [opens.then_some(ctx.actor.subject.0), watches.then_some(ctx.actor.organisation.0)];
    live_of(&app.deps.db, TOPIC, keys.into_iter().flatten(), &ctx)
}

/// `GET /emergency-accesses`
async fn accesses(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Result<Markup, Problem> {
    let (opens, watches) = parts(&ctx)?;
    let words = words(&app, &ctx).await?;
    let all = Paging { after: None, limit: Some(LIMIT_MAX) };
    let body = html! {
        h1 { (words.t("emergency")) }
        @if opens { (open_form(ctx.lang)) }
        div #openings data-live=(EVENTS) {
            @if watches { (review::lists(words, &ctx, &listed(&app, &ctx, Whose::Office, true, &all).await?, &listed(&app, &ctx, Whose::Office, false, &all).await?)) }
            @if opens { (own(words, &ctx, &listed(&app, &ctx, Whose::Own, false, &all).await?)) }
        }
    };
    let scripts = ["/static/live.js", "/static/send.js", SCRIPT];
    Ok(app.deps.frame.page(ctx.lang, &words.t("emergency"), Some(&ctx.actor), PATH, &scripts, &body))
}

/// The form, under a plain word of what happens.
fn open_form(lang: Lang) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let (hour, most) = (VALID_MINUTES.to_string(), TRIES_PER_HOUR_MAX.to_string());
    let with = |key: &str| TEXTS.with(lang, key, &[("minutes", &hour), ("most", &most)]);
    let [number, number_help, reason, reason_help] = ["number", "number-help", "reason", "reason-help"].map(t);
    let wide = area("reason", &reason, 3, WORDS_CHARS_MAX);
    let fields = html! {
        (Field { name: "number", label: &number, help: Some(&number_help), required: true, chars_max: 24, ..Field::default() }.draw(lang, &Errors::default()))
        (Field { help: Some(&reason_help), required: true, ..wide }.draw(lang, &Errors::default()))
        button.button.primary type="submit" { (t("open")) }
    };
    html! {
        section.card {
            (notice(Tone::Warn, &t("warning")))
            ul {
                @for key in ["warning-told", "warning-ends", "warning-tried", "warning-most"] { li { (with(key)) } }
            }
            div data-emergency=(PATH) data-nobody=(t("told-nobody")) data-several=(t("told-several")) {
                (form(lang, Some("open"), "stack", Send { then: Some(PATH), ..Send::to("POST /v1/emergency-accesses") }, &fields))
            }
        }
    }
}

/// The outcome, and while it is open how long it is so.
fn state(words: Words, ctx: &Ctx, access: &EmergencyAccessView) -> Markup {
    html! {
        @match access.outcome {
            EmergencyOutcome::Nobody => { (badge(Tone::Plain, &words.t("outcome-nobody"))) }
            EmergencyOutcome::Several => { (badge(Tone::Plain, &words.t("outcome-several"))) }
            EmergencyOutcome::Opened => {
                @if let Some(ends_at) = access.ends_at.filter(|_| access.running) {
                    (badge(Tone::Warn, &words.t("running"))) " " (words.age(Age::Left, ends_at, ctx.now()))
                } @else { (badge(Tone::Plain, &words.t("over"))) }
            }
        }
    }
}

/// The reviewer, when, and what was found; or that it waits.
fn reviewed(words: Words, ctx: &Ctx, access: &EmergencyAccessView) -> Markup {
    html! {
        @if let (Some(name), Some(at)) = (&access.reviewed_by_name, access.reviewed_at) {
            (name) " · " (words.near(at, ctx.now())) @if let Some(remark) = &access.remark { p { (remark) } }
        } @else { (badge(Tone::Info, &words.t("waiting"))) }
    }
}

/// A doctor's own openings.
fn own(words: Words, ctx: &Ctx, page: &Page<EmergencyAccessView>) -> Markup {
    let heads = ["opened-at", "reason", "state", "review"].map(|key| words.t(key));
    html! {
        h2 { (words.t("own")) }
        @if page.items.is_empty() { (empty(&words.t("own-none"), None)) }
        @else {
            (count(words.lang, page.items.len(), page.next.is_some()))
            div.scroll { table.table {
                (head(&heads.each_ref().map(String::as_str)))
                tbody {
                    @for access in &page.items {
                        tr {
                            th scope="row" {
                                @if access.running { a.button href=(format!("{PATH}/{}", access.id)) { (access.person_name.as_deref().unwrap_or_default()) } " " }
                                (words.near(access.opened_at, ctx.now()))
                            }
                            td data-label=(words.t("reason")) { (access.reason) }
                            td data-label=(words.t("state")) { (state(words, ctx, access)) }
                            td data-label=(words.t("review")) { (reviewed(words, ctx, access)) }
                        }
                    }
                }
            } }
        }
    }
}

/// The words of a page in the zone of the caller's organisation.
async fn words(app: &App, ctx: &Ctx) -> Result<Words, Problem> {
    let zone: Tz = organisation::own(&mut app.deps.db.read().await?, ctx).await?.zone();
    Ok(Words::new(&TEXTS, ctx.lang, zone))
}

#[cfg(test)]
mod tests {
    use super::super::model::Sign;
    use super::*;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let keys = Sign::ALL.iter().map(|sign| format!("sign-{sign}"));
        assert_eq!(TEXTS.lacking(keys), [""; 0]);
    }
}
