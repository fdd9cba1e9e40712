//! `/v1/organisations`: the street office's administrator builds the network.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json, Page, Paging, Path, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::StepRequest;
use sanbao_platform::{audit, problem::Problem};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::input::{First, NewOrganisation, OrganisationChange, OrganisationClosing};
use super::model::{Organisation, OrganisationKind, OrganisationMade};
use super::steps::{self, OrganisationOrder};
use super::store::{self, load};
use super::territory;
use crate::App;
use crate::account::member::{self, AccountLink, Membership, Newcomer};
use crate::account::policy::{self, AccountAction, AccountRelation};
use crate::role::ADMINISTRATOR;

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, edit))
        .routes(routes!(close))
        .routes(routes!(reopen))
}

/// How the caller stands to the network as a whole.
async fn network(conn: &mut Conn, ctx: &Ctx) -> Result<(Organisation, AccountRelation), Problem> {
    let own = store::own(conn, ctx).await?;
    let office = own.kind == OrganisationKind::StreetOffice;
    Ok((own, if office { AccountRelation::Governed } else { AccountRelation::Foreign }))
}

/// The organisations that the office reaches: those in its area, and those that it made.
#[utoipa::path(get, path = "/v1/organisations", tag = "organisations", params(Paging), security(("bearer" = [])),
    description = "Permission: administrator of the street office.",
    responses((status = 200, body = Page<Organisation>), (status = 403, description = "not an administrator of the street office")))]
async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Organisation>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let (own, relation) = network(&mut conn, &ctx).await?;
    policy::of(&ctx.actor, AccountAction::OrganisationList, relation).require()?;
    let limit = paging.limit()?;
    let rows = store::list(&mut conn, &own, own.day(ctx.now()), paging.after()?, limit + 1).await?;
    Ok(Json(Page::of(rows, limit, |o| o.id)))
}

/// Adds an organisation. With an administrator, the answer has the link by which this one chooses a password.
#[utoipa::path(post, path = "/v1/organisations", tag = "organisations", request_body = NewOrganisation, security(("bearer" = [])),
    description = "Permission: administrator of the street office. Takes Idempotency-Key.",
    responses((status = 201, body = OrganisationMade), (status = 403, description = "not an administrator of the street office"),
        (status = 409, description = "login-taken"),
        (status = 422, description = "fields to correct")))]
async fn create(
    ctx: Ctx,
    AppState(app): AppState<App>,
    key: Idempotency,
    Json(new): Json<NewOrganisation>,
) -> Result<Response, Problem> {
    let (own, relation) = network(&mut app.deps.db.read().await?, &ctx).await?;
    policy::of(&ctx.actor, AccountAction::OrganisationCreate, relation).require()?;
    let (organisation, first) = new.parse(ctx.now(), own.id, app.deps.dialling_code.as_ref())?;
    let hash = member::unknown_password(&app).await?;
    let (mut tx, what) = (app.deps.db.begin().await?, "POST /v1/organisations");
    if let Some(answered) = key.begin_sealed(&mut tx, &ctx, &app.deps.fields, what, &new).await? {
        return Ok(answered);
    }
    territory::of_new(&mut tx, &ctx, &own, &organisation).await?;
    if !new.same_name {
        steps::alone(&mut tx, &ctx, &own, &organisation, &organisation.name_zh).await?;
    }
    store::insert(&mut tx, &organisation).await?;
    let link = match &first {
        Some(first) => Some(administrator(&mut tx, &ctx, organisation.id, first, &hash).await?),
        None => None,
    };
    audit::record(&mut tx, &ctx, "organisation.create", "organisation", organisation.id).await?;
    let made = OrganisationMade { organisation, link };
    let answer = key.finish_sealed(&mut tx, &ctx, &app.deps.fields, StatusCode::CREATED, &made).await?;
    tx.commit().await?;
    Ok(answer)
}

/// The account of a new organisation's first administrator, with the link to it.
async fn administrator(
    tx: &mut Tx,
    ctx: &Ctx,
    organisation: OrganisationId,
    first: &First,
    hash: &str,
) -> Result<AccountLink, Problem> {
    let who = Newcomer { login: &first.login, name: &first.name };
    let membership = Membership { organisation, roles: vec![ADMINISTRATOR.to_owned()], areas: Vec::new() };
    let (account, link) = member::begin(tx, ctx, who, &membership, hash).await?;
    audit::record(tx, ctx, "account.create", "account", account.id).await?;
    Ok(link)
}

/// One organisation.
#[utoipa::path(get, path = "/v1/organisations/{id}", tag = "organisations", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: its own accounts; administrators of the office that it lies under, or that made it.",
    responses((status = 200, body = Organisation), (status = 404, description = "unknown, or of no concern to the caller")))]
async fn get(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
) -> Result<(ETag, Json<Organisation>), Problem> {
    let mut conn = app.deps.db.read().await?;
    let organisation = load(&mut conn, &ctx, id, AccountAction::OrganisationRead).await?;
    Ok((ETag(organisation.version), Json(organisation)))
}

type Asked = StepRequest<App, OrganisationId>;

/// Changes an organisation's name, telephone or area; what is left out stays. Where it lies in another area since, its
/// accounts lose the areas that are outside. An area that others have a part in is refused, and so is a name within the
/// caller's reach, unless `same_name` says that another organisation of this name is meant.
#[utoipa::path(patch, path = "/v1/organisations/{id}", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = OrganisationChange, security(("bearer" = [])),
    description = "Permission: its administrators, who say once where it lies; those of the street office that it lies under. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = Organisation), (status = 403, description = "not an administrator, or not the caller's to change"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: closed"), (status = 412, description = "changed by somebody else"),
        (status = 422, description = "fields to correct")))]
async fn edit(asked: Asked, Json(body): Json<OrganisationChange>) -> Result<Response, Problem> {
    asked.take(OrganisationOrder::Edit(body)).await
}

/// Closes an organisation: the log-ins of its people end, nobody of it logs in, and nobody can choose it for something
/// new. What is open at it stays as it is.
#[utoipa::path(post, path = "/v1/organisations/{id}/close", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = OrganisationClosing, security(("bearer" = [])),
    description = "Permission: administrators of the street office that made it. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = Organisation), (status = 403, description = "not of the office that made it"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: closed already"), (status = 412, description = "changed by somebody else"),
        (status = 422, description = "fields to correct")))]
async fn close(asked: Asked, Json(body): Json<OrganisationClosing>) -> Result<Response, Problem> {
    asked.take(OrganisationOrder::Close(body)).await
}

/// Reopens a closed organisation: its people log in as before.
#[utoipa::path(post, path = "/v1/organisations/{id}/reopen", tag = "organisations", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of the street office that made it. Takes Idempotency-Key and If-Match.",
    responses((status = 200, body = Organisation), (status = 403, description = "not of the office that made it"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: open already"), (status = 412, description = "changed by somebody else")))]
async fn reopen(asked: Asked) -> Result<Response, Problem> {
    asked.take(OrganisationOrder::Reopen).await
}
