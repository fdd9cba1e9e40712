//! The form of an import, and whether somebody may open a form at all.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::page::{IMPORT_SCRIPTS, Import};
use sanbao_platform::problem::Problem;

use super::list::may;
use crate::App;
use crate::policy::{self, Action, Relation};
use crate::texts::TEXTS;

/// Refuses as the API does: 403 to a person who could if the request were theirs, 404 to all others.
pub(super) fn require(ctx: &Ctx, action: Action) -> Result<(), Problem> {
    let relation = if may(ctx, action) { Relation::InScope } else { Relation::Outside };
    policy::allows(&ctx.actor, action, relation).require()
}

pub(super) async fn import(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    draw_import(&app, &ctx).map_or_else(Problem::into_response, maud::Markup::into_response)
}

fn draw_import(app: &App, ctx: &Ctx) -> Result<Markup, Problem> {
    require(ctx, Action::Import)?;
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let facts = ["total", "created", "updated", "unchanged", "ended", "failed", "other"];
    let facts = facts.map(|name| (name, t(&format!("import-{name}"))));
    let body = html! {
        p { a href="/requests" { "← " (t("request-back")) } }
        h1 { (t("import-title")) }
        p { (t("import-help")) }
        p.faint { (t("import-columns")) }
        (Import { path: "/v1/imports", source: Some("csv"), sample: None, facts: &facts }.draw(lang))
    };
    Ok(app.deps.frame.page(lang, &t("import-title"), Some(&ctx.actor), "/requests", &IMPORT_SCRIPTS, &body))
}
