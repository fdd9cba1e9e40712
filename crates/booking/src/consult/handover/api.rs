//! `/v1/shift-handovers`.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::http::{Ctx, ETag, Idempotency, IfMatch, Json, Page, Paging, Path, Query};
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::policy::HandoverAction;
use super::view::{ShiftHandoverLine, ShiftHandoverView};
use super::{side_of, steps, store};
use crate::App;
use crate::consult::id::ShiftHandoverId;

/// The words of the one who goes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"words": "心内科来电：下午的会诊可能提前，请留意电话"}))]
pub struct NewShiftHandover {
    /// Whatever the next one has to know beside the list; up to 1000 characters.
    #[serde(default)]
    pub words: String,
}

/// The bounds of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ShiftHandoverQuery {
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u32>,
}

/// The hand-overs of the caller's side, the newest first.
#[utoipa::path(get, path = "/v1/shift-handovers", tag = "consults", params(ShiftHandoverQuery),
    description = "Permission: care staff, of their care home; a hospital's administrators, of its desk.",
    responses((status = 200, body = Page<ShiftHandoverLine>), (status = 403), (status = 422)))]
pub async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(query): Query<ShiftHandoverQuery>,
) -> Result<Json<Page<ShiftHandoverLine>>, Problem> {
    let side = side_of(&ctx.actor)?;
    let paging = Paging { after: query.after, limit: query.limit };
    let (limit, before) = (paging.limit()?, paging.after()?);
    let rows = store::list(&mut app.deps.db.read().await?, &ctx, side, before, limit + 1).await?;
    let page = Page::of(rows, limit, |handover| (handover.signed_at, handover.id));
    Ok(Json(page.map(|handover| ShiftHandoverLine::of(&handover, &ctx))))
}

/// A hand-over with the consults on it, as they stood when it was signed.
#[utoipa::path(get, path = "/v1/shift-handovers/{id}", tag = "consults", params(("id" = ShiftHandoverId, Path)),
    description = "Permission: as for the list. Audited.",
    responses((status = 200, body = ShiftHandoverView), (status = 404)))]
pub async fn detail(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<ShiftHandoverId>,
) -> Result<(ETag, Json<ShiftHandoverView>), Problem> {
    let mut conn = app.deps.db.read().await?;
    let handover = store::load(&mut conn, &ctx, id, HandoverAction::Read).await?;
    Ok((ETag(handover.version()), Json(ShiftHandoverView::of(&mut conn, &ctx, &handover).await?)))
}

/// Hands the shift over: signs what is open now as the caller's own account of it, with words for the next one. Nothing of it
/// changes afterwards.
#[utoipa::path(post, path = "/v1/shift-handovers", tag = "consults", request_body = NewShiftHandover,
    description = "Permission: care staff, of their care home; a hospital's administrators, of its desk. Takes Idempotency-Key, and If-Match with the version of what the page of hand-overs shows. Audited.",
    responses((status = 201, body = ShiftHandoverLine), (status = 403), (status = 412, description = "something has changed meanwhile"),
        (status = 422)))]
pub async fn sign(
    ctx: Ctx,
    AppState(app): AppState<App>,
    key: Idempotency,
    seen: IfMatch,
    Json(body): Json<NewShiftHandover>,
) -> Result<Response, Problem> {
    side_of(&ctx.actor)?;
    let mut tx = app.deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, "POST /v1/shift-handovers", &body).await? {
        return Ok(replay);
    }
    let handover = steps::sign(&mut tx, &ctx, &seen, &body.words).await?;
    let line = ShiftHandoverLine::of(&handover, &ctx);
    let response = key.finish_tagged(&mut tx, &ctx, StatusCode::CREATED, ETag(handover.version()), &line).await?;
    tx.commit().await?;
    Ok(response)
}

/// Takes the shift over: signs that the caller has read it. It is done once, and never by the account that has written it.
#[utoipa::path(post, path = "/v1/shift-handovers/{id}/take", tag = "consults", params(("id" = ShiftHandoverId, Path)),
    description = "Permission: as for the list, but for the account that has written it. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = ShiftHandoverLine), (status = 403, description = "one's own"), (status = 404),
        (status = 409, description = "taken over already"), (status = 412)))]
pub async fn take(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<ShiftHandoverId>,
    key: Idempotency,
    read: IfMatch,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let handover = store::load(&mut tx, &ctx, id, HandoverAction::Take).await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, &format!("shift_handover.take {id}"), &()).await? {
        return Ok(replay);
    }
    read.check(handover.version())?;
    let taken = steps::take(&mut tx, &ctx, &handover).await?;
    let line = ShiftHandoverLine::of(&taken, &ctx);
    let response = key.finish_tagged(&mut tx, &ctx, StatusCode::OK, ETag(taken.version()), &line).await?;
    tx.commit().await?;
    Ok(response)
}
