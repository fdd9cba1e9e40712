//! Writing an invitation.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json};
use sanbao_platform::lifecycle::{self, By};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::consult::asked;
use crate::consult::at_once;
use crate::consult::input::Invitation;
use crate::consult::invitation;
use crate::consult::model::Consult;
use crate::consult::policy;
use crate::consult::view::{ConsultView, seen};

/// Begins a consult (care staff). The time that is asked for is held until the hospital answers, or booked at once where the
/// agreement of the two sides says so, and it is not `stat`; one that is taken is 409
/// `slot-taken`, one without a free room 409 `no-room-free`, both with the nearest free `alternatives`. Every field that is
/// wrong is told in one answer. The draft that it is made from ends with it.
#[utoipa::path(post, path = "/v1/consults", tag = "consults", request_body = Invitation,
    responses((status = 201, body = ConsultView), (status = 403), (status = 409, description = "person-ended, slot-taken, no-room-free or too-many-held"), (status = 422)))]
pub async fn create(
    AppState(app): AppState<App>,
    ctx: Ctx,
    key: Idempotency,
    Json(body): Json<Invitation>,
) -> Result<Response, Problem> {
    Decision::over(crate::role::held(&ctx.actor), policy::may_invite).require()?;
    let mut tx = app.deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, "POST /v1/consults", &body).await? {
        return Ok(replay);
    }
    let (invitation, asked) = invitation::read(&mut tx, &ctx, ctx.actor.organisation, &body).await?;
    let draft = Consult::begun(ctx.now(), &ctx.actor, &invitation, asked);
    let kept = if invitation.submit { asked::keep(&mut tx, &ctx, &draft).await } else { Ok(None) };
    let booked = match kept {
        Ok(booked) => booked,
        Err(problem) => {
            drop(tx);
            return Err(asked::alternatives(&app, &ctx, &draft, problem).await);
        }
    };
    lifecycle::create(&mut tx, &By::Person(&ctx), draft.clone()).await?;
    let id = draft.id;
    if invitation.submit {
        at_once::send(&mut tx, &By::Person(&ctx), draft, booked).await?;
    }
    let view = seen(&mut tx, &ctx, id).await?;
    let tag = ETag(view.version);
    let response = key.finish_tagged(&mut tx, &ctx, StatusCode::CREATED, tag, &view).await?;
    tx.commit().await?;
    Ok(response)
}
