//! The family's links, and their way from link to ticket.
//!
//! The answer that makes a link holds a secret, so what an `Idempotency-Key` keeps of it is sealed.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::audit::{self, Personal};
use sanbao_platform::http::{Ctx, Idempotency, Json, Path, Visitor};
use sanbao_platform::problem::{CONFLICT, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::ticket::TicketView;
use crate::App;
use crate::consult::guest::{self, GuestLink, GuestView, LINKS_MAX, NewGuest, TOKEN_BYTES_MAX};
use crate::consult::id::{ConsultId, GuestId};
use crate::consult::policy::ConsultAction;
use crate::consult::store;
use crate::consult::ticket::{self as room, Entrant};
use crate::consult::view::refused;

/// All links of a consult, without their secrets (care staff).
#[utoipa::path(get, path = "/v1/consults/{id}/guest-links", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = Vec<GuestView>), (status = 403), (status = 404)))]
pub async fn list(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
) -> Result<Json<Vec<GuestView>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let consult = store::load(&mut conn, &ctx, id, ConsultAction::InviteGuest).await?;
    Ok(Json(guest::list(&mut conn, id).await?.shown(&ctx.shows, &consult)))
}

/// Makes a link for a family member (care staff).
#[utoipa::path(post, path = "/v1/consults/{id}/guest-links", tag = "consults", params(("id" = ConsultId, Path)), request_body = NewGuest,
    responses((status = 201, body = GuestLink), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn create(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    key: Idempotency,
    Json(body): Json<NewGuest>,
) -> Result<Response, Problem> {
    let (mut tx, what) = (app.deps.db.begin().await?, format!("consult.guest_link {id}"));
    store::hold_consult(&mut tx, id).await?;
    let consult = store::load(&mut tx, &ctx, id, ConsultAction::InviteGuest).await?;
    let new = body.checked()?;
    if let Some(replay) = key.begin_sealed(&mut tx, &ctx, &app.deps.fields, &what, &new).await? {
        return Ok(replay);
    }
    if consult.state.is_final() {
        return Err(refused(&mut tx, &ctx, &consult, "guest_link").await?);
    }
    if guest::count(&mut tx, id).await? >= LINKS_MAX {
        return Err(Problem::new(&CONFLICT).detail("最多 20 个家属链接", "At most 20 links stand at a time"));
    }
    let link = guest::insert(&mut tx, &consult, ctx.actor.subject.into(), ctx.now(), &new, None).await?;
    audit::record(&mut tx, &ctx, "consult.guest_link", "consult", id).await?;
    let response = key.finish_sealed(&mut tx, &ctx, &app.deps.fields, StatusCode::CREATED, &link).await?;
    tx.commit().await?;
    Ok(response)
}

/// Revokes a link: nobody enters by it any more (care staff).
#[utoipa::path(delete, path = "/v1/consults/{id}/guest-links/{link}", tag = "consults",
    params(("id" = ConsultId, Path), ("link" = GuestId, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
pub async fn revoke(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path((id, link)): Path<(ConsultId, GuestId)>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    store::load(&mut tx, &ctx, id, ConsultAction::InviteGuest).await?;
    let link = guest::find(&mut tx, id, link).await?.map(Personal::into_unseen);
    let link = link.filter(|link| link.revoked_at.is_none()).ok_or_else(Problem::not_found)?;
    guest::revoke(&mut tx, id, link.person, (ctx.actor.subject.into(), ctx.now())).await?;
    audit::record(&mut tx, &ctx, "consult.guest_link.revoke", "consult", id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a fresh link for the same person; the one that stands ends (care staff). 404 where none stands.
#[utoipa::path(post, path = "/v1/consults/{id}/guest-links/{link}/resend", tag = "consults",
    params(("id" = ConsultId, Path), ("link" = GuestId, Path)),
    responses((status = 201, body = GuestLink), (status = 403), (status = 404), (status = 409)))]
pub async fn resend(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path((id, link)): Path<(ConsultId, GuestId)>,
    key: Idempotency,
) -> Result<Response, Problem> {
    let (mut tx, what) = (app.deps.db.begin().await?, format!("consult.guest_link.resend {id}"));
    store::hold_consult(&mut tx, id).await?;
    let consult = store::load(&mut tx, &ctx, id, ConsultAction::InviteGuest).await?;
    if let Some(replay) = key.begin_sealed(&mut tx, &ctx, &app.deps.fields, &what, &link).await? {
        return Ok(replay);
    }
    if consult.state.is_final() {
        return Err(refused(&mut tx, &ctx, &consult, "guest_link").await?);
    }
    let old = guest::find(&mut tx, id, link).await?.ok_or_else(Problem::not_found)?.into_unseen();
    // Links that were taken back, as with another person's consult, come back by a new invitation alone.
    let (by, now) = (ctx.actor.subject.into(), ctx.now());
    if guest::revoke(&mut tx, id, old.person, (by, now)).await? == 0 {
        return Err(Problem::not_found());
    }
    let new = NewGuest { name: old.name, relation: old.relation, role: old.role };
    let link = guest::insert(&mut tx, &consult, by, now, &new, Some(old.person)).await?;
    audit::record(&mut tx, &ctx, "consult.guest_link.resend", "consult", id).await?;
    let response = key.finish_sealed(&mut tx, &ctx, &app.deps.fields, StatusCode::CREATED, &link).await?;
    tx.commit().await?;
    Ok(response)
}

/// The secret of a link.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuestToken {
    /// The token after `#`.
    pub token: String,
}

impl std::fmt::Debug for GuestToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GuestToken(…)")
    }
}

/// A ticket for the lobby (everybody who has a standing link; no log-in). Wrong tries are throttled by address.
#[utoipa::path(post, path = "/v1/guest-tickets", tag = "consults", request_body = GuestToken,
    responses((status = 200, body = TicketView), (status = 404), (status = 409), (status = 429)), security(()))]
pub async fn ticket(
    AppState(app): AppState<App>,
    visitor: Visitor,
    Json(body): Json<GuestToken>,
) -> Result<Json<TicketView>, Problem> {
    let now = app.deps.clock.now();
    let attempt = app.guesses.attempt("guest-link", visitor.address, now)?;
    if body.token.len() > TOKEN_BYTES_MAX {
        return Err(Problem::not_found());
    }
    let mut tx = app.deps.db.begin().await?;
    let found = guest::by_token(&mut tx, now, &body.token).await?;
    let guest = found.ok_or_else(|| {
        Problem::not_found().detail("链接已失效，请向机构再要一个", "The link has ended; ask the care home for another")
    })?;
    attempt.right();
    let consult = store::find(&mut tx, guest.consult_id).await?.ok_or_else(Problem::not_found)?;
    let name = format!("{}（{}）", guest.name, guest.relation);
    let (role, until) = (guest.role.into(), Some(guest.expires_at));
    let entrant = Entrant { subject: guest.person.0, name: &name, organisation: None, role, until, session: None };
    let ticket = room::issue(&mut tx, &app.deps.keys, (now, &visitor.shows), &consult, &entrant).await?;
    let id = Some(guest.consult_id.0);
    audit::record_as(&mut tx, now, None, "consult.guest_ticket", "consult", id, &visitor.request_id, "done").await?;
    tx.commit().await?;
    Ok(Json(TicketView { ticket, summary_url: None }))
}
