//! The pages of consults: two lists that follow by themselves, the invitation, one consult, the panel
//! beside the picture, and the family's page.

mod again;
mod choices;
mod day_sheet;
mod detail;
mod door;
mod drafts;
mod exchange;
mod fetch;
mod forms;
mod guest;
mod handover;
mod history;
mod late;
mod list;
mod meeting;
mod new;
mod overbook;
mod paper;
mod practitioner;
mod prefill;
mod record;
mod records;
mod schedule;
mod sheet;
mod times;
mod verify;

use axum::extract::State as AppState;
use axum::response::IntoResponse;
use axum::routing::get;
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, Routes, StaticFile, live_of};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Tone, Words};
use sanbao_platform::problem::Problem;

use super::api;
use super::id::ConsultId;
use super::input::Urgency;
use super::model::Consult;
use super::policy::ConsultAction;
use super::state::ConsultStateName;
use super::steps::{TOPIC, specialty_key};
use super::store::{self, Side};
use crate::App;
use crate::texts::CONSULT as TEXTS;

const JS: &str = "text/javascript; charset=utf-8";
/// The look of the house's day and of documents, beside the sheet of all pages.
const STYLES: &str = "/static/booking/consult.css";
const FILES: &[StaticFile] = &[
    (STYLES, "text/css; charset=utf-8", include_bytes!("../../../assets/consult.css")),
    ("/static/booking/consult-bell.js", JS, include_bytes!("../../../assets/consult-bell.js")),
    ("/static/booking/consult-new.js", JS, include_bytes!("../../../assets/consult-new.js")),
    ("/static/booking/consult-page.js", JS, include_bytes!("../../../assets/consult-page.js")),
    ("/static/booking/consult-opinion.js", JS, include_bytes!("../../../assets/consult-opinion.js")),
    ("/static/booking/consult-guest.js", JS, include_bytes!("../../../assets/consult-guest.js")),
];

/// The pages' routes; they are no part of the described API.
pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .page("/consults", get(list::consults))
        .page("/consults/day-sheet", get(day_sheet::day_sheet))
        .page("/consults/events", get(events))
        .page("/consults/handover", get(handover::handovers))
        .page("/consults/handover/{id}", get(handover::handed_over))
        .page("/consults/records", get(records::records).post(records::found))
        .page("/consults/new", get(new::invitation_form))
        .page("/consults/times", get(times::times_part))
        .page("/consults/{id}", get(detail::consult_page))
        .page("/consults/{id}/status", get(detail::status_part))
        .page("/consults/{id}/summary", get(record::summary))
        .page("/consults/{id}/papers/{kind}", get(paper::paper))
        .page("/guest", get(guest::family_page).post(guest::when_part))
        .page("/verify", get(verify::asked).post(verify::typed))
        .files(FILES)
        .merge(practitioner::routes())
}

/// The consult, for somebody who may read it, with that person's own specialty.
async fn readable(conn: &mut Conn, ctx: &Ctx, id: ConsultId) -> Result<(Consult, Option<String>), Problem> {
    let consult = store::load(conn, ctx, id, ConsultAction::Read).await?;
    let specialty = store::specialty_of(conn, &ctx.actor).await?;
    Ok((consult, specialty))
}

/// Tells those who have a list of consults that something in it changed; what, the page reads anew.
async fn events(AppState(app): AppState<App>, ctx: Ctx) -> Result<impl IntoResponse, Problem> {
    let (actor, db) = (&ctx.actor, &app.deps.db);
    let keys = match api::side(actor)? {
        Side::Inviting | Side::Hospital => vec![actor.organisation.0],
        Side::Doctor => {
            let specialty = store::specialty_of(&mut db.read().await?, actor).await?;
            let wanted = specialty.map(|specialty| specialty_key(actor.organisation, &specialty));
            [actor.subject.0].into_iter().chain(wanted).collect()
        }
    };
    live_of(db, TOPIC, keys, &ctx)
}

fn t(lang: Lang, key: &str) -> String {
    TEXTS.get(lang, key)
}

fn words(lang: Lang, zone: Tz) -> Words {
    Words::new(&TEXTS, lang, zone)
}

/// 11月23日 周一 14:30, with its machine-readable form.
fn time(lang: Lang, zone: Tz, at: DateTime<Utc>) -> Markup {
    words(lang, zone).time(at)
}

/// The same as people say it near the day: 今天 14:30, kept true over midnight.
fn near(ctx: &Ctx, zone: Tz, at: DateTime<Utc>) -> Markup {
    words(ctx.lang, zone).near(at, ctx.now())
}

fn badge(lang: Lang, state: ConsultStateName) -> Markup {
    let tone = match state {
        ConsultStateName::Scheduled
        | ConsultStateName::Signed
        | ConsultStateName::Adopted
        | ConsultStateName::Archived => Tone::Ok,
        ConsultStateName::Submitted | ConsultStateName::Accepted | ConsultStateName::InSession => Tone::Info,
        ConsultStateName::Returned | ConsultStateName::OpinionDraft | ConsultStateName::Draft => Tone::Warn,
        ConsultStateName::Rejected
        | ConsultStateName::Cancelled
        | ConsultStateName::NoShow
        | ConsultStateName::Expired => Tone::Bad,
    };
    page::badge(tone, &t(lang, &format!("state-{state}")))
}

/// 特急 or 急; nothing of what is not urgent.
fn urgency_badge(lang: Lang, urgency: Urgency) -> Markup {
    let tone = if urgency == Urgency::Stat { Tone::Bad } else { Tone::Warn };
    html! { @if urgency != Urgency::Routine { " " (page::badge(tone, &t(lang, &format!("urgency-{urgency}")))) } }
}

fn age(birth_date: NaiveDate, now: DateTime<Utc>) -> i32 {
    let today = now.date_naive();
    let before = (today.month(), today.day()) < (birth_date.month(), birth_date.day());
    today.year() - birth_date.year() - i32::from(before)
}

/// The style sheet of these pages, for the beginning of a body.
fn styles() -> Markup {
    html! { link rel="stylesheet" href=(STYLES); }
}

/// A name with a word about the person: 李小明（儿子）.
fn named(lang: Lang, name: &str, more: &str) -> String {
    TEXTS.with(lang, "name-with", &[("name", name), ("more", more)])
}

/// The name of the person of a consult, or what stands there once the person was erased.
fn name_or_erased(lang: Lang, name: &str) -> String {
    if name.is_empty() { t(lang, "record-erased") } else { name.to_owned() }
}

/// The first words of a text.
fn short(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut words: String = text.chars().take(CHARS_MAX).collect();
    if text.chars().count() > CHARS_MAX {
        words.push('…');
    }
    words
}

/// A text as paragraphs, lines kept.
fn prose(text: &str) -> Markup {
    html! { @for line in text.lines().filter(|l| !l.trim().is_empty()) { p { (line) } } }
}

#[cfg(test)]
mod tests {
    use sanbao_platform::lifecycle::Lifecycle as _;

    use super::*;
    use crate::account::input::Sex;
    use crate::consult::acts::Act;
    use crate::consult::attendance::Absent;
    use crate::consult::carried::{BELOW_RANK, OTHER_PERSON, UnbookedWhy};
    use crate::consult::conflicts::Shared;
    use crate::consult::consent::{GivenBy, Method};
    use crate::consult::input::Title;
    use crate::consult::opinion::{AdoptionDecision, Parts};
    use crate::consult::paper::PaperKind;
    use crate::consult::practitioner::workday::WorksAs;
    use crate::consult::state::ConsultStepName;
    use crate::consult::ticket::RoomRole;
    use crate::texts::PAPER;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let states = ConsultStateName::ALL
            .iter()
            .flat_map(|s| ["state", "next-inviting", "next-invited"].map(|before| format!("{before}-{s}")));
        let steps = ConsultStepName::ALL.iter().map(|s| s.as_str()).chain([Consult::CREATED]);
        let keys = (states.chain(steps.map(|s| format!("step-{s}"))))
            .chain(RoomRole::ALL.iter().map(|r| format!("role-{r}")))
            .chain(Absent::ALL.iter().map(|a| format!("absent-{a}")))
            .chain(GivenBy::ALL.iter().map(|g| format!("by-{g}")))
            .chain(AdoptionDecision::ALL.iter().map(|d| format!("decision-{d}")))
            .chain(Title::ALL.iter().map(|t| format!("title-{t}")))
            .chain(Urgency::ALL.iter().map(|u| format!("urgency-{u}")))
            .chain(Act::ALL.iter().map(|a| format!("act-{a}")))
            .chain(WorksAs::ALL.iter().map(|w| format!("workdays-as-{w}")))
            .chain(UnbookedWhy::ALL.iter().map(|w| format!("unbooked-{w}")))
            .chain(Shared::ALL.iter().map(|s| format!("shared-{s}")))
            .chain([OTHER_PERSON, BELOW_RANK].map(|note| format!("note-{note}")))
            .chain(Sex::ALL.iter().map(|s| format!("sex-{s}")));
        assert_eq!(TEXTS.lacking(keys), [""; 0]);
        let kinds = PaperKind::ALL.iter().flat_map(|k| [k.to_string(), format!("at-{k}")]);
        let keys = kinds.chain(Sex::ALL.iter().map(|s| format!("sex-{s}")));
        let keys = keys.chain(Method::ALL.iter().map(|m| format!("method-{m}")));
        let parts = Parts::default();
        let keys = keys.chain(parts.named().map(|(name, _)| format!("opinion-{name}")));
        let over = ["rejected", "cancelled", "no_show", "expired"].map(|state| format!("over-{state}"));
        assert_eq!(PAPER.lacking(keys.chain(over)), [""; 0]);
    }

    #[test]
    fn one_is_a_year_older_on_the_birthday() {
        let at: DateTime<Utc> = "2026-11-23T06:30:00Z".parse().unwrap_or_default();
        let birthday: NaiveDate = "1940-11-24".parse().unwrap_or_default();
        assert_eq!((age(birthday, at), age(birthday, at + chrono::Duration::days(1))), (85, 86));
    }
}
