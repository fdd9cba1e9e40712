//! Adding an account.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Idempotency, Json, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::input::{self, Fields, line};
use crate::account::member::input::{NewAccountBody, areas, roles};
use crate::account::member::model::Membership;
use crate::account::member::start::{Newcomer, begin, unknown_password};
use crate::account::member::view::{AccountView, AccountWithLink};
use crate::account::organisation;
use crate::account::policy::AccountAction;

/// Adds an account. The answer has the link by which its owner chooses a password.
#[utoipa::path(post, path = "/v1/organisations/{id}/accounts", tag = "accounts", params(("id" = uuid::Uuid, Path)),
    request_body = NewAccountBody, security(("bearer" = [])),
    description = "Permission: its administrators; those of the street office that it lies under. Takes Idempotency-Key.",
    responses((status = 201, body = AccountWithLink), (status = 403, description = "not an administrator"),
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
    let mut fields = Fields::default();
    let login = fields.take("/login", input::login(&body.login));
    let name = fields.take("/display_name", line(&body.display_name, 40));
    let roles = fields.take("/roles", roles(organisation.kind, &body.roles));
    let day = organisation.day(ctx.now());
    let areas = fields.take("/areas", areas(&mut conn, &organisation, day, &body.areas).await?);
    drop(conn);
    let (((login, name), roles), areas) = fields.finish(login.zip(name).zip(roles).zip(areas))?;
    let membership = Membership { organisation: id, roles, areas };
    let hash = unknown_password(&app).await?;
    let (mut tx, what) = (app.deps.db.begin().await?, format!("POST /v1/organisations/{id}/accounts"));
    if let Some(answered) = key.begin_sealed(&mut tx, &ctx, &app.deps.fields, &what, &body).await? {
        return Ok(answered);
    }
    let who = Newcomer { login: &login, name: &name };
    let (account, link) = begin(&mut tx, &ctx, who, &membership, &hash).await?;
    audit::record(&mut tx, &ctx, "account.create", "account", account.id).await?;
    let view = AccountWithLink { account: AccountView::of(account, membership), link };
    let answer = key.finish_sealed(&mut tx, &ctx, &app.deps.fields, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}
