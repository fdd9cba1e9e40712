//! A round: making one, how far it has come, and its doors by hand and from a file.

use axum::extract::State as AppState;
use chrono::Duration;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Path};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Choice, Errors, Field, IMPORT_SCRIPTS, Import, Live, Select, Send};
use sanbao_platform::problem::Problem;

use super::{SAMPLE, cells, days, heads, reason, styles, t};
use crate::App;
use crate::area::{self, Area, AreaCode, Level};
use crate::door::api;
use crate::door::id::RoundId;
use crate::door::input::{REMARK_CHARS_MAX, TITLE_CHARS_MAX};
use crate::door::model::RoundReason;
use crate::door::view::{RoundDetail, RoundView};
use crate::local_day;
use crate::policy::{self, Action, relation};
use crate::texts::{self, TEXTS};

/// Areas that a choice offers at most; the file of an import may name any.
const AREAS_MAX: usize = 500;
/// How often the counts are read anew, in seconds.
const REREAD_SECONDS: u32 = 60;

/// The areas of the reader within one, or all of them.
async fn areas(app: &App, ctx: &Ctx, within: Option<&str>) -> Result<Vec<Area>, Problem> {
    let today = local_day(ctx.now());
    let mut conn = app.deps.db.read().await?;
    let mut codes = area::scope_codes(&mut conn, &ctx.actor, today).await?;
    if let Some(within) = within.and_then(|code| AreaCode::parse(code).ok()) {
        let below = area::descendants(&mut conn, &within, today).await?;
        codes.retain(|code| below.contains(code));
    }
    let mut areas = Vec::new();
    for code in codes.iter().take(AREAS_MAX) {
        areas.extend(area::find(&mut conn, code).await?);
    }
    Ok(areas)
}

fn choices(lang: Lang, areas: &[Area]) -> Vec<Choice> {
    // By code, so that what lies in an area stands under it.
    let choice = |area: &Area| {
        let indent = "\u{3000}".repeat(match area.level {
            Level::Street => 0,
            Level::Community => 1,
            Level::Compound => 2,
            Level::Grid => 3,
            Level::Building => 4,
        });
        let name = area.name_en.as_deref().filter(|_| lang == Lang::En).unwrap_or(&area.name_zh);
        page::pick(&area.code, format!("{indent}{name}"), false)
    };
    areas.iter().map(choice).collect()
}

fn input(lang: Lang, name: &str, key: &str, more: Field<'_>) -> Markup {
    let label = t(lang, key);
    Field { name, label: &label, ..more }.draw(lang, &Errors::default())
}

fn choose(lang: Lang, name: &str, key: &str, required: bool, of: &[Choice]) -> Markup {
    let (label, none) = (t(lang, key), t(lang, "choose"));
    Select { name, label: &label, none: Some(&none), required, ..Select::default() }.draw(of)
}

pub(super) async fn new(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Result<Markup, Problem> {
    policy::allows(&ctx.actor, Action::RoundMake, relation(!ctx.actor.areas.is_empty())).require()?;
    let mut areas = areas(&app, &ctx, None).await?;
    areas.retain(|area| area.level >= Level::Grid);
    let rounds = api::overview(&app, &ctx).await?;
    let lang = ctx.lang;
    let today = local_day(ctx.now());
    let (from, until) = (today.to_string(), (today + Duration::days(6)).to_string());
    let reasons =
        RoundReason::ALL.iter().map(|r| page::pick(r, texts::round_reason(lang, *r), *r == RoundReason::Routine));
    let earlier = rounds.iter().map(|r| page::pick(r.id, format!("{} · {}", r.title, days(lang, r)), false));
    let (why, copy, empty) = (t(lang, "round-reason"), t(lang, "round-copy"), t(lang, "round-copy-none"));
    let help = t(lang, "round-copy-help");
    let copy = Select { name: "copy_of", label: &copy, none: Some(&empty), help: Some(&help), ..Select::default() };
    let day = Field { kind: "date", required: true, ..Field::default() };
    let title = Field { required: true, chars_max: TITLE_CHARS_MAX, first: true, ..Field::default() };
    let fields = html! {
        (input(lang, "title", "round-title", title))
        (Select { name: "reason", label: &why, required: true, ..Select::default() }.draw(&reasons.collect::<Vec<_>>()))
        (choose(lang, "area_code", "round-area", true, &choices(lang, &areas)))
        div.pair {
            (input(lang, "starts_on", "round-from", Field { value: &from, ..day }))
            (input(lang, "ends_on", "round-until", Field { value: &until, ..day }))
        }
        @if !rounds.is_empty() { (copy.draw(&earlier.collect::<Vec<_>>())) }
        button.button.primary.large.wide type="submit" { (t(lang, "round-save")) }
    };
    let send = Send { then: Some("/doors"), ..Send::to("POST /v1/door-rounds") };
    let body = html! {
        (back(lang))
        h1 { (t(lang, "round-new")) }
        (page::form(lang, None, "narrow", send, &fields))
    };
    Ok(app.deps.frame.page(lang, &t(lang, "round-new"), Some(&ctx.actor), "/doors", &["/static/send.js"], &body))
}

fn back(lang: Lang) -> Markup {
    html! { p { a href="/doors" { "← " (t(lang, "doors-title")) } } }
}

pub(super) async fn show(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<RoundId>,
) -> Result<Markup, Problem> {
    let RoundDetail { round, areas: below } = api::detail(&app, &ctx, id).await?;
    let lang = ctx.lang;
    let makes = {
        let mut conn = app.deps.db.read().await?;
        api::makeable(&mut conn, &ctx, id).await.is_ok()
    };
    let areas = if makes { areas(&app, &ctx, Some(&round.area_code)).await? } else { Vec::new() };
    let first = t(lang, "head-place");
    let live = Live { events: "/v1/doors/events", seconds: Some(REREAD_SECONDS), ..Live::default() };
    let part = html! {
        @if below.is_empty() { (page::empty(&t(lang, "round-no-doors"), None)) }
        @else {
            div.scroll {
                table.table {
                    thead { tr {
                        th scope="col" { (first) }
                        @for head in heads(lang) { th.number scope="col" { (head) } }
                    } }
                    tbody {
                        @for area in &below { tr { td data-label=(first) { (area.area_name) } (cells(lang, area.counts)) } }
                        tr { th scope="row" data-label=(first) { (t(lang, "round-sum")) } (cells(lang, round.counts)) }
                    }
                }
            }
        }
    };
    let body = html! {
        (styles())
        (back(lang))
        div.spread {
            h1 { (round.title) " " (reason(lang, round.reason)) }
            @if makes { a.button href=(format!("/doors/rounds/{id}/import")) { (t(lang, "doors-import")) } }
        }
        p { (days(lang, &round)) }
        (page::live("progress", live, &part))
        @if makes { (add(lang, &round, &areas)) }
    };
    let scripts = ["/static/live.js", "/static/send.js"];
    Ok(app.deps.frame.page(lang, &round.title, Some(&ctx.actor), "/doors", &scripts, &body))
}

/// The form for one door more.
fn add(lang: Lang, round: &RoundView, areas: &[Area]) -> Markup {
    let call = format!("POST /v1/door-rounds/{}/doors", round.id);
    let done = t(lang, "door-added");
    let any = Field { chars_max: REMARK_CHARS_MAX, ..Field::default() };
    let fields = html! {
        (choose(lang, "area_code", "round-area", true, &choices(lang, areas)))
        (input(lang, "elder_name", "field-name", Field { chars_max: 50, ..any }))
        (input(lang, "phone", "field-phone", Field { kind: "tel", ..any }))
        (input(lang, "address", "field-address", any))
        (input(lang, "remark", "door-remark", any))
        button.button.primary type="submit" { (t(lang, "door-add")) }
    };
    html! {
        section.card aria-labelledby="add-door" {
            h2 #add-door { (t(lang, "door-add")) }
            (page::form(lang, None, "narrow", Send { done: Some(&done), ..Send::to(&call) }, &fields))
        }
    }
}

pub(super) async fn import(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<RoundId>,
) -> Result<Markup, Problem> {
    let round = api::makeable(&mut app.deps.db.read().await?, &ctx, id).await?;
    let lang = ctx.lang;
    let path = format!("/v1/imports/doors?round={id}");
    let facts = [
        ("total", "import-total"),
        ("created", "doors-import-created"),
        ("unchanged", "import-unchanged"),
        ("failed", "import-failed"),
    ];
    let facts = facts.map(|(name, key)| (name, t(lang, key)));
    let title = TEXTS.with(lang, "doors-import-title", &[("round", &round.title)]);
    let body = html! {
        p { a href=(format!("/doors/rounds/{id}")) { "← " (round.title) } }
        h1 { (title) }
        p { (t(lang, "doors-import-help")) }
        (Import { path: &path, uploads: None, source: None, sample: Some(SAMPLE), facts: &facts }.draw(lang))
    };
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/doors", &IMPORT_SCRIPTS, &body))
}
