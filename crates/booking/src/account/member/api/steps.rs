//! Changing an account: its name and roles, whether it may log in, by which password.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::{CONFLICT, PRECONDITION_FAILED, Problem};

use super::create::called;
use crate::App;
use crate::account::id::AccountId;
use crate::account::input::{Fields, line};
use crate::account::member::dual::{self, DualOrder, OrderView, is_administrator};
use crate::account::member::input::{AccountChange, changed};
use crate::account::member::link;
use crate::account::member::model::{Account, AccountStatus, Membership};
use crate::account::member::start::unknown_password;
use crate::account::member::store;
use crate::account::member::view::{AccountView, AccountWithLink};
use crate::account::organisation;
use crate::account::policy::AccountAction;
use crate::account::session;
use crate::role::ADMINISTRATOR;

async fn view(tx: &mut Tx, id: AccountId) -> Result<(ETag, Json<AccountView>), Problem> {
    let account = store::find(tx, id).await?.ok_or_else(Problem::not_found)?;
    let membership = store::home(tx, id).await?.ok_or_else(Problem::not_found)?;
    Ok((ETag(account.version), Json(AccountView::of(account, membership))))
}

/// An account as a change makes it.
pub(in crate::account::member) struct EditedAccount {
    account: Account,
    name: String,
    before: Membership,
    after: Membership,
}

/// Whether a change makes an administrator of somebody who is none.
pub(super) fn makes_administrator(before: &Membership, after: &Membership) -> bool {
    is_administrator(&after.roles) && !is_administrator(&before.roles)
}

/// A membership as a change makes it, without the role of an administrator; with no role left, those of before stay.
pub(super) fn without_administrator(before: &Membership, mut after: Membership) -> Membership {
    after.roles.retain(|role| role != ADMINISTRATOR);
    if after.roles.is_empty() {
        after.roles.clone_from(&before.roles);
    }
    after
}

/// The account as a change makes it, or every field that is wrong.
pub(in crate::account::member) async fn edited(
    conn: &mut Conn,
    ctx: &Ctx,
    id: AccountId,
    change: &AccountChange,
) -> Result<EditedAccount, Problem> {
    let (account, before) = store::load(conn, ctx, id, AccountAction::AccountUpdate).await?;
    let own = organisation::load(conn, ctx, before.organisation, AccountAction::AccountUpdate).await?;
    let mut fields = Fields::default();
    let name = fields.maybe("/display_name", change.display_name.as_deref(), |t| line(t, 40));
    let given = (change.roles.as_deref(), change.areas.as_deref());
    let after = changed(conn, &own, own.day(ctx.now()), &mut fields, &before, given).await?;
    fields.done()?;
    if account.id == AccountId::from(ctx.actor.subject) && !is_administrator(&after.roles) {
        return Err(own_account());
    }
    let name = name.unwrap_or_else(|| account.display_name.clone());
    Ok(EditedAccount { account, name, before, after })
}

/// Stores it.
pub(in crate::account::member) async fn write(
    tx: &mut Tx,
    ctx: &Ctx,
    edited: EditedAccount,
) -> Result<(ETag, Json<AccountView>), Problem> {
    let EditedAccount { account, name, before, after } = edited;
    let id = account.id;
    let fewer = is_administrator(&before.roles) && !is_administrator(&after.roles);
    if fewer {
        dual::hold(tx, before.organisation).await?;
    }
    current(store::edit(tx, id, account.version, &name).await?)?;
    store::add_membership(tx, id, &after, ctx.now()).await?;
    if after.lacks_of(&before) {
        session::rights_lost(tx, id, account.version + 1, ctx.now()).await?;
    }
    if fewer {
        dual::still_two(tx, before.organisation).await?;
    }
    audit::record(tx, ctx, "account.update", "account", id).await?;
    view(tx, id).await
}

/// Changes an account's name, roles or areas. An added right counts from its next token on; one that is taken away ends
/// at once. Where the organisation has dual control, the role of an administrator waits for a second one; the rest is changed.
#[utoipa::path(patch, path = "/v1/accounts/{id}", tag = "accounts", params(("id" = uuid::Uuid, Path)),
    request_body = AccountChange, security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes If-Match.",
    responses((status = 200, body = AccountView), (status = 202, body = OrderView, description = "waits for a second administrator"),
        (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "conflict: one's own role; too-few-administrators"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn edit(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    read: IfMatch,
    Json(change): Json<AccountChange>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let edited = edited(&mut tx, &ctx, id, &change).await?;
    read.check(edited.account.version)?;
    let own = edited.before.organisation;
    let new = makes_administrator(&edited.before, &edited.after);
    let answer = if new && dual::guards(&mut tx, own).await? {
        let name = called(&edited.account.display_name, &edited.account.login);
        let rest = without_administrator(&edited.before, edited.after.clone());
        if rest != edited.before || edited.name != edited.account.display_name {
            write(&mut tx, &ctx, EditedAccount { after: rest, ..edited }).await?;
        }
        waits(dual::give(&mut tx, &ctx, own, &DualOrder::Edit(id), &name).await?)
    } else {
        write(&mut tx, &ctx, edited).await?.into_response()
    };
    tx.commit().await?;
    Ok(answer)
}

/// The answer to what waits for a second administrator.
pub(super) fn waits(order: OrderView) -> Response {
    (StatusCode::ACCEPTED, Json(order)).into_response()
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

/// Disables an account, or enables it again.
pub(in crate::account::member) async fn write_status(
    tx: &mut Tx,
    ctx: &Ctx,
    account: &Account,
    status: AccountStatus,
) -> Result<(ETag, Json<AccountView>), Problem> {
    let id = account.id;
    let places: Vec<_> = store::places(tx, id).await?.into_iter().map(|place| place.id).collect();
    let mut administered = Vec::new();
    for place in &places {
        if administers(tx, id, *place).await? {
            administered.push(*place);
        }
    }
    administered.sort_unstable();
    for place in &administered {
        dual::hold(tx, *place).await?;
    }
    let (action, legal) = match status {
        AccountStatus::Disabled => ("disable", "enable"),
        AccountStatus::Active => ("enable", "disable"),
    };
    if id == AccountId::from(ctx.actor.subject) {
        return Err(own_account());
    }
    if !store::set_status(tx, id, account.version, status).await? {
        return Err(Problem::invalid_transition(account.status, action, &[legal]));
    }
    if status == AccountStatus::Disabled {
        session::end_all(tx, id, ctx.now(), "disabled").await?;
        for place in administered {
            dual::still_two(tx, place).await?;
        }
    }
    audit::record_with(tx, ctx, places, &format!("account.{action}"), "account", id).await?;
    view(tx, id).await
}

/// Whether an account has the role of an administrator in an organisation.
async fn administers(conn: &mut Conn, id: AccountId, organisation: OrganisationId) -> Result<bool, DbError> {
    let membership = store::membership_in(conn, id, organisation).await?;
    Ok(membership.is_some_and(|membership| is_administrator(&membership.roles)))
}

/// Whether an account is under dual control: it is an administrator's where that is on, be it elsewhere than at home.
pub(in crate::account) async fn controlled(tx: &mut Tx, id: AccountId) -> Result<bool, DbError> {
    for place in store::places(tx, id).await? {
        if administers(tx, id, place.id).await? && dual::guards(tx, place.id).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Disables an account: its log-ins end, with all that was given to them.
#[utoipa::path(post, path = "/v1/accounts/{id}/disable", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes If-Match.",
    responses((status = 200, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: disabled already; conflict: one's own account; too-few-administrators"), (status = 412, description = "changed by somebody else")))]
pub async fn disable(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    read: IfMatch,
) -> Result<(ETag, Json<AccountView>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let (account, _) = store::load(&mut tx, &ctx, id, AccountAction::AccountUpdate).await?;
    read.check(account.version)?;
    let view = write_status(&mut tx, &ctx, &account, AccountStatus::Disabled).await?;
    tx.commit().await?;
    Ok(view)
}

/// Enables a disabled account. Where the organisation has dual control, an administrator's waits for a second administrator.
#[utoipa::path(post, path = "/v1/accounts/{id}/enable", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes If-Match.",
    responses((status = 200, body = AccountView), (status = 202, body = OrderView, description = "waits for a second administrator"),
        (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: active already"), (status = 412, description = "changed by somebody else")))]
pub async fn enable(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    read: IfMatch,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let (account, membership) = store::load(&mut tx, &ctx, id, AccountAction::AccountUpdate).await?;
    read.check(account.version)?;
    let answer = if account.status == AccountStatus::Disabled && controlled(&mut tx, id).await? {
        let name = called(&account.display_name, &account.login);
        waits(dual::give(&mut tx, &ctx, membership.organisation, &DualOrder::Enable(id), &name).await?)
    } else {
        write_status(&mut tx, &ctx, &account, AccountStatus::Active).await?.into_response()
    };
    tx.commit().await?;
    Ok(answer)
}

/// Takes an account's password back, and makes the link for its owner. `hash` is of a password that nobody knows.
pub(in crate::account::member) async fn take_back(
    tx: &mut Tx,
    ctx: &Ctx,
    account: &Account,
    hash: &str,
) -> Result<(ETag, AccountWithLink), Problem> {
    let id = account.id;
    current(store::set_password(tx, id, account.version, hash).await?)?;
    session::end_all(tx, id, ctx.now(), "password_reset").await?;
    let link = link::issue(tx, ctx.actor.subject, id, ctx.now()).await?;
    let logs = store::places(tx, id).await?.into_iter().map(|place| place.id);
    audit::record_with(tx, ctx, logs, "account.reset_password", "account", id).await?;
    let (tag, Json(account)) = view(tx, id).await?;
    Ok((tag, AccountWithLink { account, link }))
}

/// Takes an account's password back: it is unlocked, its PIN dropped, its log-ins end. Its owner chooses another by the
/// link in the answer; earlier links are void. Where the organisation has dual control, an administrator's waits for a second
/// administrator.
#[utoipa::path(post, path = "/v1/accounts/{id}/link", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. Takes If-Match.",
    responses((status = 200, body = AccountWithLink), (status = 202, body = OrderView, description = "waits for a second administrator"),
        (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"), (status = 409, description = "conflict: one's own account"),
        (status = 412, description = "changed by somebody else")))]
pub async fn issue_link(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    read: IfMatch,
) -> Result<Response, Problem> {
    store::load(&mut app.deps.db.read().await?, &ctx, id, AccountAction::AccountUpdate).await?;
    if id == AccountId::from(ctx.actor.subject) {
        let (zh, en) = ("不能重置自己的密码，请由另一位管理员重置", "Another administrator resets your password");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    let hash = unknown_password(&app).await?;
    let mut tx = app.deps.db.begin().await?;
    let (account, membership) = store::load(&mut tx, &ctx, id, AccountAction::AccountUpdate).await?;
    read.check(account.version)?;
    let answer = if controlled(&mut tx, id).await? {
        let name = called(&account.display_name, &account.login);
        waits(dual::give(&mut tx, &ctx, membership.organisation, &DualOrder::Link(id), &name).await?)
    } else {
        let (tag, made) = take_back(&mut tx, &ctx, &account, &hash).await?;
        (tag, Json(made)).into_response()
    };
    tx.commit().await?;
    Ok(answer)
}
