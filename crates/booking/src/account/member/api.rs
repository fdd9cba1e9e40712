//! `/v1/organisations/{id}/accounts` and `/v1/accounts`: an administrator manages who may log in.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, ETag, Idempotency, IfMatch, Json, Page, Paging, Path, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::{CONFLICT, PRECONDITION_FAILED, Problem};
use sanbao_platform::{audit, policy::Decision};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Account, AccountStatus, AccountView, Membership, NewAccount, store};
use crate::App;
use crate::account::id::AccountId;
use crate::account::input::{self, Fields, Wrong, line};
use crate::account::kind::LOGIN_TAKEN;
use crate::account::organisation::{OrganisationKind, api as organisation};
use crate::account::policy::{self, Action};
use crate::account::session;

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, edit))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(reset_password))
}

/// A new account. What is left out is told together with whatever else is wrong.
#[derive(Default, Deserialize, ToSchema)]
#[schema(example = json!({"login": "nurse.wang", "display_name": "王护理员", "password": "correct horse",
    "roles": ["care_staff"], "areas": []}))]
#[serde(default)]
pub(super) struct NewAccountBody {
    #[schema(required)]
    login: String,
    #[schema(required)]
    display_name: String,
    #[schema(required)]
    password: String,
    #[schema(required)]
    roles: Vec<String>,
    areas: Vec<String>,
}

/// What may be changed; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"display_name": "王护理员", "roles": ["care_staff"]}))]
pub(super) struct AccountChange {
    display_name: Option<String>,
    roles: Option<Vec<String>>,
    areas: Option<Vec<String>>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"password": "correct horse"}))]
pub(super) struct NewPassword {
    password: String,
}

fn roles(kind: OrganisationKind, given: &[String]) -> Result<Vec<String>, Wrong> {
    if given.is_empty() {
        return Err(Wrong::new("至少选一个角色", "Choose at least one role"));
    }
    if given.iter().any(|role| !kind.roles().contains(&role.as_str())) {
        return Err(Wrong {
            zh: format!("这类机构可用的角色:{}", kind.roles().join("、")).into(),
            en: format!("Roles of this kind of organisation: {}", kind.roles().join(", ")).into(),
        });
    }
    let mut roles = given.to_vec();
    roles.sort();
    roles.dedup();
    Ok(roles)
}

fn areas(given: &[String]) -> Result<Vec<String>, Wrong> {
    if given.len() > 50 {
        return Err(Wrong::new("最多 50 个区域", "50 areas at most"));
    }
    let mut areas = given.iter().map(|code| input::area_code(code)).collect::<Result<Vec<_>, _>>()?;
    areas.sort();
    areas.dedup();
    Ok(areas)
}

/// An account with its membership, when the policy allows `action`.
async fn load(conn: &mut Conn, ctx: &Ctx, id: AccountId, action: Action) -> Result<(Account, Membership), Problem> {
    let account = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
    let membership = store::membership(conn, id).await?.ok_or_else(Problem::not_found)?;
    let own = organisation::own(conn, ctx).await?;
    match policy::of(&ctx.actor, action, own.relation_to(membership.organisation)) {
        Decision::Allow => Ok((account, membership)),
        refused => Err(refused.require().err().unwrap_or_else(Problem::not_found)),
    }
}

/// The accounts of an organisation.
#[utoipa::path(get, path = "/v1/organisations/{id}/accounts", tag = "accounts", params(("id" = uuid::Uuid, Path), Paging),
    security(("bearer" = [])), description = "Permission: its administrators; the street office's administrators.",
    responses((status = 200, body = Page<AccountView>), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller")))]
async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<AccountView>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let organisation = organisation::load(&mut conn, &ctx, id, Action::AccountRead).await?.id;
    let limit = paging.limit()?;
    let rows = store::list(&mut conn, organisation, paging.after()?, limit + 1).await?;
    let (mut roles, mut areas) =
        (store::roles_by_account(&mut conn, id).await?, store::areas_by_account(&mut conn, id).await?);
    let page = Page::of(rows, limit, |a| (a.display_name.clone(), a.id));
    Ok(Json(page.map(|account| {
        let (roles, areas) = (roles.remove(&account.id), areas.remove(&account.id));
        let membership =
            Membership { organisation, roles: roles.unwrap_or_default(), areas: areas.unwrap_or_default() };
        AccountView::of(account, membership, ctx.now())
    })))
}

/// Adds an account.
#[utoipa::path(post, path = "/v1/organisations/{id}/accounts", tag = "accounts", params(("id" = uuid::Uuid, Path)),
    request_body = NewAccountBody, security(("bearer" = [])),
    description = "Permission: its administrators; the street office's administrators. Takes Idempotency-Key.",
    responses((status = 201, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "login-taken"), (status = 422, description = "fields to correct")))]
async fn create(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
    key: Idempotency,
    Json(body): Json<NewAccountBody>,
) -> Result<Response, Problem> {
    let organisation = organisation::load(&mut app.deps.db.read().await?, &ctx, id, Action::AccountCreate).await?;
    let mut fields = Fields::default();
    let login = fields.take("/login", input::login(&body.login));
    let name = fields.take("/display_name", line(&body.display_name, 40));
    let password = fields.take("/password", input::password(&body.password));
    let given = fields.take("/roles", roles(organisation.kind, &body.roles));
    let given = given.zip(fields.take("/areas", areas(&body.areas)));
    let (((login, name), password), (roles, areas)) = fields.finish(login.zip(name).zip(password).zip(given))?;
    let hash = app.deps.passwords.hash(password).await?;
    let new = NewAccount {
        id: AccountId::new(ctx.now()),
        login: &login,
        display_name: &name,
        password_hash: &hash,
        pin_hash: None,
    };
    let membership = Membership { organisation: id, roles, areas };
    let mut tx = app.deps.db.begin().await?;
    // The key's record must not hold anything from which a password could be guessed.
    let request = (&login, &name, &membership.roles, &membership.areas);
    if let Some(answered) = key.begin(&mut tx, &ctx, &format!("POST /v1/organisations/{id}/accounts"), &request).await?
    {
        return Ok(answered);
    }
    if !store::insert(&mut tx, &new, ctx.now()).await? {
        return Err(Problem::new(&LOGIN_TAKEN));
    }
    store::add_membership(&mut tx, new.id, &membership, ctx.now()).await?;
    audit::record(&mut tx, &ctx, "account.create", "account", new.id).await?;
    let account = store::find(&mut tx, new.id).await?.ok_or_else(Problem::not_found)?;
    let view = AccountView::of(account, membership, ctx.now());
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// One account.
#[utoipa::path(get, path = "/v1/accounts/{id}", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; the street office's administrators.",
    responses((status = 200, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller")))]
async fn get(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
) -> Result<(ETag, Json<AccountView>), Problem> {
    let mut conn = app.deps.db.read().await?;
    let (account, membership) = load(&mut conn, &ctx, id, Action::AccountRead).await?;
    Ok((ETag(account.version), Json(AccountView::of(account, membership, ctx.now()))))
}

async fn view(tx: &mut Tx, ctx: &Ctx, id: AccountId) -> Result<(ETag, Json<AccountView>), Problem> {
    let account = store::find(tx, id).await?.ok_or_else(Problem::not_found)?;
    let membership = store::membership(tx, id).await?.ok_or_else(Problem::not_found)?;
    Ok((ETag(account.version), Json(AccountView::of(account, membership, ctx.now()))))
}

/// Changes an account's name, roles or areas; new roles count from its next token on.
#[utoipa::path(patch, path = "/v1/accounts/{id}", tag = "accounts", params(("id" = uuid::Uuid, Path)),
    request_body = AccountChange, security(("bearer" = [])),
    description = "Permission: administrators of its organisation; the street office's administrators. Takes If-Match.",
    responses((status = 200, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
async fn edit(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    read: IfMatch,
    Json(change): Json<AccountChange>,
) -> Result<(ETag, Json<AccountView>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let (account, mut membership) = load(&mut tx, &ctx, id, Action::AccountUpdate).await?;
    read.check(account.version)?;
    let organisation = organisation::load(&mut tx, &ctx, membership.organisation, Action::OrganisationRead).await?;
    let mut fields = Fields::default();
    let name = fields.maybe("/display_name", change.display_name.as_deref(), |t| line(t, 40));
    if let Some(given) = &change.roles {
        membership.roles = fields.take("/roles", roles(organisation.kind, given)).unwrap_or_default();
    }
    if let Some(given) = &change.areas {
        membership.areas = fields.take("/areas", areas(given)).unwrap_or_default();
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
    audit::record(&mut tx, &ctx, "account.update", "account", id).await?;
    let view = view(&mut tx, &ctx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Refuses when somebody else changed the account between reading and writing.
fn current(written: bool) -> Result<(), Problem> {
    if written { Ok(()) } else { Err(Problem::new(&PRECONDITION_FAILED)) }
}

fn own_account() -> Problem {
    Problem::new(&CONFLICT).detail(
        "不能停用自己,也不能取消自己的管理员角色",
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
    let (account, _) = load(&mut tx, ctx, id, Action::AccountUpdate).await?;
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
    audit::record(&mut tx, ctx, &format!("account.{action}"), "account", id).await?;
    let view = view(&mut tx, ctx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Disables an account: its log-ins end, its access tokens within 15 minutes.
#[utoipa::path(post, path = "/v1/accounts/{id}/disable", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; the street office's administrators. Takes If-Match.",
    responses((status = 200, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: disabled already; conflict: one's own account"), (status = 412, description = "changed by somebody else")))]
async fn disable(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    read: IfMatch,
) -> Result<(ETag, Json<AccountView>), Problem> {
    set_status(&app, &ctx, id, read, AccountStatus::Disabled).await
}

/// Enables a disabled account.
#[utoipa::path(post, path = "/v1/accounts/{id}/enable", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; the street office's administrators. Takes If-Match.",
    responses((status = 200, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: active already"), (status = 412, description = "changed by somebody else")))]
async fn enable(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    read: IfMatch,
) -> Result<(ETag, Json<AccountView>), Problem> {
    set_status(&app, &ctx, id, read, AccountStatus::Active).await
}

/// Sets a new password: the account is unlocked, its PIN dropped, its log-ins end.
#[utoipa::path(post, path = "/v1/accounts/{id}/password", tag = "accounts", params(("id" = uuid::Uuid, Path)),
    request_body = NewPassword, security(("bearer" = [])),
    description = "Permission: administrators of its organisation; the street office's administrators. Takes If-Match.",
    responses((status = 200, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
async fn reset_password(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    read: IfMatch,
    Json(body): Json<NewPassword>,
) -> Result<(ETag, Json<AccountView>), Problem> {
    load(&mut app.deps.db.read().await?, &ctx, id, Action::AccountUpdate).await?;
    let mut fields = Fields::default();
    let password = fields.take("/password", input::password(&body.password));
    let hash = app.deps.passwords.hash(fields.finish(password)?).await?;
    let mut tx = app.deps.db.begin().await?;
    let (account, _) = load(&mut tx, &ctx, id, Action::AccountUpdate).await?;
    read.check(account.version)?;
    current(store::set_password(&mut tx, id, account.version, &hash).await?)?;
    session::end_all(&mut tx, id, ctx.now(), "password_reset").await?;
    audit::record(&mut tx, &ctx, "account.reset_password", "account", id).await?;
    let view = view(&mut tx, &ctx, id).await?;
    tx.commit().await?;
    Ok(view)
}
