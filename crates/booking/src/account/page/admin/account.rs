//! The page of one account: its name, its roles and its areas are changed there.

use axum::extract::{Path, State as AppState};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::page::{Send, form};
use sanbao_platform::problem::Problem;

use super::super::TEXTS;
use super::areas::Areas;
use super::people::{accounts_of, person_fields};
use crate::App;
use crate::account::id::AccountId;
use crate::account::member;
use crate::account::organisation;
use crate::account::policy::AccountAction;

pub(in crate::account::page) async fn page(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
) -> Response {
    draw(&app, &ctx, id).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, id: AccountId) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let (account, membership) = member::load(&mut conn, ctx, id, AccountAction::AccountUpdate).await?;
    let own = organisation::find(&mut conn, membership.organisation).await?.ok_or_else(Problem::not_found)?;
    let areas = Areas::of(&mut conn, &own, own.day(ctx.now())).await?;
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let fields = html! {
        (person_fields(lang, &own, &areas, Some((&account, &membership))))
        button.button.primary type="submit" { (t("account-save")) }
    };
    let (call, then) = (format!("PATCH /v1/accounts/{id}"), accounts_of(own.id));
    let send = Send { then: Some(&then), ..Send::step(&call, account.version) };
    let title = TEXTS.with(lang, "account-title", &[("name", &account.display_name)]);
    let body = html! {
        h1 { (title) }
        p.faint { (lang.pick(&own.name_zh, &own.name_en)) " · " (t("login-name")) " " (account.login) }
        p { (t("account-what")) }
        (form(lang, None, "stack", send, &fields))
        p { a href=(then) { (t("back")) } }
    };
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/admin", &["/static/send.js"], &body))
}
