//! `/v1/consult-drafts`.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Page, Path};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::input::DraftParts;
use super::view::{ConsultDraftKept, ConsultDraftView};
use super::{steps, store};
use crate::App;
use crate::consult::id::ConsultDraftId;
use crate::consult::policy::may_invite;
use crate::role;

/// The caller's drafts, all of them, the last changed first.
#[utoipa::path(get, path = "/v1/consult-drafts", tag = "consults",
    description = "Permission: care staff, their own alone. Audited.",
    responses((status = 200, body = Page<ConsultDraftView>), (status = 403)))]
pub async fn list(ctx: Ctx, AppState(app): AppState<App>) -> Result<Json<Page<ConsultDraftView>>, Problem> {
    Decision::over(role::held(&ctx.actor), may_invite).require()?;
    let mut conn = app.deps.db.read().await?;
    let drafts = store::mine(&mut conn, &ctx, &app.deps.fields, None).await?;
    let items = drafts.iter().map(|draft| ConsultDraftView::of(draft, &ctx.shows)).collect();
    Ok(Json(Page { items, next: None }))
}

/// A draft, as far as it is written.
#[utoipa::path(get, path = "/v1/consult-drafts/{id}", tag = "consults", params(("id" = ConsultDraftId, Path)),
    description = "Permission: care staff, the account that writes it. Audited.",
    responses((status = 200, body = ConsultDraftView), (status = 403), (status = 404, description = "not the caller's, or over")))]
pub async fn read(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<ConsultDraftId>,
) -> Result<(ETag, Json<ConsultDraftView>), Problem> {
    Decision::over(role::held(&ctx.actor), may_invite).require()?;
    let mut conn = app.deps.db.read().await?;
    let draft = steps::find(&mut conn, &ctx, &app.deps.fields, id).await?;
    let view = ConsultDraftView::of(&draft, &ctx.shows);
    Ok((ETag(view.version), Json(view)))
}

/// Keeps an invitation that is being written, whatever is missing in it, under an id that the caller has made up. It ends when
/// an invitation names it as its `draft_id`, or by itself fourteen days after the last change.
#[utoipa::path(put, path = "/v1/consult-drafts/{id}", tag = "consults", params(("id" = ConsultDraftId, Path)), request_body = DraftParts,
    description = "Permission: care staff; one that is there, the account that writes it. Over an existing one `If-Match` is needed. Twenty for each account, three hundred for each organisation. Audited.",
    responses((status = 200, body = ConsultDraftKept), (status = 403), (status = 404, description = "somebody else's"),
        (status = 409, description = "too-many-drafts"), (status = 412, description = "changed or ended meanwhile"), (status = 422)))]
pub async fn save(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<ConsultDraftId>,
    read: IfMatch,
    Json(parts): Json<DraftParts>,
) -> Result<(ETag, Json<ConsultDraftKept>), Problem> {
    Decision::over(role::held(&ctx.actor), may_invite).require()?;
    let mut tx = app.deps.db.begin().await?;
    let kept = steps::save(&mut tx, &ctx, &app.deps.fields, (id, &read), parts).await?;
    tx.commit().await?;
    Ok((ETag(kept.version), Json(kept)))
}

/// Discards a draft.
#[utoipa::path(delete, path = "/v1/consult-drafts/{id}", tag = "consults", params(("id" = ConsultDraftId, Path)),
    description = "Permission: the account that writes it. Audited.",
    responses((status = 204), (status = 404, description = "not the caller's, or over")))]
pub async fn discard(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<ConsultDraftId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    steps::discard(&mut tx, &ctx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
