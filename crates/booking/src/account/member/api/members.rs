//! `/v1/organisations/{id}/members`: what an account is in one organisation, also one that began elsewhere.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::{CONFLICT, PRECONDITION_FAILED, Problem};

use super::create::called;
use super::steps::{makes_administrator, waits, without_administrator};
use crate::App;
use crate::account::id::AccountId;
use crate::account::input::Fields;
use crate::account::member::dual::{self, DualOrder, OrderView, is_administrator};
use crate::account::member::input::{MemberChange, changed};
use crate::account::member::leave::leave;
use crate::account::member::model::{Account, Membership};
use crate::account::member::store;
use crate::account::member::view::AccountView;
use crate::account::policy::AccountAction;
use crate::account::session;

/// Why the log-ins of a former member have ended.
const CAUSE: &str = "membership_ended";

/// A membership as a change makes it.
pub(in crate::account::member) struct EditedMember {
    account: Account,
    before: Membership,
    after: Membership,
}

/// The membership as a change makes it, or every field that is wrong.
pub(in crate::account::member) async fn edited(
    conn: &mut Conn,
    ctx: &Ctx,
    which: (OrganisationId, AccountId),
    change: &MemberChange,
) -> Result<EditedMember, Problem> {
    let (own, account, before) = store::load_in(conn, ctx, which, AccountAction::AccountUpdate).await?;
    let mut fields = Fields::default();
    let given = (change.roles.as_deref(), change.areas.as_deref());
    let after = changed(conn, &own, own.day(ctx.now()), &mut fields, &before, given).await?;
    fields.done()?;
    if account.id == AccountId::from(ctx.actor.subject) && !is_administrator(&after.roles) {
        let (zh, en) = ("不能取消自己的管理员角色", "You cannot give up your own administrator role");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    Ok(EditedMember { account, before, after })
}

/// Stores it.
pub(in crate::account::member) async fn write(
    tx: &mut Tx,
    ctx: &Ctx,
    edited: EditedMember,
) -> Result<(ETag, Json<AccountView>), Problem> {
    let EditedMember { account: known, before, after } = edited;
    let (account, id) = (known.id, after.organisation);
    let fewer = is_administrator(&before.roles) && !is_administrator(&after.roles);
    if fewer {
        dual::hold(tx, id).await?;
    }
    if !store::count_on(tx, account, known.version).await? {
        return Err(Problem::new(&PRECONDITION_FAILED));
    }
    store::add_membership(tx, account, &after, ctx.now()).await?;
    if after.lacks_of(&before) {
        session::rights_lost(tx, account, known.version + 1, ctx.now()).await?;
    }
    if fewer {
        dual::still_two(tx, id).await?;
    }
    let logs = store::home_of(tx, account).await?.into_iter().chain([id]);
    audit::record_with(tx, ctx, logs, "membership.update", "account", account).await?;
    let known = store::find(tx, account).await?.ok_or_else(Problem::not_found)?;
    Ok((ETag(known.version), Json(AccountView::of(known, after))))
}

/// Changes an account's roles or areas in one organisation. An added right counts from its next token on; one that is taken
/// away ends at once. Where the organisation has dual control, the role of an administrator waits for a second one; the rest is
/// changed.
#[utoipa::path(patch, path = "/v1/organisations/{id}/members/{account}", tag = "accounts",
    params(("id" = uuid::Uuid, Path), ("account" = uuid::Uuid, Path)), request_body = MemberChange, security(("bearer" = [])),
    description = "Permission: administrators of the organisation; those of the street office that it lies under. Takes If-Match.",
    responses((status = 200, body = AccountView), (status = 202, body = OrderView, description = "waits for a second administrator"),
        (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "conflict: one's own role; too-few-administrators"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn edit(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path((id, account)): Path<(OrganisationId, AccountId)>,
    read: IfMatch,
    Json(change): Json<MemberChange>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let edited = edited(&mut tx, &ctx, (id, account), &change).await?;
    read.check(edited.account.version)?;
    let new = makes_administrator(&edited.before, &edited.after);
    let answer = if new && dual::guards(&mut tx, id).await? {
        let name = called(&edited.account.display_name, &edited.account.login);
        let rest = without_administrator(&edited.before, edited.after.clone());
        if rest != edited.before {
            write(&mut tx, &ctx, EditedMember { after: rest, ..edited }).await?;
        }
        waits(dual::give(&mut tx, &ctx, id, &DualOrder::Member(account), &name).await?)
    } else {
        write(&mut tx, &ctx, edited).await?.into_response()
    };
    tx.commit().await?;
    Ok(answer)
}

/// Ends the log-ins of a member in this organisation: a telephone was lost. Those elsewhere go on.
#[utoipa::path(delete, path = "/v1/organisations/{id}/members/{account}/sessions", tag = "accounts",
    params(("id" = uuid::Uuid, Path), ("account" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of the organisation; those of the street office that it lies under.",
    responses((status = 204, description = "ended"), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, of no concern to the caller, or no member")))]
pub async fn end_sessions(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path((id, account)): Path<(OrganisationId, AccountId)>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    store::load_in(&mut tx, &ctx, (id, account), AccountAction::AccountUpdate).await?;
    session::end_in(&mut tx, account, id, ctx.now(), "ended_by_administrator").await?;
    audit::record_with(&mut tx, &ctx, [id], "account.end_sessions", "account", account).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
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
    store::load_in(&mut tx, &ctx, (id, account), AccountAction::AccountUpdate).await?;
    if account == AccountId::from(ctx.actor.subject) {
        let (zh, en) = ("请在“我的机构”里离开", "Leave it on the page of your organisations");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    leave(&mut tx, &ctx, (id, account), CAUSE).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
