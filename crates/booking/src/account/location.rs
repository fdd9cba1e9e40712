//! Rooms of an organisation that can be booked.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::http::{Ctx, Idempotency, Json, Page, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::{audit, on, problem::Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::id::LocationId;
use super::input::{Fields, line};
use super::organisation::api as organisation;
use super::policy::Action;
use crate::App;

const FIND: &str = "select id, organisation_id, name, created_at from location where id = $1";
const LIST: &str = "select id, organisation_id, name, created_at from location
    where organisation_id = $1 order by name, id limit $2";
const INSERT: &str = "insert into location (id, organisation_id, name, created_at) values ($1, $2, $3, $4)";
/// An organisation has at most this many rooms in a list.
const ROOMS_MAX: i64 = 200;

/// A room: FHIR Location.
#[derive(Clone, Debug, Serialize, ToSchema, sqlx::FromRow)]
pub struct Location {
    /// Its id: also its resource in the calendar.
    pub id: LocationId,
    /// Whose it is.
    #[schema(value_type = uuid::Uuid)]
    pub organisation_id: OrganisationId,
    /// What people call it.
    pub name: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// One room.
pub async fn find(conn: &mut Conn, id: LocationId) -> Result<Option<Location>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// An organisation's rooms by name.
pub async fn list(conn: &mut Conn, organisation: OrganisationId) -> Result<Vec<Location>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(LIST).bind(organisation).bind(ROOMS_MAX).fetch_all(c).await)?)
}

/// Stores a new room.
pub async fn insert(tx: &mut Tx, new: &Location) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(new.id).bind(new.organisation_id).bind(&new.name).bind(new.created_at);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    expect_rows("insert location", 1, rows)
}

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_rooms, create_room))
}

/// A new room.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"name": "远程会诊室 1"}))]
struct NewLocation {
    name: String,
}

/// An organisation's rooms, at most 200.
#[utoipa::path(get, path = "/v1/organisations/{id}/locations", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    security(("bearer" = [])), description = "Permission: its own accounts; the street office's administrators.",
    responses((status = 200, body = Page<Location>), (status = 404, description = "unknown, or of no concern to the caller")))]
async fn list_rooms(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
) -> Result<Json<Page<Location>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    organisation::load(&mut conn, &ctx, id, Action::LocationList).await?;
    Ok(Json(Page { items: list(&mut conn, id).await?, next: None }))
}

/// Adds a room.
#[utoipa::path(post, path = "/v1/organisations/{id}/locations", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = NewLocation, security(("bearer" = [])),
    description = "Permission: its administrators; the street office's administrators. Takes Idempotency-Key.",
    responses((status = 201, body = Location), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller"), (status = 422, description = "fields to correct")))]
async fn create_room(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
    key: Idempotency,
    Json(body): Json<NewLocation>,
) -> Result<Response, Problem> {
    organisation::load(&mut app.deps.db.read().await?, &ctx, id, Action::LocationCreate).await?;
    let mut fields = Fields::default();
    let name = fields.take("/name", line(&body.name, 40));
    let name = fields.finish(name)?;
    let room = Location { id: LocationId::new(ctx.now()), organisation_id: id, name, created_at: ctx.now() };
    let mut tx = app.deps.db.begin().await?;
    let what = format!("POST /v1/organisations/{id}/locations");
    if let Some(answered) = key.begin(&mut tx, &ctx, &what, &body).await? {
        return Ok(answered);
    }
    insert(&mut tx, &room).await?;
    audit::record(&mut tx, &ctx, "location.create", "location", room.id).await?;
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &room).await?;
    tx.commit().await?;
    Ok(answer)
}
