//! An area's names, corrected.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::http::{Ctx, ETag, Json, Path};
use sanbao_platform::lifecycle::Guard;
use sanbao_platform::problem::Problem;

use super::api::{audited, detail};
use super::id::AreaCode;
use super::input::AreaNames;
use super::model::Area;
use super::store;
use super::view::AreaDetail;
use crate::policy::{self, Action, relation};
use crate::{App, local_day};

/// Gives an area other names; its code stays. Both names are as in the body.
#[utoipa::path(patch, path = "/v1/areas/{code}", tag = "areas", params(("code" = String, Path)),
    request_body = AreaNames, description = "Permission: administrators of a street office, within their areas. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = AreaDetail), (status = 401), (status = 403), (status = 404),
    (status = 412), (status = 422)))]
pub(super) async fn rename(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(code): Path<AreaCode>,
    guard: Guard,
    Json(body): Json<AreaNames>,
) -> Result<Response, Problem> {
    let today = local_day(ctx.now());
    let mut tx = app.deps.db.begin().await?;
    let area = store::find(&mut tx, &code).await?.ok_or_else(Problem::not_found)?;
    let inside = store::scope(&mut tx, &ctx.actor, &code, today).await?;
    policy::allows(&ctx.actor, Action::AreaEdit, relation(inside)).require()?;
    if let Some(answer) = guard.key.begin(&mut tx, &ctx, &format!("area.rename {code}"), &body).await? {
        return Ok(answer);
    }
    guard.if_match.check(store::version(&mut tx, &code).await?.unwrap_or_default())?;
    let (name_zh, name_en) = body.checked()?;
    let renamed = Area { name_zh, name_en, ..area.clone() };
    if renamed != area {
        store::rename(&mut tx, ctx.now(), &renamed).await?;
        audited(&mut tx, &ctx, "area.rename", &code).await?;
    }
    let view = detail(&mut tx, renamed, today).await?;
    let answer = guard.key.finish_tagged(&mut tx, &ctx, StatusCode::OK, ETag(view.version), &view).await?;
    tx.commit().await?;
    Ok(answer)
}
