//! The import of areas: a rehearsal, what would happen, and the real run.

use axum::extract::State as AppState;
use maud::{Markup, html};
use sanbao_platform::http::PageCtx;
use sanbao_platform::page::{IMPORT_SCRIPTS, Import};
use sanbao_platform::problem::Problem;

use super::{SAMPLE, t};
use crate::App;
use crate::policy::{self, Action, relation};

pub(super) async fn import(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Result<Markup, Problem> {
    policy::allows(&ctx.actor, Action::AreaEdit, relation(!ctx.actor.areas.is_empty())).require()?;
    let lang = ctx.lang;
    let t = |key: &str| t(lang, key);
    let facts = [
        ("total", "import-total"),
        ("created", "areas-import-created"),
        ("updated", "areas-import-updated"),
        ("moved", "areas-import-moved"),
        ("unchanged", "import-unchanged"),
        ("failed", "import-failed"),
        ("skipped", "import-skipped"),
    ];
    let facts = facts.map(|(name, key)| (name, t(key)));
    let body = html! {
        p { a href="/areas" { "← " (t("areas-title")) } }
        h1 { (t("areas-import-title")) }
        p { (t("areas-import-help")) }
        p.faint { (t("areas-import-columns")) }
        (Import { path: "/v1/imports/areas", uploads: None, source: None, sample: Some(SAMPLE), facts: &facts }.draw(lang))
    };
    Ok(app.deps.frame.page(lang, &t("areas-import-title"), Some(&ctx.actor), "/areas", &IMPORT_SCRIPTS, &body))
}
