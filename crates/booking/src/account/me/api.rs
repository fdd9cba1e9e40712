//! `/v1/me`: what somebody may see and change of the own account, and nobody else.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::{Ctx, Json, Path, Visitor};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::{CONFLICT, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::App;
use crate::account::id::{AccountId, SessionId};
use crate::account::input::Fields;
use crate::account::member::{self, Account};
use crate::account::organisation::{OrganisationKind, OrganisationState};
use crate::account::session::{self, LogInView};
use crate::account::{second_factor, secret};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .routes(routes!(change))
        .routes(routes!(set))
        .routes(routes!(log_ins, end_others))
        .routes(routes!(end_one))
        .routes(routes!(organisations))
        .routes(routes!(leave))
}

/// The caller's own account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OwnAccount {
    pub id: AccountId,
    /// The name that its owner types.
    pub login: String,
    /// The name that others see.
    pub display_name: String,
    /// Whether it has a PIN for shared tablets.
    pub pin_set: bool,
    /// Whether log-ins ask for a code.
    pub second_factor: bool,
    /// Whether it must have a second factor.
    pub second_factor_needed: bool,
    pub recovery_codes_left: i64,
}

/// The caller's own account as it is now.
pub(super) async fn own(app: &App, conn: &mut Conn, ctx: &Ctx) -> Result<OwnAccount, Problem> {
    let account = find(conn, ctx).await?.ok_or_else(Problem::unauthenticated)?;
    let roles = member::roles_anywhere(conn, account.id).await?;
    Ok(OwnAccount {
        id: account.id,
        pin_set: account.pin_hash.is_some(),
        login: account.login,
        display_name: account.display_name,
        second_factor: second_factor::is_confirmed(conn, account.id).await?,
        second_factor_needed: app.config.account.second_factor.includes(&roles),
        recovery_codes_left: second_factor::recovery_codes_left(conn, account.id).await?,
    })
}

async fn find(conn: &mut Conn, ctx: &Ctx) -> Result<Option<Account>, DbError> {
    member::find(conn, ctx.actor.subject.into()).await
}

/// An organisation in which the caller acts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OwnOrganisation {
    #[schema(value_type = uuid::Uuid)]
    pub organisation_id: OrganisationId,
    pub kind: OrganisationKind,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English; empty when it has none.
    pub name_en: String,
    pub state: OrganisationState,
    /// The caller's roles there.
    pub roles: Vec<String>,
    /// Whether the account began there.
    pub home: bool,
    /// Whether the caller acts for it now.
    pub current: bool,
}

/// The organisations in which the caller acts.
pub(super) async fn own_organisations(conn: &mut Conn, ctx: &Ctx) -> Result<Vec<OwnOrganisation>, DbError> {
    let id = AccountId::from(ctx.actor.subject);
    let home = member::home_of(conn, id).await?;
    let mut own = Vec::new();
    for place in member::places(conn, id).await? {
        let roles = member::membership_in(conn, id, place.id).await?.map(|m| m.roles).unwrap_or_default();
        own.push(OwnOrganisation {
            organisation_id: place.id,
            kind: place.kind,
            name_zh: place.name_zh,
            name_en: place.name_en,
            state: place.state,
            roles,
            home: home == Some(place.id),
            current: place.id == ctx.actor.organisation,
        });
    }
    Ok(own)
}

/// The organisations in which the caller acts.
#[utoipa::path(get, path = "/v1/me/organisations", tag = "log-in", security(("bearer" = [])), description = "Permission: anybody logged in.",
    responses((status = 200, body = Vec<OwnOrganisation>), (status = 401, description = "not logged in")))]
pub async fn organisations(ctx: Ctx, AppState(app): AppState<App>) -> Result<Json<Vec<OwnOrganisation>>, Problem> {
    Ok(Json(own_organisations(&mut app.deps.db.read().await?, &ctx).await?))
}

/// Leaves an organisation in which the account did not begin: its log-ins there end, those elsewhere go on.
#[utoipa::path(delete, path = "/v1/me/organisations/{id}", tag = "log-in", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: anybody logged in. Audited on both sides.",
    responses((status = 204, description = "left"), (status = 401, description = "not logged in"),
        (status = 404, description = "not of this organisation"), (status = 409, description = "conflict: the account began there")))]
pub async fn leave(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let account = AccountId::from(ctx.actor.subject);
    if member::membership_in(&mut tx, account, id).await?.is_none() {
        return Err(Problem::not_found());
    }
    member::leave(&mut tx, &ctx, (id, account), "membership_left").await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's own account.
#[utoipa::path(get, path = "/v1/me", tag = "log-in", security(("bearer" = [])), description = "Permission: anybody logged in.",
    responses((status = 200, body = OwnAccount), (status = 401, description = "not logged in")))]
pub async fn get(ctx: Ctx, AppState(app): AppState<App>) -> Result<Json<OwnAccount>, Problem> {
    Ok(Json(own(&app, &mut app.deps.db.read().await?, &ctx).await?))
}

/// Another password, with the one of now as the proof.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"current": "correct horse", "password": "three boats on the river"}))]
pub(super) struct PasswordChange {
    #[serde(default)]
    #[schema(required)]
    current: String,
    #[serde(default)]
    #[schema(required)]
    password: String,
}

/// Changes the caller's password. The PIN is dropped, and every other log-in ends.
#[utoipa::path(put, path = "/v1/me/password", tag = "log-in", request_body = PasswordChange, security(("bearer" = [])),
    description = "Permission: anybody logged in, with the password of now; wrong tries are throttled.",
    responses((status = 204, description = "changed"), (status = 401, description = "not logged in"),
        (status = 409, description = "conflict: it was changed meanwhile"),
        (status = 422, description = "the password of now is another, or the new one is short or common"),
        (status = 429, description = "too-many-requests after wrong tries, with Retry-After")))]
pub async fn change(
    ctx: Ctx,
    visitor: Visitor,
    AppState(app): AppState<App>,
    Json(change): Json<PasswordChange>,
) -> Result<StatusCode, Problem> {
    let id = AccountId::from(ctx.actor.subject);
    let (account, chosen) = chosen(&app, &ctx, &change.password).await?;
    let attempt = app.guesses.attempt_of(&format!("proof {id}"), visitor.address, None, ctx.now())?;
    if !app.deps.passwords.verify(change.current, Some(account.password_hash.clone())).await? {
        return Err(Problem::field("/current", "当前密码不对", "This is not your password of now"));
    }
    attempt.right();
    let hash = app.deps.passwords.hash(chosen).await?;
    let mut tx = app.deps.db.begin().await?;
    if !member::set_password(&mut tx, id, account.version, &hash).await? {
        return Err(Problem::new(&CONFLICT));
    }
    session::end_others(&mut tx, id, SessionId(ctx.actor.session), ctx.now(), "password_changed").await?;
    session::prove(&mut tx, &ctx).await?;
    audit::record(&mut tx, &ctx, "account.change_password", "account", id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's account, and the password that may be its next.
async fn chosen(app: &App, ctx: &Ctx, typed: &str) -> Result<(Account, String), Problem> {
    let mut conn = app.deps.db.read().await?;
    let account = find(&mut conn, ctx).await?.ok_or_else(Problem::unauthenticated)?;
    let names = member::names(&mut conn, &account).await?;
    let mut fields = Fields::default();
    let password = fields.take("/password", secret::password(typed, &names));
    Ok((account, fields.finish(password)?))
}

/// A PIN of 4 to 8 digits.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"pin": "4826"}))]
pub(super) struct NewPin {
    pin: String,
}

/// Sets the caller's PIN for shared tablets.
#[utoipa::path(put, path = "/v1/me/pin", tag = "log-in", request_body = NewPin, security(("bearer" = [])),
    description = "Permission: anybody logged in, by a proof of late (step-up).",
    responses((status = 204, description = "set"), (status = 401, description = "not logged in, or step-up-required"),
        (status = 422, description = "not a PIN, or one that is easily guessed")))]
pub async fn set(ctx: Ctx, AppState(app): AppState<App>, Json(body): Json<NewPin>) -> Result<StatusCode, Problem> {
    ctx.proved_lately()?;
    let mut fields = Fields::default();
    let pin = fields.take("/pin", secret::pin(&body.pin));
    let hash = app.deps.passwords.hash(fields.finish(pin)?).await?;
    let mut tx = app.deps.db.begin().await?;
    if !member::set_pin(&mut tx, ctx.actor.subject.into(), &hash).await? {
        return Err(Problem::unauthenticated());
    }
    audit::record(&mut tx, &ctx, "account.set_pin", "account", ctx.actor.subject).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's log-ins that have not ended, the newest first; 100 at most.
#[utoipa::path(get, path = "/v1/me/sessions", tag = "log-in", security(("bearer" = [])), description = "Permission: anybody logged in.",
    responses((status = 200, body = Vec<LogInView>), (status = 401, description = "not logged in")))]
pub async fn log_ins(ctx: Ctx, AppState(app): AppState<App>) -> Result<Json<Vec<LogInView>>, Problem> {
    Ok(Json(session::list(&mut app.deps.db.read().await?, &ctx).await?))
}

/// Ends every log-in of the caller but the one that asks.
#[utoipa::path(delete, path = "/v1/me/sessions", tag = "log-in", security(("bearer" = [])),
    description = "Permission: anybody logged in, by a proof of late (step-up).",
    responses((status = 204, description = "ended"), (status = 401, description = "not logged in, or step-up-required")))]
pub async fn end_others(ctx: Ctx, AppState(app): AppState<App>) -> Result<StatusCode, Problem> {
    ctx.proved_lately()?;
    let (id, this) = (AccountId::from(ctx.actor.subject), SessionId(ctx.actor.session));
    let mut tx = app.deps.db.begin().await?;
    session::end_others(&mut tx, id, this, ctx.now(), "ended_by_owner").await?;
    audit::record(&mut tx, &ctx, "account.end_other_sessions", "account", id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one log-in of the caller.
#[utoipa::path(delete, path = "/v1/me/sessions/{id}", tag = "log-in", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: the account whose log-in it is, by a proof of late (step-up).",
    responses((status = 204, description = "ended"), (status = 401, description = "not logged in, or step-up-required"),
        (status = 404, description = "unknown, somebody else's, or ended already")))]
pub async fn end_one(ctx: Ctx, AppState(app): AppState<App>, Path(id): Path<SessionId>) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    if !session::end_own(&mut tx, id, ctx.actor.subject.into(), ctx.now(), "ended_by_owner").await? {
        return Err(Problem::not_found());
    }
    ctx.proved_lately()?;
    audit::record(&mut tx, &ctx, "account.end_session", "session", id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
