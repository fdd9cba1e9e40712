//! The pages of areas: one area with what it lies in and what lies in it, and the import.

mod detail;
mod forms;
mod import;

use axum::extract::State as AppState;
use axum::routing::get;
use chrono::NaiveDate;
use maud::{Markup, html};
use sanbao_platform::cn;
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, PageCtx, Path, Routes, StaticFile};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Field, Send, Tone};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::id::AreaCode;
use super::known;
use super::model::{Area, Level};
use super::store;
use crate::policy::{self, Action, Relation, relation};
use crate::texts::{self, TEXTS};
use crate::{App, local_day};

const SCRIPTS: [&str; 2] = ["/static/send.js", "/static/needs-analysis/areas.js"];
const FILES: &[StaticFile] = &[
    ("/static/needs-analysis/areas.js", "text/javascript; charset=utf-8", include_bytes!("../../../assets/areas.js")),
    (SAMPLE, "text/csv; charset=utf-8", include_bytes!("../../../data/areas-sample.csv")),
];
/// A file of areas to fill in.
const SAMPLE: &str = "/static/needs-analysis/areas-sample.csv";
/// Streets that the first page lists for somebody without areas; the API pages further.
const STREETS_MAX: i64 = 200;

/// The pages; they stand beside the API and not in its description.
pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .page("/areas", get(areas))
        .page("/areas/import", get(import::import))
        .page("/areas/{code}", get(area))
        .files(FILES)
}

fn t(lang: Lang, key: &str) -> String {
    TEXTS.get(lang, key)
}

fn name(lang: Lang, area: &Area) -> &str {
    area.name_en.as_deref().filter(|_| lang == Lang::En).unwrap_or(&area.name_zh)
}

fn link(lang: Lang, area: &Area) -> Markup {
    html! { a href=(format!("/areas/{}", area.code)) { (name(lang, area)) } }
}

/// Whether the reader may change what is, or is not, within the reader's own areas.
fn edits(ctx: &Ctx, inside: bool) -> bool {
    policy::allows(&ctx.actor, Action::AreaEdit, relation(inside)) == Decision::Allow
}

fn frame(app: &App, ctx: &Ctx, title: &str, body: &Markup) -> Markup {
    app.deps.frame.page(ctx.lang, title, Some(&ctx.actor), "/areas", &SCRIPTS, body)
}

async fn area(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(code): Path<AreaCode>,
) -> Result<Markup, Problem> {
    policy::allows(&ctx.actor, Action::AreaRead, Relation::Outside).require()?;
    let mut conn = app.deps.db.read().await?;
    let area = store::find(&mut conn, &code).await?.ok_or_else(Problem::not_found)?;
    let shown = detail::body(&mut conn, &ctx, &area).await?;
    Ok(frame(&app, &ctx, name(ctx.lang, &area), &shown))
}

/// The reader's own areas; the streets, for somebody who has none.
async fn areas(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Result<Markup, Problem> {
    policy::allows(&ctx.actor, Action::AreaRead, Relation::Outside).require()?;
    let mut conn = app.deps.db.read().await?;
    let (mut own, mut lacking) = (Vec::new(), Vec::new());
    for code in ctx.actor.areas.iter().filter_map(|text| AreaCode::parse(text).ok()) {
        match store::find(&mut conn, &code).await? {
            Some(area) => own.push(area),
            None => lacking.push(code),
        }
    }
    if ctx.actor.areas.is_empty() {
        own = store::list(&mut conn, Some(Level::Street), "", STREETS_MAX).await?;
    }
    if let ([only], true) = (own.as_slice(), lacking.is_empty()) {
        let shown = detail::body(&mut conn, &ctx, only).await?;
        return Ok(frame(&app, &ctx, name(ctx.lang, only), &shown));
    }
    let lang = ctx.lang;
    let today = local_day(ctx.now());
    let body = html! {
        h1 { (t(lang, "areas-title")) }
        @for code in &lacking { (start(&ctx, code)) }
        @if !own.is_empty() { (list(&mut conn, lang, &own, today).await?) }
        @else if lacking.is_empty() { (page::empty(&t(lang, "areas-none"), None)) }
    };
    Ok(frame(&app, &ctx, &t(lang, "areas-title"), &body))
}

async fn list(conn: &mut Conn, lang: Lang, areas: &[Area], today: NaiveDate) -> Result<Markup, Problem> {
    let mut rows = Vec::with_capacity(areas.len());
    for area in areas {
        rows.push((area, store::children(conn, &area.code, today).await?.len()));
    }
    Ok(detail::table(lang, rows.into_iter()))
}

/// The card of a street that is the reader's and not in the tree yet.
fn start(ctx: &Ctx, code: &AreaCode) -> Markup {
    let lang = ctx.lang;
    let street = known::street(code.as_str());
    let named = |name| TEXTS.with(lang, "areas-with-code", &[("name", name), ("code", code.as_str())]);
    let title = street.map_or_else(|| code.to_string(), |street| named(street.name));
    html! {
        section.card {
            h2 { (TEXTS.with(lang, "areas-start", &[("name", &title)])) }
            @if !edits(ctx, true) { p { (t(lang, "areas-start-ask")) } }
            @else if street.is_some() { (take_over(lang, code, known::communities(code.as_str()).len(), true)) }
            @else if cn::street_code(code.as_str()).is_ok() { (add_street(lang, code)) }
            @else { (page::notice(Tone::Warn, &t(lang, "areas-start-code"))) }
        }
    }
}

/// The one press by which a street gets its communities.
fn take_over(lang: Lang, code: &AreaCode, count: usize, street_too: bool) -> Markup {
    let count = count.to_string();
    let call = format!("POST /v1/areas/{code}/communities");
    let then = format!("/areas/{code}");
    let key = if street_too { "areas-take-street" } else { "areas-take" };
    let send = Send { then: Some(&then), ..Send::to(&call) };
    html! {
        p { (TEXTS.with(lang, "areas-take-what", &[("count", &count)])) }
        p { (page::press("take", "button primary", send, &TEXTS.with(lang, key, &[("count", &count)]))) }
    }
}

/// The form for a street that the list does not have.
fn add_street(lang: Lang, code: &AreaCode) -> Markup {
    let then = format!("/areas/{code}");
    let fields = html! {
        input type="hidden" name="code" value=(code);
        input type="hidden" name="level" value=(Level::Street);
        (forms::names(lang, "", ""))
        button.button.primary type="submit" { (t(lang, "areas-add-street")) }
    };
    html! {
        p { (t(lang, "areas-start-import")) }
        (page::form(lang, None, "stack", Send { then: Some(&then), ..Send::to("POST /v1/areas") }, &fields))
    }
}

/// A field whose words are the text of a key, its help that of `{key}-help`.
fn field(lang: Lang, name: &str, key: &str, more: Field<'_>) -> Markup {
    let (label, help) = (t(lang, key), t(lang, &format!("{key}-help")));
    Field { name, label: &label, help: Some(&help), ..more }.draw(lang, &page::Errors::default())
}

/// A level in words.
fn level(lang: Lang, level: Level) -> String {
    texts::level(lang, level)
}
