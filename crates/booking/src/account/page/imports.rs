//! Files of residents or elders, and of staff: a rehearsal, what would happen, and the real run.

use axum::extract::{Query, State as AppState};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, StaticFile};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::page::{IMPORT_SCRIPTS, Import};
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::TEXTS;
use crate::App;
use crate::account::member::import::ACCOUNT_ROWS_MAX;
use crate::account::organisation;
use crate::account::person::import::PERSON_ROWS_MAX;
use crate::account::person::may_register;
use crate::account::policy::AccountAction;

const CSV: &str = "text/csv; charset=utf-8";
const PERSONS_SAMPLE: &str = "/static/booking/persons-sample.csv";
const ACCOUNTS_SAMPLE: &str = "/static/booking/accounts-sample.csv";
/// The files to fill in.
pub(super) const FILES: [StaticFile; 2] = [
    (PERSONS_SAMPLE, CSV, include_bytes!("../../../assets/persons-sample.csv")),
    (ACCOUNTS_SAMPLE, CSV, include_bytes!("../../../assets/accounts-sample.csv")),
];

/// Whose accounts: one's own organisation's when nothing is said.
#[derive(Deserialize)]
pub(super) struct ImportQuery {
    organisation: Option<OrganisationId>,
}

pub(super) async fn persons(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    draw_persons(&app, &ctx).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw_persons(app: &App, ctx: &Ctx) -> Result<Markup, Problem> {
    let own = organisation::own(&mut app.deps.db.read().await?, ctx).await?;
    may_register(ctx, &own)?;
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let most = PERSON_ROWS_MAX.to_string();
    let names = ["total", "created", "updated", "unchanged", "same", "ended", "failed", "perhaps_same"];
    let facts = names.map(|name| (name, t(&format!("persons-import-{}", name.replace('_', "-")))));
    let part = Import {
        path: "/v1/person-imports",
        uploads: None,
        source: Some("file"),
        sample: Some(PERSONS_SAMPLE),
        facts: &facts,
    };
    let body = html! {
        h1 { (t("persons-import-title")) }
        p { (t("persons-import-help")) }
        p.faint { (TEXTS.with(lang, "persons-import-columns", &[("most", &most)])) }
        (part.draw(lang))
        p { a href="/persons/pairs" { (t("pairs-title")) } }
    };
    Ok(app.deps.frame.page(lang, &t("persons-import-title"), Some(&ctx.actor), "/persons", &IMPORT_SCRIPTS, &body))
}

pub(super) async fn accounts(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(q): Query<ImportQuery>,
) -> Response {
    let which = q.organisation.unwrap_or(ctx.actor.organisation);
    draw_accounts(&app, &ctx, which).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw_accounts(app: &App, ctx: &Ctx, which: OrganisationId) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let own = organisation::load(&mut conn, ctx, which, AccountAction::AccountCreate).await?;
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let roles: Vec<String> = own.kind.roles().iter().map(|role| t(&format!("role-{role}"))).collect();
    let told = [("most", ACCOUNT_ROWS_MAX.to_string()), ("roles", roles.join(&t("list-join")))];
    let told = told.each_ref().map(|(name, value)| (*name, value.as_str()));
    let facts = ["total", "created", "doctors", "unchanged", "failed"];
    let facts = facts.map(|name| (name, t(&format!("accounts-import-{name}"))));
    let path = format!("/v1/organisations/{}/account-imports", own.id);
    let part = Import { path: &path, uploads: None, source: None, sample: Some(ACCOUNTS_SAMPLE), facts: &facts };
    let back = sanbao_platform::page::address("/admin", &[("organisation", Some(&own.id.to_string()))]);
    let body = html! {
        p { a href=(back) { "← " (t("admin-title")) } }
        h1 { (t("accounts-import-title")) }
        p.faint { (lang.pick(&own.name_zh, &own.name_en)) }
        p { (t("accounts-import-help")) }
        p.faint { (TEXTS.with(lang, "accounts-import-columns", &told)) }
        (part.draw(lang))
    };
    Ok(app.deps.frame.page(lang, &t("accounts-import-title"), Some(&ctx.actor), "/admin", &IMPORT_SCRIPTS, &body))
}
