//! The import of areas: a rehearsal, what would happen, and the real run.

use axum::extract::State as AppState;
use maud::{Markup, html};
use sanbao_platform::http::PageCtx;
use sanbao_platform::page::{self, Tone};
use sanbao_platform::problem::Problem;

use super::{SAMPLE, t};
use crate::App;
use crate::policy::{self, Action, relation};

pub(super) async fn import(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Result<Markup, Problem> {
    policy::allows(&ctx.actor, Action::AreaEdit, relation(!ctx.actor.areas.is_empty())).require()?;
    let lang = ctx.lang;
    let t = |key: &str| t(lang, key);
    let body = html! {
        p { a href="/areas" { "← " (t("areas-title")) } }
        h1 { (t("areas-import-title")) }
        p { (t("areas-import-help")) }
        p.faint { (t("areas-import-columns")) }
        p { a href=(SAMPLE) download { (t("areas-import-sample")) } }
        form #import.card method="post" data-import="/v1/imports/areas" {
            noscript { (page::notice(Tone::Warn, &t("needs-script"))) }
            div.field {
                label for="file" { (t("import-file")) }
                input #file type="file" name="file" accept=".csv,text/csv" required;
            }
            div.toolbar {
                button.button.primary type="submit" value="dry" { (t("import-dry")) }
                button.button type="submit" value="real" { (t("import-real")) }
            }
        }
        section #result tabindex="-1" aria-live="polite" hidden data-facts="total created updated moved unchanged failed"
            data-busy=(t("import-busy")) data-dry=(t("import-dry-result")) data-real=(t("import-real-result"))
            data-total=(t("import-total")) data-created=(t("areas-import-created")) data-updated=(t("areas-import-updated"))
            data-moved=(t("areas-import-moved")) data-unchanged=(t("import-unchanged")) data-failed=(t("import-failed"))
            data-errors=(t("import-errors")) data-more=(t("import-more")) data-row=(t("import-row"))
            data-column=(t("import-column")) data-reason=(t("import-reason")) data-value=(t("import-value")) {}
    };
    let scripts = ["/static/form.js", "/static/needs-analysis/import.js"];
    Ok(app.deps.frame.page(lang, &t("areas-import-title"), Some(&ctx.actor), "/areas", &scripts, &body))
}
