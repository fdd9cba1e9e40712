//! The log-ins of an account, as its administrator sees and ends them: of a lost telephone, of somebody who has left.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Json, Path};
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::id::{AccountId, SessionId};
use crate::account::member::store;
use crate::account::policy::AccountAction;
use crate::account::session::{self, LogInView};

const CAUSE: &str = "ended_by_administrator";

/// An account's log-ins that have not ended, the newest first; 100 at most.
#[utoipa::path(get, path = "/v1/accounts/{id}/sessions", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under.",
    responses((status = 200, body = Vec<LogInView>), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller")))]
pub async fn log_ins(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
) -> Result<Json<Vec<LogInView>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    store::load(&mut conn, &ctx, id, AccountAction::AccountUpdate).await?;
    Ok(Json(session::list_of(&mut conn, &ctx, id).await?))
}

/// Ends every log-in of an account. Its PIN works on no device until its owner has logged in there by password.
#[utoipa::path(delete, path = "/v1/accounts/{id}/sessions", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under.",
    responses((status = 204, description = "ended"), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller")))]
pub async fn end_all(ctx: Ctx, AppState(app): AppState<App>, Path(id): Path<AccountId>) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    store::load(&mut tx, &ctx, id, AccountAction::AccountUpdate).await?;
    session::end_all(&mut tx, id, ctx.now(), CAUSE).await?;
    let logs = store::places(&mut tx, id).await?.into_iter().map(|place| place.id);
    audit::record_with(&mut tx, &ctx, logs, "account.end_sessions", "account", id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one log-in of an account.
#[utoipa::path(delete, path = "/v1/accounts/{id}/sessions/{session}", tag = "accounts",
    params(("id" = uuid::Uuid, Path), ("session" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under.",
    responses((status = 204, description = "ended"), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, of no concern to the caller, or ended already")))]
pub async fn end_one(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path((id, log_in)): Path<(AccountId, SessionId)>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    store::load(&mut tx, &ctx, id, AccountAction::AccountUpdate).await?;
    if !session::end_own(&mut tx, log_in, id, ctx.now(), CAUSE).await? {
        return Err(Problem::lacking());
    }
    audit::record(&mut tx, &ctx, "account.end_session", "session", log_in).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
