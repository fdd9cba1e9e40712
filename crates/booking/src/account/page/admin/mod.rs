//! The administrator's page: what is still missing, an organisation's accounts, rooms and devices, and the network of an office.

mod account;
mod areas;
mod check;
mod devices;
mod dual;
mod offers;
mod organisation;
mod people;
mod rooms;

use axum::extract::{Query, State as AppState};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Deserialize;

pub(super) use self::account::page as account_page;
pub(crate) use self::areas::Areas;
pub(super) use self::organisation::{FILE, page as organisation_page};
use super::{TEXTS, end};
use crate::App;
use crate::account::location;
use crate::account::organisation::{self as organisations, OrganisationKind, OrganisationStance, OrganisationState};
use crate::account::policy::AccountAction;

/// Whose accounts: one's own organisation's when nothing is said.
#[derive(Deserialize)]
pub(in crate::account::page) struct AccountsQuery {
    organisation: Option<OrganisationId>,
}

pub(super) async fn administration(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(which): Query<AccountsQuery>,
) -> Response {
    match draw(&app, &ctx, which.organisation.unwrap_or(ctx.actor.organisation)).await {
        Ok(page) => page.into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn draw(app: &App, ctx: &Ctx, which: OrganisationId) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    // The maker of an organisation that runs itself sees it, and not its accounts.
    let itself = which == ctx.actor.organisation;
    let least = if itself { AccountAction::AccountRead } else { AccountAction::OrganisationRead };
    let own = organisations::load(&mut conn, ctx, which, least).await?;
    let stance = OrganisationStance::of(&mut conn, ctx, &own).await?;
    let allowed = |action| stance.allows(ctx, action) == Decision::Allow;
    let lang = ctx.lang;
    let missing = if itself { check::part(&mut conn, ctx, &own).await? } else { Markup::default() };
    let people = if allowed(AccountAction::AccountRead) {
        people::part(&mut conn, ctx, &own).await?
    } else {
        html! { p { (TEXTS.get(lang, "admin-runs-itself")) } }
    };
    let rooms = if rooms::has_rooms(own.kind) && allowed(AccountAction::LocationUpdate) {
        rooms::part(lang, &own, &location::list(&mut conn, own.id).await?)
    } else {
        Markup::default()
    };
    let devices = if rooms::has_rooms(own.kind) && allowed(AccountAction::LocationUpdate) {
        devices::part(&mut conn, lang, &own).await?
    } else {
        Markup::default()
    };
    let network = if itself && own.kind == OrganisationKind::StreetOffice {
        organisation::network(&mut conn, ctx, &own).await?
    } else {
        Markup::default()
    };
    let end = end::part(&mut conn, ctx, &own).await?;
    let title = TEXTS.get(lang, "admin-title");
    let body = html! {
        h1 { (title) }
        p.faint {
            (lang.pick(&own.name_zh, &own.name_en)) " " (end::state(lang, &own)) " "
            @if own.state == OrganisationState::Open && allowed(AccountAction::OrganisationUpdate) {
                a href=(format!("/admin/organisations/{}", own.id)) { (TEXTS.get(lang, "organisation-edit")) }
            }
        }
        (missing)
        (people)
        (rooms)
        (devices)
        (end)
        @if !itself { p { a href="/admin" { (TEXTS.get(lang, "back")) } } }
        (network)
    };
    let scripts = ["/static/send.js", "/static/booking/account-link.js", organisation::SCRIPT];
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/admin", &scripts, &body))
}
