//! The page of one account: its name, its roles and its areas are changed there.

use axum::extract::{Path, Query, State as AppState};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::page::{Send, Words, empty, form, press};
use sanbao_platform::problem::Problem;

use super::super::TEXTS;
use super::AccountsQuery;
use super::areas::Areas;
use super::people::{accounts_of, member_fields, person_fields};
use crate::App;
use crate::account::id::AccountId;
use crate::account::me;
use crate::account::member;
use crate::account::organisation;
use crate::account::policy::AccountAction;
use crate::account::session::{self, LogInView};
use crate::role::CAREGIVER;

pub(in crate::account::page) async fn page(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    Query(place): Query<AccountsQuery>,
) -> Response {
    let drawn = match place.organisation {
        Some(organisation) => draw_guest(&app, &ctx, organisation, id).await,
        None => draw(&app, &ctx, id).await,
    };
    drawn.map_or_else(Problem::into_response, Markup::into_response)
}

/// The page of an account that began elsewhere: what it is in this organisation.
async fn draw_guest(app: &App, ctx: &Ctx, organisation: OrganisationId, id: AccountId) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let which = (organisation, id);
    let (own, account, membership) = member::load_in(&mut conn, ctx, which, AccountAction::AccountUpdate).await?;
    let areas = Areas::of(&mut conn, &own, own.day(ctx.now())).await?;
    let lang = ctx.lang;
    let fields = html! {
        (member_fields(lang, &own, &areas, (&membership.roles, &membership.areas)))
        button.button.primary type="submit" { (TEXTS.get(lang, "account-save")) }
    };
    let (call, then) = (format!("PATCH /v1/organisations/{organisation}/members/{id}"), accounts_of(own.id));
    let send = Send { then: Some(&then), ..Send::step(&call, account.version) };
    let title = TEXTS.with(lang, "account-title", &[("name", &account.display_name)]);
    let body = html! {
        h1 { (title) }
        p.faint { (lang.pick(&own.name_zh, &own.name_en)) " · " (TEXTS.get(lang, "login-name")) " " (account.login) }
        p { (TEXTS.get(lang, "guest-what")) }
        (form(lang, None, "stack", send, &fields))
        p { a href=(then) { (TEXTS.get(lang, "back")) } }
    };
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/admin", &["/static/send.js"], &body))
}

async fn draw(app: &App, ctx: &Ctx, id: AccountId) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let (account, membership) = member::load(&mut conn, ctx, id, AccountAction::AccountUpdate).await?;
    let own = organisation::find(&mut conn, membership.organisation).await?.ok_or_else(Problem::not_found)?;
    let areas = Areas::of(&mut conn, &own, own.day(ctx.now())).await?;
    let log_ins = session::list_of(&mut conn, ctx, id).await?;
    let words = Words::new(&TEXTS, ctx.lang, own.zone());
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
        @if own.id == ctx.actor.organisation && membership.roles.iter().any(|role| role == CAREGIVER) {
            p { a href=(format!("/caregivers/{id}")) { (t("account-caregiver")) } }
        }
        (log_ins_of(words, id, &log_ins))
        p { a href=(then) { (t("back")) } }
    };
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/admin", &["/static/send.js"], &body))
}

/// Where the account is logged in, each with the button that ends it.
fn log_ins_of(words: Words, account: AccountId, log_ins: &[LogInView]) -> Markup {
    let end = |log_in: &LogInView| format!("DELETE /v1/accounts/{account}/sessions/{}", log_in.id);
    let (all, ask) = (format!("DELETE /v1/accounts/{account}/sessions"), words.t("account-ask-end-all"));
    let send = Send { confirm: Some(&ask), ..Send::to(&all) };
    html! {
        section.card #log-ins aria-labelledby="log-ins-title" {
            h2 #log-ins-title { (words.t("me-log-ins")) }
            @if log_ins.is_empty() { (empty(&words.t("account-no-log-ins"), None)) }
            @else {
                ul.plain-list { @for log_in in log_ins { (me::log_in_line(words, log_in, Some(&end(log_in)))) } }
                (press("end-all", "button", send, &words.t("account-end-all")))
            }
        }
    }
}
