//! The pages of imports: the form with what a source's words mean, the list of what was imported, one import with its way back.

use axum::extract::State as AppState;
use axum::routing::get;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Path, Query, Routes, StaticFile};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, IMPORT_SCRIPTS, Import, Send, Tone, Words};
use sanbao_platform::problem::Problem;
use sanbao_platform::table::RowError;

use super::api::{self, RunsQuery};
use super::input::COLUMNS;
use super::view::{ImportId, Report, RunState};
use crate::area::{Area, Level, store};
use crate::request::category::Category;
use crate::texts::{self, TEXTS};
use crate::{App, ZONE, local_day};

/// Faults that the page of an import shows; all that are kept are in the API's answer.
const SHOWN_MAX: usize = 50;
/// Areas that the choice offers at most, by code.
const AREAS_MAX: i64 = 2_000;

const JS: &str = "text/javascript; charset=utf-8";
const FILES: &[StaticFile] = &[("/static/needs-analysis/imports.js", JS, include_bytes!("../../../assets/imports.js"))];
const COUNTS: [&str; 8] = ["total", "created", "updated", "unchanged", "ended", "failed", "skipped", "other"];

/// The pages; they stand beside the API and not in its description.
pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .page("/requests/import", get(form))
        .page("/requests/imports", get(runs))
        .page("/requests/imports/{id}", get(run))
        .files(FILES)
}

async fn form(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Result<Markup, Problem> {
    api::require(&ctx)?;
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let facts = COUNTS.map(|name| (name, t(&format!("import-{name}"))));
    let areas = areas(&app, &ctx).await?;
    let uploads = Some("/v1/imports/uploads");
    let form = Import { path: "/v1/imports", uploads, source: Some("csv"), sample: None, facts: &facts };
    let body = html! {
        p { a href="/requests" { "← " (t("request-back")) } }
        div.spread {
            h1 { (t("import-title")) }
            a.button href="/requests/imports" { (t("imports-title")) }
        }
        p { (t("import-help")) }
        p.faint { (t("import-columns")) }
        (form.draw(lang))
        (meanings(lang, &areas))
    };
    let scripts = [IMPORT_SCRIPTS[0], IMPORT_SCRIPTS[1], "/static/needs-analysis/imports.js"];
    Ok(app.deps.frame.page(lang, &t("import-title"), Some(&ctx.actor), "/requests", &scripts, &body))
}

/// The areas that a word may mean: those of the actor, the smallest left out.
async fn areas(app: &App, ctx: &Ctx) -> Result<Vec<Area>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let scope = store::scope_codes(&mut conn, &ctx.actor, local_day(ctx.now())).await?;
    let mut areas = store::list(&mut conn, None, "", AREAS_MAX).await?;
    areas.retain(|a| a.level > Level::Building && scope.contains(&a.code));
    Ok(areas)
}

/// The place where it is said what a source's words mean.
fn meanings(lang: Lang, areas: &[Area]) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    html! {
        section #meanings.card aria-live="polite" hidden data-title=(t("meanings-title")) data-help=(t("meanings-help"))
            data-columns=(t("meanings-columns")) data-categories=(t("meanings-categories"))
            data-areas=(t("meanings-areas")) data-said=(t("meanings-said")) data-meant=(t("meanings-meant"))
            data-missing=(t("meanings-missing")) data-kept=(t("meanings-kept")) data-again=(t("meanings-again"))
            data-run=(t("imports-one")) data-nowhere=(t("meanings-nowhere")) {}
        datalist #meaning-areas {
            @for area in areas { option value=(format!("{} {}", area.name_zh, area.code)) data-code=(area.code) {} }
        }
        template #meaning-column {
            select {
                option value="" { (t("meanings-unused")) }
                @for name in COLUMNS { option value=(name) { (t(&format!("import-field-{}", name.replace('_', "-")))) } }
            }
        }
        template #meaning-category {
            select {
                option value="" { (t("meanings-other")) }
                @for c in Category::ALL.iter().filter(|c| **c != Category::Other) {
                    option value=(c.as_str()) { (texts::category(lang, *c)) }
                }
            }
        }
    }
}

async fn runs(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(q): Query<RunsQuery>,
) -> Result<Markup, Problem> {
    let runs = api::listed(&app, &ctx, q.after).await?;
    let words = Words::new(&TEXTS, ctx.lang, ZONE);
    let heads = ["imports-when", "imports-by", "import-source-head", "imports-file", "imports-state", "imports-came"];
    let heads = heads.map(|key| words.t(key));
    let title = words.t("imports-title");
    let new = words.t("request-import");
    let body = html! {
        p { a href="/requests" { "← " (words.t("request-back")) } }
        div.spread {
            h1 { (title) }
            a.button.primary href="/requests/import" { (new) }
        }
        @if runs.items.is_empty() {
            (page::empty(&words.t("imports-none"), Some(("/requests/import", new.as_str()))))
        } @else {
            div.scroll {
                table.table {
                    (page::head(&heads.each_ref().map(String::as_str)))
                    tbody { @for one in &runs.items { (line(words, &ctx, one)) } }
                }
            }
        }
        @if let Some(next) = runs.next {
            p { a.button href=(page::address("/requests/imports", &[("after", Some(&next.to_string()))])) { (words.t("imports-older")) } }
        }
    };
    Ok(app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), "/requests", &[], &body))
}

fn line(words: Words, ctx: &Ctx, one: &Report) -> Markup {
    let place = one.id.map(|id| format!("/requests/imports/{id}")).unwrap_or_default();
    html! {
        tr {
            td { a href=(place) { (words.dated(one.started_at, ctx.now())) } }
            td { (one.by.clone().unwrap_or_else(|| words.t("imports-by-command"))) }
            td { (one.source) }
            td { (one.file_name.as_deref().unwrap_or_default()) }
            td { (badge(words, one.state)) }
            td { (one.summary) }
        }
    }
}

fn badge(words: Words, state: RunState) -> Markup {
    let tone = match state {
        RunState::Finished => Tone::Ok,
        RunState::Broken => Tone::Bad,
        RunState::Running | RunState::Undoing => Tone::Info,
        RunState::Tried | RunState::Undone => Tone::Plain,
    };
    page::badge(tone, &words.t(&format!("import-state-{state}")))
}

async fn run(PageCtx(ctx): PageCtx, AppState(app): AppState<App>, Path(id): Path<ImportId>) -> Result<Markup, Problem> {
    let one = api::found(&app, &ctx, id).await?;
    let words = Words::new(&TEXTS, ctx.lang, ZONE);
    let title = words.t("imports-one");
    let facts = COUNTS.into_iter().zip([
        one.total,
        one.created,
        one.updated,
        one.unchanged,
        one.ended,
        one.failed,
        one.skipped,
        one.other,
    ]);
    let body = html! {
        p { a href="/requests/imports" { "← " (words.t("imports-title")) } }
        div.spread {
            h1 { (title) " " (badge(words, one.state)) }
            (acts(words, &one))
        }
        p { (one.summary) }
        dl.facts {
            dt { (words.t("imports-when")) } dd { (words.dated(one.started_at, ctx.now())) }
            dt { (words.t("imports-by")) } dd { (one.by.clone().unwrap_or_else(|| words.t("imports-by-command"))) }
            dt { (words.t("import-source-head")) } dd { (one.source) }
            @if let Some(name) = &one.file_name { dt { (words.t("imports-file")) } dd { (name) } }
        }
        // Apart from the others: beside their longer words a name has no room on a phone.
        dl.facts {
            @for (name, count) in facts { dt { (words.t(&format!("import-{name}"))) } dd.number { (count) } }
        }
        (kept(words, &one))
        (faults(words, "imports-errors", &one.errors))
        (faults(words, "imports-warnings", &one.warnings))
    };
    let scripts = ["/static/send.js"];
    Ok(app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), "/requests", &scripts, &body))
}

/// The buttons of an import: it is looked at again while it goes on, and taken back when it has ended.
fn acts(words: Words, one: &Report) -> Markup {
    let Some(id) = one.id else { return Markup::default() };
    match one.state {
        RunState::Running | RunState::Undoing => html! {
            button.button type="button" data-action="reload" { (words.t("imports-look-again")) }
        },
        RunState::Finished | RunState::Broken => {
            let (call, count) = (format!("POST /v1/imports/{id}/undo"), one.created.to_string());
            let confirm = words.with("imports-undo-confirm", &[("count", &count)]);
            page::press("undo", "button", Send { confirm: Some(&confirm), ..Send::to(&call) }, &words.t("imports-undo"))
        }
        RunState::Tried | RunState::Undone => Markup::default(),
    }
}

/// The requests that stay although the import was taken back.
fn kept(words: Words, one: &Report) -> Markup {
    let Some(undo) = one.undo.as_ref().filter(|undo| !undo.kept_first.is_empty()) else { return Markup::default() };
    html! {
        h2 { (words.t("imports-kept")) }
        ul {
            @for kept in &undo.kept_first {
                li {
                    a href=(format!("/requests/{}", kept.request_id)) {
                        (kept.external_id.as_deref().unwrap_or_default())
                    }
                    " " (words.t(&format!("imports-kept-{}", kept.reason.replace('_', "-"))))
                }
            }
        }
        @if i64::try_from(undo.kept_first.len()).is_ok_and(|listed| listed < undo.kept) { p.faint { (words.t("imports-more")) } }
    }
}

fn faults(words: Words, title: &str, errors: &[RowError]) -> Markup {
    if errors.is_empty() {
        return Markup::default();
    }
    let heads = ["imports-row", "imports-column", "imports-reason", "imports-value"].map(|key| words.t(key));
    html! {
        h2 { (words.t(title)) }
        div.scroll {
            table.table {
                (page::head(&heads.each_ref().map(String::as_str)))
                tbody {
                    @for error in errors.iter().take(SHOWN_MAX) {
                        tr {
                            td.number { (error.row) }
                            td { (column(words, &error.column)) }
                            td { (error.reason) }
                            td { (error.value.as_deref().unwrap_or_default()) }
                        }
                    }
                }
            }
        }
        @if errors.len() > SHOWN_MAX { p.faint { (words.t("imports-more")) } }
    }
}

fn column(words: Words, field: &str) -> String {
    if COLUMNS.contains(&field) { words.t(&format!("import-field-{}", field.replace('_', "-"))) } else { String::new() }
}
