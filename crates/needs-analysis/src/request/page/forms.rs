//! The forms: a new request with the telephone at one's ear, and an import.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::lang::Lang;
use sanbao_platform::problem::Problem;

use super::list::may;
use crate::App;
use crate::area::{Level, tree};
use crate::local_day;
use crate::texts::TEXTS;
use crate::policy::{self, Action, Relation};
use crate::request::category::{Category, Urgency};

/// Areas that the choice offers at most; the smallest are left out first.
const AREAS_MAX: i64 = 2000;

/// Refuses as the API does: 403 to whoever could if it were theirs, 404 to all others.
fn require(ctx: &Ctx, action: Action) -> Result<(), Problem> {
    let relation = if may(ctx, action) { Relation::InScope } else { Relation::Outside };
    policy::allows(&ctx.actor, action, relation).require()
}

pub(super) async fn new_request(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    draw_new(&app, &ctx).await.map_or_else(Problem::into_response, maud::Markup::into_response)
}

async fn draw_new(app: &App, ctx: &Ctx) -> Result<Markup, Problem> {
    require(ctx, Action::RequestCreate)?;
    let mut conn = app.deps.db.read().await?;
    let scope = tree::scope_codes(&mut conn, &ctx.actor, local_day(ctx.now())).await?;
    let mut areas = tree::list(&mut conn, None, "", AREAS_MAX).await?;
    drop(conn);
    areas.retain(|a| a.level > Level::Building && scope.contains(&a.code));
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let body = html! {
        p { a href="/requests" { "← " (t("request-back")) } }
        h1 { (t("request-new")) }
        form.narrow data-send="POST /v1/requests" data-then="/requests" {
            (input(lang, "phone", "field-phone", Some("help-phone"), "tel", true))
            (input(lang, "elder_name", "field-name", None, "text", false))
            (area(lang, &areas))
            (category(lang))
            (urgency(lang))
            div.field {
                label for="note" { (t("field-note")) }
                textarea #note name="note" maxlength="2000" rows="3" {}
                p.help { (t("help-note")) }
            }
            details #more {
                summary { (t("field-more")) }
                (input(lang, "national_id", "field-national-id", Some("help-national-id"), "text", false))
                (input(lang, "address", "field-address", None, "text", false))
                div.pair {
                    (input(lang, "wanted_from", "field-wanted-from", None, "datetime-local", false))
                    (input(lang, "wanted_until", "field-wanted-until", None, "datetime-local", false))
                }
                (input(lang, "received_at", "field-received-at", Some("help-received-at"), "datetime-local", false))
            }
            button.button.primary.large.wide type="submit" { (t("save-request")) }
        }
    };
    Ok(app.deps.frame.page(lang, &t("request-new"), Some(&ctx.actor), "/requests", &["/static/form.js"], &body))
}

fn input(lang: Lang, name: &str, label: &str, help: Option<&str>, kind: &str, first: bool) -> Markup {
    html! {
        div.field {
            label for=(name) { (TEXTS.get(lang, label)) }
            input id=(name) name=(name) type=(kind) autocomplete="off" autofocus[first] maxlength="200";
            @if let Some(help) = help { p.help { (TEXTS.get(lang, help)) } }
        }
    }
}

fn area(lang: Lang, areas: &[tree::Area]) -> Markup {
    // By code, so that what lies in a community stands under it.
    let indent = |level: Level| match level {
        Level::Street | Level::Community => "",
        Level::Compound => "\u{3000}",
        _ => "\u{3000}\u{3000}",
    };
    html! {
        div.field {
            label for="area_code" { (TEXTS.get(lang, "field-area")) }
            select #area_code name="area_code" required {
                option value="" { (TEXTS.get(lang, "choose")) }
                @for a in areas {
                    option value=(a.code) {
                        (indent(a.level)) (a.name_en.as_deref().filter(|_| lang == Lang::En).unwrap_or(&a.name_zh))
                    }
                }
            }
            p.help { (TEXTS.get(lang, "help-area")) }
        }
    }
}

fn category(lang: Lang) -> Markup {
    html! {
        div.field {
            label for="category" { (TEXTS.get(lang, "field-category")) }
            select #category name="category" required {
                option value="" { (TEXTS.get(lang, "choose")) }
                @for c in Category::ALL { option value=(c.as_str()) { (lang.pick(c.zh(), c.en())) } }
            }
        }
    }
}

fn urgency(lang: Lang) -> Markup {
    html! {
        fieldset.field {
            legend { (TEXTS.get(lang, "field-urgency")) }
            @for u in Urgency::ALL.iter().rev() {
                label.choice {
                    input type="radio" name="urgency" value=(u.as_str()) checked[*u == Urgency::Normal];
                    (lang.pick(u.zh(), u.en()))
                }
            }
        }
    }
}

pub(super) async fn import(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    draw_import(&app, &ctx).map_or_else(Problem::into_response, maud::Markup::into_response)
}

fn draw_import(app: &App, ctx: &Ctx) -> Result<Markup, Problem> {
    require(ctx, Action::Import)?;
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let body = html! {
        p { a href="/requests" { "← " (t("request-back")) } }
        h1 { (t("import-title")) }
        p { (t("import-help")) }
        p.faint { (t("import-columns")) }
        form #import.card {
            div.field {
                label for="file" { (t("import-file")) }
                input #file type="file" name="file" accept=".csv,text/csv" required;
            }
            div.field {
                label for="source" { (t("import-source")) }
                input #source name="source" value="csv" required maxlength="100" autocomplete="off";
                p.help { (t("import-source-help")) }
            }
            div.toolbar {
                button.button.primary type="submit" value="dry" { (t("import-dry")) }
                button.button type="submit" value="real" { (t("import-real")) }
            }
        }
        section #result tabindex="-1" aria-live="polite" hidden
            data-busy=(t("import-busy")) data-dry=(t("import-dry-result")) data-real=(t("import-real-result"))
            data-total=(t("import-total")) data-created=(t("import-created")) data-updated=(t("import-updated"))
            data-unchanged=(t("import-unchanged")) data-failed=(t("import-failed")) data-other=(t("import-other"))
            data-errors=(t("import-errors")) data-more=(t("import-more")) data-row=(t("import-row"))
            data-column=(t("import-column")) data-reason=(t("import-reason")) data-value=(t("import-value")) {}
    };
    let scripts = ["/static/form.js", "/static/import.js"];
    Ok(app.deps.frame.page(lang, &t("import-title"), Some(&ctx.actor), "/requests", &scripts, &body))
}
