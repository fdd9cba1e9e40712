//! The JSON API of consults: one file per subject, each handler a short way from request to view.

mod answer;
mod consent;
mod doctors;
mod guest;
mod hours;
mod invite;
mod meeting;
mod opinion;
mod read;
mod schedule;
mod ticket;
pub mod view;

pub(crate) use read::side;
pub use schedule::{DELAY_MINUTES_MAX, HOLDER};
pub(super) use schedule::{SlotQuery, slots_for};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, ETag, Json};
use sanbao_platform::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::id::ConsultId;
use super::model::Consult;
use super::policy::Action;
use super::store;
use crate::App;

/// All of them.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read::list, invite::create))
        .routes(routes!(read::detail, invite::revise))
        .routes(routes!(invite::submit))
        .routes(routes!(answer::accept))
        .routes(routes!(answer::give_back))
        .routes(routes!(answer::reject))
        .routes(routes!(schedule::schedule))
        .routes(routes!(schedule::reschedule))
        .routes(routes!(schedule::slots))
        .routes(routes!(schedule::delay))
        .routes(routes!(schedule::cancel))
        .routes(routes!(schedule::no_show))
        .routes(routes!(consent::list, consent::record))
        .routes(routes!(consent::withdraw))
        .routes(routes!(ticket::ticket))
        .routes(routes!(ticket::holders))
        .routes(routes!(ticket::revoke))
        .routes(routes!(meeting::meeting))
        .routes(routes!(guest::list, guest::create))
        .routes(routes!(guest::revoke))
        .routes(routes!(guest::resend))
        .routes(routes!(guest::ticket))
        .routes(routes!(opinion::finish))
        .routes(routes!(opinion::read, opinion::save))
        .routes(routes!(opinion::sign))
        .routes(routes!(opinion::adopt))
        .routes(routes!(opinion::archive))
        .routes(routes!(doctors::list))
        .routes(routes!(doctors::register))
        .routes(routes!(doctors::slots))
        .routes(routes!(hours::read, hours::replace))
        .routes(routes!(hours::add_exception))
        .routes(routes!(hours::remove_exception))
}

/// The consult, if the actor may do `action` with it: 404, 403 or the consult.
pub(super) async fn load(conn: &mut Conn, ctx: &Ctx, id: ConsultId, action: Action) -> Result<Consult, Problem> {
    let consult = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
    let specialty = store::specialty_of(conn, &ctx.actor).await?;
    consult.require(&ctx.actor, specialty.as_deref(), action)?;
    Ok(consult)
}

/// The consult as the actor sees it now.
pub(super) async fn seen(conn: &mut Conn, ctx: &Ctx, id: ConsultId) -> Result<view::ConsultView, Problem> {
    let consult = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
    let specialty = store::specialty_of(conn, &ctx.actor).await?;
    let history = super::journal::history(conn, id).await?;
    Ok(view::ConsultView::of(&consult, &ctx.actor, specialty.as_deref(), history))
}

/// Commits and answers with the consult as it is now.
async fn answered(mut tx: Tx, ctx: &Ctx, id: ConsultId) -> Result<Response, Problem> {
    let view = seen(&mut tx, ctx, id).await?;
    tx.commit().await?;
    Ok((StatusCode::OK, ETag(view.version), Json(view)).into_response())
}

/// 409 for what the consult's state does not allow, naming what would be legal.
pub(super) fn refused(consult: &Consult, action: &'static str) -> Problem {
    super::state::InvalidTransition { from: consult.state.name(), action }.into()
}
