//! Adding an account.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::id::AccountId;
use crate::account::input::{self, Fields, line};
use crate::account::member::input::{NewAccountBody, areas, roles};
use crate::account::member::model::{Membership, NewAccount};
use crate::account::member::store;
use crate::account::member::view::AccountView;
use crate::account::organisation;
use crate::account::policy::AccountAction;
use crate::account::problems::LOGIN_TAKEN;

/// Adds an account.
#[utoipa::path(post, path = "/v1/organisations/{id}/accounts", tag = "accounts", params(("id" = uuid::Uuid, Path)),
    request_body = NewAccountBody, security(("bearer" = [])),
    description = "Permission: its administrators; the street office's administrators. Takes Idempotency-Key.",
    responses((status = 201, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "login-taken"), (status = 422, description = "fields to correct")))]
pub async fn create(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
    key: Idempotency,
    Json(body): Json<NewAccountBody>,
) -> Result<Response, Problem> {
    let organisation =
        organisation::load(&mut app.deps.db.read().await?, &ctx, id, AccountAction::AccountCreate).await?;
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
    let answer = key.finish_tagged(&mut tx, &ctx, StatusCode::CREATED, ETag(view.version), &view).await?;
    tx.commit().await?;
    Ok(answer)
}
