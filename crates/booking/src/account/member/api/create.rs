//! Adding an account.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, Idempotency, Json, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::input::{self, Fields, line};
use crate::account::member::dual::{self, DualOrder, OrderView};
use crate::account::member::input::{NewAccountBody, areas, roles};
use crate::account::member::model::Membership;
use crate::account::member::start::{Newcomer, begin, unknown_password};
use crate::account::member::store;
use crate::account::member::view::{AccountView, AccountWithLink};
use crate::account::organisation::{self, Organisation};
use crate::account::policy::AccountAction;
use crate::account::problems::LOGIN_TAKEN;

/// An account as an order names it: two people may have one name.
pub(in crate::account) fn called(name: &str, login: &str) -> String {
    format!("{name} · {login}")
}

/// A new account, checked.
pub(in crate::account::member) struct NewMember {
    login: String,
    name: String,
    membership: Membership,
}

/// The account that is wanted, or every field that is wrong.
pub(in crate::account::member) async fn checked(
    conn: &mut Conn,
    ctx: &Ctx,
    own: &Organisation,
    body: &NewAccountBody,
) -> Result<NewMember, Problem> {
    let mut fields = Fields::default();
    let login = fields.take("/login", input::login(&body.login));
    let name = fields.take("/display_name", line(&body.display_name, 40));
    let roles = fields.take("/roles", roles(own.kind, &body.roles));
    let areas = fields.take("/areas", areas(conn, own, own.day(ctx.now()), &body.areas).await?);
    let (((login, name), roles), areas) = fields.finish(login.zip(name).zip(roles).zip(areas))?;
    Ok(NewMember { login, name, membership: Membership { organisation: own.id, roles, areas } })
}

/// Stores it, with the link for its owner. `hash` is of a password that nobody knows.
pub(in crate::account::member) async fn write(
    tx: &mut Tx,
    ctx: &Ctx,
    new: NewMember,
    hash: &str,
) -> Result<AccountWithLink, Problem> {
    let who = Newcomer { login: &new.login, name: &new.name };
    let (account, link) = begin(tx, ctx, who, &new.membership, hash).await?;
    audit::record(tx, ctx, "account.create", "account", account.id).await?;
    Ok(AccountWithLink { account: AccountView::of(account, new.membership), link })
}

/// Adds an account. The answer has the link by which its owner chooses a password. Where the organisation has dual control, an
/// administrator's account waits for a second administrator.
#[utoipa::path(post, path = "/v1/organisations/{id}/accounts", tag = "accounts", params(("id" = uuid::Uuid, Path)),
    request_body = NewAccountBody, security(("bearer" = [])),
    description = "Permission: its administrators; those of the street office that it lies under. Takes Idempotency-Key.",
    responses((status = 201, body = AccountWithLink), (status = 202, body = OrderView, description = "waits for a second administrator"),
        (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "login-taken"), (status = 422, description = "fields to correct")))]
pub async fn create(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
    key: Idempotency,
    Json(body): Json<NewAccountBody>,
) -> Result<Response, Problem> {
    let mut conn = app.deps.db.read().await?;
    let organisation = organisation::load(&mut conn, &ctx, id, AccountAction::AccountCreate).await?;
    let new = checked(&mut conn, &ctx, &organisation, &body).await?;
    drop(conn);
    let hash = unknown_password(&app).await?;
    let (mut tx, what) = (app.deps.db.begin().await?, format!("POST /v1/organisations/{id}/accounts"));
    if let Some(answered) = key.begin_sealed(&mut tx, &ctx, &app.deps.fields, &what, &body).await? {
        return Ok(answered);
    }
    if dual::is_administrator(&new.membership.roles) && dual::guards(&mut tx, id).await? {
        if store::find_by_login(&mut tx, &new.login).await?.is_some() {
            return Err(Problem::new(&LOGIN_TAKEN));
        }
        let name = called(&new.name, &new.login);
        let wish = DualOrder::Create(NewAccountBody { login: new.login, ..body });
        let order = dual::give(&mut tx, &ctx, id, &wish, &name).await?;
        let answer = key.finish_sealed(&mut tx, &ctx, &app.deps.fields, StatusCode::ACCEPTED, &order).await?;
        tx.commit().await?;
        return Ok(answer);
    }
    let view = write(&mut tx, &ctx, new, &hash).await?;
    let answer = key.finish_sealed(&mut tx, &ctx, &app.deps.fields, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}
