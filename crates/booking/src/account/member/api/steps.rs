//! Changing an account: its name and roles, whether it may log in, by which password.

use axum::extract::State as AppState;
use sanbao_platform::audit;
use sanbao_platform::db::Tx;
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Path};
use sanbao_platform::problem::{CONFLICT, PRECONDITION_FAILED, Problem};

use crate::App;
use crate::account::id::AccountId;
use crate::account::input::{Fields, line};
use crate::account::member::input::{AccountChange, areas, roles};
use crate::account::member::link;
use crate::account::member::model::AccountStatus;
use crate::account::member::start::unknown_password;
use crate::account::member::store;
use crate::account::member::view::{AccountView, AccountWithLink};
use crate::account::organisation;
use crate::account::policy::AccountAction;
use crate::account::session;

async fn view(tx: &mut Tx, id: AccountId) -> Result<(ETag, Json<AccountView>), Problem> {
    let account = store::find(tx, id).await?.ok_or_else(Problem::not_found)?;
    let membership = store::home(tx, id).await?.ok_or_else(Problem::not_found)?;
    Ok((ETag(account.version), Json(AccountView::of(account, membership))))
}

/// Changes an account's name, roles or areas. An added right counts from its next token on; one that is taken away ends
/// at once.
#[utoipa::path(patch, path = "/v1/accounts/{id}", tag = "accounts", params(("id" = uuid::Uuid, Path)),
    request_body = AccountChange, security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes If-Match.",
    responses((status = 200, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn edit(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    read: IfMatch,
    Json(change): Json<AccountChange>,
) -> Result<(ETag, Json<AccountView>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let (account, mut membership) = store::load(&mut tx, &ctx, id, AccountAction::AccountUpdate).await?;
    let before = membership.clone();
    read.check(account.version)?;
    let organisation = organisation::load(&mut tx, &ctx, membership.organisation, AccountAction::AccountUpdate).await?;
    let mut fields = Fields::default();
    let name = fields.maybe("/display_name", change.display_name.as_deref(), |t| line(t, 40));
    if let Some(given) = &change.roles {
        membership.roles = fields.take("/roles", roles(organisation.kind, given)).unwrap_or_default();
    }
    if let Some(given) = &change.areas {
        membership.areas = fields
            .take("/areas", areas(&mut tx, &organisation, organisation.day(ctx.now()), given).await?)
            .unwrap_or_default();
    }
    fields.done()?;
    if account.id == AccountId::from(ctx.actor.subject)
        && !membership.roles.iter().any(|r| r == crate::role::ADMINISTRATOR)
    {
        return Err(own_account());
    }
    let name = name.as_deref().unwrap_or(&account.display_name);
    current(store::edit(&mut tx, id, account.version, name).await?)?;
    store::add_membership(&mut tx, id, &membership, ctx.now()).await?;
    if membership.lacks_of(&before) {
        session::rights_lost(&mut tx, id, account.version + 1, ctx.now()).await?;
    }
    audit::record(&mut tx, &ctx, "account.update", "account", id).await?;
    let view = view(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Refuses when somebody else changed the account between reading and writing.
fn current(written: bool) -> Result<(), Problem> {
    if written { Ok(()) } else { Err(Problem::new(&PRECONDITION_FAILED)) }
}

fn own_account() -> Problem {
    Problem::new(&CONFLICT).detail(
        "不能停用自己，也不能取消自己的管理员角色",
        "You cannot disable yourself or give up your own administrator role",
    )
}

async fn set_status(
    app: &App,
    ctx: &Ctx,
    id: AccountId,
    read: IfMatch,
    status: AccountStatus,
) -> Result<(ETag, Json<AccountView>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let (account, _) = store::load(&mut tx, ctx, id, AccountAction::AccountUpdate).await?;
    read.check(account.version)?;
    let (action, legal) = match status {
        AccountStatus::Disabled => ("disable", "enable"),
        AccountStatus::Active => ("enable", "disable"),
    };
    if id == AccountId::from(ctx.actor.subject) {
        return Err(own_account());
    }
    if !store::set_status(&mut tx, id, account.version, status).await? {
        return Err(Problem::invalid_transition(account.status, action, &[legal]));
    }
    if status == AccountStatus::Disabled {
        session::end_all(&mut tx, id, ctx.now(), "disabled").await?;
    }
    let logs = store::places(&mut tx, id).await?.into_iter().map(|place| place.id);
    audit::record_with(&mut tx, ctx, logs, &format!("account.{action}"), "account", id).await?;
    let view = view(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Disables an account: its log-ins end, with all that was given to them.
#[utoipa::path(post, path = "/v1/accounts/{id}/disable", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes If-Match.",
    responses((status = 200, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: disabled already; conflict: one's own account"), (status = 412, description = "changed by somebody else")))]
pub async fn disable(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    read: IfMatch,
) -> Result<(ETag, Json<AccountView>), Problem> {
    set_status(&app, &ctx, id, read, AccountStatus::Disabled).await
}

/// Enables a disabled account.
#[utoipa::path(post, path = "/v1/accounts/{id}/enable", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes If-Match.",
    responses((status = 200, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: active already"), (status = 412, description = "changed by somebody else")))]
pub async fn enable(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    read: IfMatch,
) -> Result<(ETag, Json<AccountView>), Problem> {
    set_status(&app, &ctx, id, read, AccountStatus::Active).await
}

/// Takes an account's password back: it is unlocked, its PIN dropped, its log-ins end. Its owner chooses another by the
/// link in the answer; earlier links are void.
#[utoipa::path(post, path = "/v1/accounts/{id}/link", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes If-Match.",
    responses((status = 200, body = AccountWithLink), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"), (status = 409, description = "conflict: one's own account"),
        (status = 412, description = "changed by somebody else")))]
pub async fn issue_link(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    read: IfMatch,
) -> Result<(ETag, Json<AccountWithLink>), Problem> {
    store::load(&mut app.deps.db.read().await?, &ctx, id, AccountAction::AccountUpdate).await?;
    if id == AccountId::from(ctx.actor.subject) {
        let (zh, en) = ("不能重置自己的密码，请由另一位管理员重置", "Another administrator resets your password");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    let hash = unknown_password(&app).await?;
    let mut tx = app.deps.db.begin().await?;
    let (account, _) = store::load(&mut tx, &ctx, id, AccountAction::AccountUpdate).await?;
    read.check(account.version)?;
    current(store::set_password(&mut tx, id, account.version, &hash).await?)?;
    session::end_all(&mut tx, id, ctx.now(), "password_reset").await?;
    let link = link::issue(&mut tx, ctx.actor.subject, id, ctx.now()).await?;
    let logs = store::places(&mut tx, id).await?.into_iter().map(|place| place.id);
    audit::record_with(&mut tx, &ctx, logs, "account.reset_password", "account", id).await?;
    let (tag, Json(account)) = view(&mut tx, id).await?;
    tx.commit().await?;
    Ok((tag, Json(AccountWithLink { account, link })))
}
