//! One's own second factor: begun, confirmed by a code, given up; and an account's, by its administrator.

use axum::extract::State as AppState;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::cookie::CookieJar;
use chrono::{DateTime, Utc};
use sanbao_platform::audit;
use sanbao_platform::auth::totp::TotpSecret;
use sanbao_platform::cn::half_width;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::http::{Ctx, Json, LoggedIn, Path, Visitor};
use sanbao_platform::problem::{CONFLICT, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{code, store};
use crate::App;
use crate::account::id::AccountId;
use crate::account::member;
use crate::account::member::dual::{self, DualOrder, OrderView};
use crate::account::policy::AccountAction;
use crate::account::qr::{self, Drawing};
use crate::account::session;

/// The name under which an authenticator shows the code.
const ISSUER: &str = "Sanbao";

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin, give_up))
        .routes(routes!(confirm))
        .routes(routes!(renew))
        .routes(routes!(reset))
}

/// A secret for an authenticator, told once. It counts when a code of it has been sent back.
#[derive(Serialize, ToSchema)]
pub struct FactorBegun {
    /// To be typed.
    secret: String,
    /// To be opened on the same device: `otpauth://totp/…`.
    address: String,
    /// The address as a QR code.
    qr: Option<Drawing>,
}

/// A code of the authenticator.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"code": "492039"}))]
pub struct FirstCode {
    code: String,
}

/// Codes for who has lost the authenticator: each is good once, and told once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    recovery_codes: Vec<String>,
    /// An access token that opens what the account may; a browser has it as a cookie.
    access_token: Option<String>,
}

/// Begins a second factor (RFC 6238: SHA-1, 30 s, 6 digits); a secret of before that was not confirmed is void.
#[utoipa::path(post, path = "/v1/me/second-factor", tag = "log-in", security(("bearer" = [])),
    description = "Permission: anybody logged in, by a proof of late (step-up).",
    responses((status = 200, body = FactorBegun), (status = 401, description = "not logged in, or step-up-required"),
        (status = 409, description = "conflict: there is one already")))]
pub async fn begin(LoggedIn(ctx): LoggedIn, AppState(app): AppState<App>) -> Result<Json<FactorBegun>, Problem> {
    ctx.proved_lately()?;
    let (id, secret) = (AccountId::from(ctx.actor.subject), TotpSecret::random());
    let mut tx = app.deps.db.begin().await?;
    let account = member::find(&mut tx, id).await?.ok_or_else(Problem::unauthenticated)?;
    if !store::begin(&mut tx, &app.deps.fields, id, &secret, ctx.now()).await? {
        let (zh, en) = ("已经有第二重验证，请先停用再换", "There is a second factor already; give it up first");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    audit::record(&mut tx, &ctx, "account.begin_second_factor", "account", id).await?;
    tx.commit().await?;
    let address = secret.address(ISSUER, &account.login);
    Ok(Json(FactorBegun { secret: secret.text(), qr: qr::draw(&address), address }))
}

/// Confirms the second factor by its first code: from now on it is asked for.
#[utoipa::path(post, path = "/v1/me/second-factor/confirm", tag = "log-in", request_body = FirstCode, security(("bearer" = [])),
    description = "Permission: anybody logged in; wrong tries are throttled.",
    responses((status = 200, body = RecoveryCodes), (status = 401, description = "not logged in"),
        (status = 422, description = "not the code, or nothing to confirm"),
        (status = 429, description = "too-many-requests after wrong tries, with Retry-After")))]
pub async fn confirm(
    LoggedIn(ctx): LoggedIn,
    visitor: Visitor,
    AppState(app): AppState<App>,
    headers: HeaderMap,
    jar: CookieJar,
    Json(typed): Json<FirstCode>,
) -> Result<(CookieJar, Json<RecoveryCodes>), Problem> {
    let id = AccountId::from(ctx.actor.subject);
    let attempt = app.guesses.attempt_of(&format!("code {id}"), visitor.address, None, ctx.now())?;
    let mut tx = app.deps.db.begin().await?;
    if !is_confirmed_by(&app, &mut tx, id, &typed.code, ctx.now()).await? {
        let (zh, en) = (
            "验证码不对。请核对手机时间是否准确，再输入最新的 6 位数字",
            "Not the code; check the phone's time, and type the newest 6 digits",
        );
        return Err(Problem::field("/code", zh, en));
    }
    attempt.right();
    let recovery_codes = code::renew(&mut tx, &app.deps.fields, id, ctx.now()).await?;
    session::prove(&mut tx, &ctx).await?;
    audit::record(&mut tx, &ctx, "account.set_second_factor", "account", id).await?;
    let (jar, access_token) = session::renewed(&app, &mut tx, &ctx, &headers, jar).await?;
    tx.commit().await?;
    Ok((jar, Json(RecoveryCodes { recovery_codes, access_token })))
}

/// Whether this is a code of the secret that waits for one; the factor counts then.
async fn is_confirmed_by(
    app: &App,
    tx: &mut Tx,
    account: AccountId,
    typed: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let waiting = store::find(tx, account).await?.filter(|factor| factor.confirmed_at.is_none());
    let secret = waiting.and_then(|factor| factor.secret(&app.deps.fields, account));
    match secret.and_then(|secret| secret.right(&half_width(typed), now, None)) {
        Some(step) => store::confirm(tx, account, step, now).await,
        None => Ok(false),
    }
}

/// Gives the caller fresh codes for recovery; those of before are void.
#[utoipa::path(post, path = "/v1/me/recovery-codes", tag = "log-in", security(("bearer" = [])),
    description = "Permission: anybody logged in, by a proof of late (step-up).",
    responses((status = 200, body = RecoveryCodes), (status = 401, description = "not logged in, or step-up-required"),
        (status = 409, description = "conflict: there is no second factor")))]
pub async fn renew(ctx: Ctx, AppState(app): AppState<App>) -> Result<Json<RecoveryCodes>, Problem> {
    ctx.proved_lately()?;
    let id = AccountId::from(ctx.actor.subject);
    let mut tx = app.deps.db.begin().await?;
    if !store::is_confirmed(&mut tx, id).await? {
        return Err(Problem::new(&CONFLICT).detail("还没有第二重验证", "There is no second factor yet"));
    }
    let recovery_codes = code::renew(&mut tx, &app.deps.fields, id, ctx.now()).await?;
    audit::record(&mut tx, &ctx, "account.renew_recovery_codes", "account", id).await?;
    tx.commit().await?;
    Ok(Json(RecoveryCodes { recovery_codes, access_token: None }))
}

/// Gives up the caller's second factor. A person who must have one keeps it: an administrator resets it for them.
#[utoipa::path(delete, path = "/v1/me/second-factor", tag = "log-in", security(("bearer" = [])),
    description = "Permission: anybody logged in who need not have one, by a proof of late (step-up).",
    responses((status = 204, description = "given up"), (status = 401, description = "not logged in, or step-up-required"),
        (status = 409, description = "conflict: the account must have one")))]
pub async fn give_up(ctx: Ctx, AppState(app): AppState<App>) -> Result<StatusCode, Problem> {
    ctx.proved_lately()?;
    let mut tx = app.deps.db.begin().await?;
    let roles = member::roles_anywhere(&mut tx, ctx.actor.subject.into()).await?;
    if app.config.account.second_factor.includes(&roles) {
        let (zh, en) = ("您的角色必须使用第二重验证，不能停用", "Your role must have a second factor");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    if store::drop_of(&mut tx, ctx.actor.subject.into()).await? {
        audit::record(&mut tx, &ctx, "account.drop_second_factor", "account", ctx.actor.subject).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the second factor of an account away, for its owner has lost it; its log-ins end. It sets up another at the next
/// one, if it must have one. Where the organisation has dual control, an administrator's waits for a second administrator.
#[utoipa::path(delete, path = "/v1/accounts/{id}/second-factor", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under. By a proof of late (step-up).",
    responses((status = 202, body = OrderView, description = "waits for a second administrator"), (status = 204, description = "taken away"),
        (status = 401, description = "not logged in, or step-up-required"),
        (status = 403, description = "not an administrator"), (status = 404, description = "unknown, of no concern to the caller, or without one"),
        (status = 409, description = "conflict: one's own account")))]
pub async fn reset(ctx: Ctx, AppState(app): AppState<App>, Path(id): Path<AccountId>) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let (account, membership) = member::load(&mut tx, &ctx, id, AccountAction::AccountUpdate).await?;
    if id == AccountId::from(ctx.actor.subject) {
        let (zh, en) =
            ("不能重置自己的第二重验证，请由另一位管理员重置", "Another administrator resets your second factor");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    ctx.proved_lately()?;
    let answer = if store::find(&mut tx, id).await?.is_some() && member::controlled(&mut tx, id).await? {
        let name = member::called(&account.display_name, &account.login);
        let order = dual::give(&mut tx, &ctx, membership.organisation, &DualOrder::Factor(id), &name).await?;
        (StatusCode::ACCEPTED, Json(order)).into_response()
    } else {
        take_away(&mut tx, &ctx, id).await?;
        StatusCode::NO_CONTENT.into_response()
    };
    tx.commit().await?;
    Ok(answer)
}

/// Takes the second factor of an account away; its log-ins end.
pub(in crate::account) async fn take_away(tx: &mut Tx, ctx: &Ctx, id: AccountId) -> Result<(), Problem> {
    if !store::drop_of(tx, id).await? {
        return Err(Problem::lacking());
    }
    session::end_all(tx, id, ctx.now(), "factor_reset").await?;
    let logs = member::places(tx, id).await?.into_iter().map(|place| place.id);
    Ok(audit::record_with(tx, ctx, logs, "account.reset_second_factor", "account", id).await?)
}
