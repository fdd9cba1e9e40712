//! The pages of matters: a telephone's list of what lies with one, and for the community and the street what lies below.

mod detail;
mod exported;
mod figures;
mod form;
mod list;

use axum::routing::get;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, Routes, StaticFile};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Age, Choice, Tone, Words};
use sanbao_platform::problem::Problem;

use crate::area::{self, Area, Level};
use crate::matter::state::{MatterStateName, MatterStepName};
use crate::matter::view::MatterView;
use crate::request::sla::SlaStatus;
use crate::texts::{self, TEXTS};
use crate::{App, ZONE, local_day};

pub(crate) use exported::exported;

const STYLES: &str = "/static/needs-analysis/matters.css";
const FILES: &[StaticFile] = &[(STYLES, "text/css; charset=utf-8", include_bytes!("../../../assets/matters.css"))];
/// Areas that a choice offers at most.
const AREAS_MAX: usize = 500;

/// The pages; they stand beside the API and not in its description.
pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .page("/matters", get(list::matters).post(list::found))
        .page("/matters/new", get(form::new))
        .page("/matters/figures", get(figures::figures).post(figures::found))
        .page("/matters/{id}", get(detail::show))
        .files(FILES)
}

fn t(lang: Lang, key: &str) -> String {
    TEXTS.get(lang, key)
}

fn words(lang: Lang) -> Words {
    Words::new(&TEXTS, lang, ZONE)
}

fn styles() -> Markup {
    html! { link rel="stylesheet" href=(STYLES); }
}

/// A state as a badge: word and sign, never colour alone. With the level that has to answer, it came from below.
fn state(lang: Lang, of: &MatterView) -> Markup {
    if of.legal.contains(&MatterStepName::Answer) {
        return page::badge(Tone::Warn, &t(lang, "matter-from-below"));
    }
    let tone = match of.state {
        MatterStateName::Open | MatterStateName::TakenBack => Tone::Plain,
        MatterStateName::SentUp => Tone::Info,
        MatterStateName::Answered => Tone::Warn,
        MatterStateName::Settled => Tone::Ok,
    };
    page::badge(tone, &texts::matter_state(lang, of.state))
}

/// The clock: its badge, and how long is left.
fn clock(lang: Lang, of: &MatterView, now: DateTime<Utc>) -> Markup {
    let (Some(due), Some(status)) = (of.due_at, of.status) else { return html! {} };
    let (tone, key) = match status {
        // No clock of a matter stands still.
        SlaStatus::OnTrack | SlaStatus::Paused => (Tone::Ok, "matter-on-track"),
        SlaStatus::AtRisk => (Tone::Warn, "matter-at-risk"),
        SlaStatus::Breached => (Tone::Bad, "matter-breached"),
    };
    html! { (page::badge(tone, &t(lang, key))) " " (words(lang).age(Age::Left, due, now)) }
}

/// The last day of a clock: the moment itself is the midnight after it.
fn last_day(lang: Lang, due: DateTime<Utc>) -> String {
    let day = words(lang).day(local_day(due - chrono::Duration::seconds(1)));
    TEXTS.with(lang, "matter-last-day", &[("day", &day)])
}

/// The words of a matter, or that they are gone.
fn title(lang: Lang, of: &MatterView) -> String {
    if of.title.is_empty() { t(lang, "matter-emptied") } else { of.title.clone() }
}

/// With whom it lies: 城东社区（社区）.
fn lies_with(lang: Lang, of: &MatterView) -> String {
    let Some(place) = &of.lies_with else { return t(lang, "matter-with-nobody") };
    TEXTS.with(lang, "matter-place", &[("area", &place.area_name), ("level", &texts::level(lang, place.level))])
}

/// The areas that the reader reaches, from a level up where one is named.
async fn areas(app: &App, ctx: &Ctx, from: Level) -> Result<Vec<Area>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let codes = area::scope_codes(&mut conn, &ctx.actor, local_day(ctx.now())).await?;
    let mut areas = Vec::new();
    for code in &codes {
        areas.extend(area::find(&mut conn, code).await?.filter(|area| area.level >= from));
        if areas.len() >= AREAS_MAX {
            break;
        }
    }
    Ok(areas)
}

/// The same to choose from, by code, so that what lies in an area stands under it.
fn choices(lang: Lang, areas: &[Area], chosen: Option<&str>) -> Vec<Choice> {
    let top = areas.iter().map(|area| area.level).max().unwrap_or(Level::Street);
    let choice = |area: &Area| {
        let steps = Level::ALL.iter().filter(|level| **level > area.level && **level <= top).count();
        let name = area.name_en.as_deref().filter(|_| lang == Lang::En).unwrap_or(&area.name_zh);
        let words = format!("{}{name}", "\u{3000}".repeat(steps));
        page::pick(&area.code, words, chosen == Some(area.code.as_str()))
    };
    areas.iter().map(choice).collect()
}

fn back(lang: Lang) -> Markup {
    html! { p { a href="/matters" { "← " (t(lang, "matters-title")) } } }
}
