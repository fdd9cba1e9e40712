//! The page of the organisations in which one acts: one press goes on in another.

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, LoggedInPage};
use sanbao_platform::page::{Send, Tone, badge, press};
use sanbao_platform::problem::Problem;

use super::{TEXTS, page};
use crate::App;
use crate::account::me::api::{self, OwnOrganisation};
use crate::account::organisation::OrganisationState;

pub(super) async fn show(LoggedInPage(ctx): LoggedInPage, AppState(app): AppState<App>) -> Response {
    draw(&app, &ctx).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx) -> Result<Markup, Problem> {
    let own = api::own_organisations(&mut app.deps.db.read().await?, ctx).await?;
    let body = html! {
        p { (TEXTS.get(ctx.lang, "organisations-what")) }
        ul.plain-list { @for one in &own { (line(ctx, one)) } }
        p.help { (TEXTS.get(ctx.lang, "organisations-more")) }
    };
    Ok(page(app, ctx, "me-organisations", &["/static/send.js"], &body))
}

/// The button by which one leaves an organisation that one does not act for now.
fn leave(ctx: &Ctx, one: &OwnOrganisation) -> Markup {
    let call = format!("DELETE /v1/me/organisations/{}", one.organisation_id);
    let name = ctx.lang.pick(&one.name_zh, &one.name_en);
    let ask = TEXTS.with(ctx.lang, "organisations-ask-leave", &[("name", name)]);
    let send = Send { confirm: Some(&ask), ..Send::to(&call) };
    press(&format!("leave-{}", one.organisation_id), "button", send, &TEXTS.get(ctx.lang, "organisations-leave"))
}

fn line(ctx: &Ctx, one: &OwnOrganisation) -> Markup {
    let t = |key: &str| TEXTS.get(ctx.lang, key);
    let roles: Vec<_> = one.roles.iter().map(|role| t(&format!("role-{role}"))).collect();
    html! {
        li {
            div.spread {
                strong { (ctx.lang.pick(&one.name_zh, &one.name_en)) }
                @if one.current { (badge(Tone::Ok, &t("organisations-current"))) }
                @else if one.state == OrganisationState::Closed { (badge(Tone::Bad, &t("organisation-closed"))) }
                @else {
                    button.button type="button" data-action="switch-organisation" data-organisation=(one.organisation_id) { (t("organisations-switch")) }
                    @if !one.home { (leave(ctx, one)) }
                }
            }
            p.faint {
                (t(&format!("kind-{}", one.kind))) " · " (roles.join(&t("list-join")))
                @if one.home { " · " (t("organisations-home")) }
            }
        }
    }
}
