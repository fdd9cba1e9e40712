//! `/v1/organisations/{id}/members`: what an account is in one organisation, also one that began elsewhere.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::{CONFLICT, PRECONDITION_FAILED, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::account::id::AccountId;
use crate::account::input::Fields;
use crate::account::member::input::{areas, roles};
use crate::account::member::store;
use crate::account::member::view::AccountView;
use crate::account::policy::AccountAction;
use crate::account::session;
use crate::role::ADMINISTRATOR;

/// Why the log-ins of a former member have ended.
const CAUSE: &str = "membership_ended";

/// The roles and areas of a member in the organisation; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"roles": ["doctor"]}))]
pub(super) struct MemberChange {
    roles: Option<Vec<String>>,
    areas: Option<Vec<String>>,
}

/// Changes an account's roles or areas in one organisation. An added right counts from its next token on; one that is taken
/// away ends at once.
#[utoipa::path(patch, path = "/v1/organisations/{id}/members/{account}", tag = "accounts",
    params(("id" = uuid::Uuid, Path), ("account" = uuid::Uuid, Path)), request_body = MemberChange, security(("bearer" = [])),
    description = "Permission: administrators of the organisation; those of the street office that it lies under. Takes If-Match.",
    responses((status = 200, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"), (status = 409, description = "conflict: one's own role"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn edit(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path((id, account)): Path<(OrganisationId, AccountId)>,
    read: IfMatch,
    Json(change): Json<MemberChange>,
) -> Result<(ETag, Json<AccountView>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let (own, known, mut membership) =
        store::load_in(&mut tx, &ctx, (id, account), AccountAction::AccountUpdate).await?;
    let before = membership.clone();
    read.check(known.version)?;
    let mut fields = Fields::default();
    if let Some(given) = &change.roles {
        membership.roles = fields.take("/roles", roles(own.kind, given)).unwrap_or_default();
    }
    if let Some(given) = &change.areas {
        let areas = areas(&mut tx, &own, own.day(ctx.now()), given).await?;
        membership.areas = fields.take("/areas", areas).unwrap_or_default();
    }
    fields.done()?;
    if account == AccountId::from(ctx.actor.subject) && !membership.roles.iter().any(|role| role == ADMINISTRATOR) {
        let (zh, en) = ("不能取消自己的管理员角色", "You cannot give up your own administrator role");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    if !store::count_on(&mut tx, account, known.version).await? {
        return Err(Problem::new(&PRECONDITION_FAILED));
    }
    store::add_membership(&mut tx, account, &membership, ctx.now()).await?;
    if membership.lacks_of(&before) {
        session::rights_lost(&mut tx, account, known.version + 1, ctx.now()).await?;
    }
    let logs = store::home_of(&mut tx, account).await?.into_iter().chain([id]);
    audit::record_with(&mut tx, &ctx, logs, "membership.update", "account", account).await?;
    let known = store::find(&mut tx, account).await?.ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    Ok((ETag(known.version), Json(AccountView::of(known, membership))))
}

/// Ends the membership of an account that began elsewhere: its log-ins in this organisation end, and those alone.
#[utoipa::path(delete, path = "/v1/organisations/{id}/members/{account}", tag = "accounts",
    params(("id" = uuid::Uuid, Path), ("account" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of the organisation; those of the street office that it lies under. Audited on both sides.",
    responses((status = 204, description = "ended"), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, of no concern to the caller, or no member"),
        (status = 409, description = "conflict: it began in this organisation, or is one's own")))]
pub async fn end(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path((id, account)): Path<(OrganisationId, AccountId)>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let (_, known, _) = store::load_in(&mut tx, &ctx, (id, account), AccountAction::AccountUpdate).await?;
    let home = store::home_of(&mut tx, account).await?;
    if home == Some(id) {
        let (zh, en) = ("这个账号由本机构建立，请停用账号", "The account began in this organisation: disable it");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    if account == AccountId::from(ctx.actor.subject) {
        let (zh, en) = ("不能让自己离开，请由另一位管理员办理", "Another administrator ends your membership");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    // The row of the account is written first: a log-in that is just beginning has come before, and ends too.
    if !store::count_on(&mut tx, account, known.version).await? {
        return Err(Problem::new(&CONFLICT));
    }
    store::end_membership(&mut tx, account, id).await?;
    session::end_in(&mut tx, account, id, ctx.now(), CAUSE).await?;
    let logs = home.into_iter().chain([id]);
    audit::record_with(&mut tx, &ctx, logs, "membership.leave", "account", account).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
