//! `/v1/organisations`: the street office's administrator builds the network.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::{Ctx, Idempotency, Json, Page, Paging, Path, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::{audit, problem::Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Organisation, OrganisationKind, store};
use crate::App;
use crate::account::input::{Fields, Wrong, area_code, line};
use crate::account::policy::{self, Action, Relation};

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get))
}

/// The caller's own organisation; a token of one that is gone is refused.
pub(in crate::account) async fn own(conn: &mut Conn, ctx: &Ctx) -> Result<Organisation, Problem> {
    store::find(conn, ctx.actor.organisation).await?.ok_or_else(Problem::unauthenticated)
}

/// How the caller stands to the organisation, which must exist for the answer to be anything but `Foreign`.
pub(in crate::account) async fn relation(
    conn: &mut Conn,
    ctx: &Ctx,
    id: OrganisationId,
) -> Result<(Relation, Option<Organisation>), Problem> {
    let own = own(conn, ctx).await?;
    match store::find(conn, id).await? {
        Some(target) => Ok((own.relation_to(id), Some(target))),
        None => Ok((Relation::Foreign, None)),
    }
}

/// Loads an organisation for `action`, or refuses as the policy says.
pub(in crate::account) async fn load(
    conn: &mut Conn,
    ctx: &Ctx,
    id: OrganisationId,
    action: Action,
) -> Result<Organisation, Problem> {
    let (relation, organisation) = relation(conn, ctx, id).await?;
    policy::of(&ctx.actor, action, relation).require()?;
    organisation.ok_or_else(Problem::not_found)
}

async fn network(conn: &mut Conn, ctx: &Ctx) -> Result<Relation, DbError> {
    let own = store::find(conn, ctx.actor.organisation).await?;
    let street = own.is_some_and(|o| o.kind == OrganisationKind::StreetOffice);
    Ok(if street { Relation::Street } else { Relation::Foreign })
}

/// A new organisation.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"kind": "care_home", "name_zh": "安和怡养院", "name_en": "Anhe Care Home",
    "time_zone": "Asia/Shanghai", "phone": "0574-86270000", "area_code": "330211001001"}))]
pub(in crate::account) struct NewOrganisation {
    kind: OrganisationKind,
    #[serde(default)]
    #[schema(required)]
    name_zh: String,
    #[serde(default)]
    #[schema(required)]
    name_en: String,
    /// IANA zone; `Asia/Shanghai` when left out.
    time_zone: Option<String>,
    phone: Option<String>,
    area_code: Option<String>,
}

impl NewOrganisation {
    fn parse(&self, now: DateTime<Utc>) -> Result<Organisation, Problem> {
        let mut fields = Fields::default();
        let name_zh = fields.take("/name_zh", line(&self.name_zh, 80));
        let name_en = fields.take("/name_en", line(&self.name_en, 120));
        let zone = self.time_zone.as_deref().unwrap_or("Asia/Shanghai");
        let zone: Option<chrono_tz::Tz> =
            fields.take("/time_zone", zone.parse().map_err(|_| Wrong::new("没有这个时区", "No such IANA time zone")));
        let phone = fields.maybe("/phone", self.phone.as_deref(), |t| line(t, 40));
        let area_code = fields.maybe("/area_code", self.area_code.as_deref(), area_code);
        let parsed = name_zh.zip(name_en).zip(zone).map(|((name_zh, name_en), zone)| Organisation {
            id: OrganisationId::new(now),
            kind: self.kind,
            name_zh,
            name_en,
            time_zone: zone.name().to_owned(),
            phone,
            area_code,
            created_at: now,
        });
        fields.finish(parsed)
    }
}

/// The network's organisations.
#[utoipa::path(get, path = "/v1/organisations", tag = "organisations", params(Paging), security(("bearer" = [])),
    description = "Permission: administrator of the street office.",
    responses((status = 200, body = Page<Organisation>), (status = 403, description = "not an administrator of the street office")))]
async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Organisation>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let relation = network(&mut conn, &ctx).await?;
    policy::of(&ctx.actor, Action::OrganisationList, relation).require()?;
    let limit = paging.limit()?;
    let rows = store::list(&mut conn, paging.after()?, limit + 1).await?;
    Ok(Json(Page::of(rows, limit, |o| o.id)))
}

/// Adds an organisation.
#[utoipa::path(post, path = "/v1/organisations", tag = "organisations", request_body = NewOrganisation, security(("bearer" = [])),
    description = "Permission: administrator of the street office. Takes Idempotency-Key.",
    responses((status = 201, body = Organisation), (status = 403, description = "not an administrator of the street office"),
        (status = 422, description = "fields to correct")))]
async fn create(
    ctx: Ctx,
    AppState(app): AppState<App>,
    key: Idempotency,
    Json(new): Json<NewOrganisation>,
) -> Result<Response, Problem> {
    let relation = network(&mut app.deps.db.read().await?, &ctx).await?;
    policy::of(&ctx.actor, Action::OrganisationCreate, relation).require()?;
    let organisation = new.parse(ctx.now())?;
    let mut tx = app.deps.db.begin().await?;
    if let Some(answered) = key.begin(&mut tx, &ctx, "POST /v1/organisations", &new).await? {
        return Ok(answered);
    }
    store::insert(&mut tx, &organisation).await?;
    audit::record(&mut tx, &ctx, "organisation.create", "organisation", organisation.id).await?;
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &organisation).await?;
    tx.commit().await?;
    Ok(answer)
}

/// One organisation.
#[utoipa::path(get, path = "/v1/organisations/{id}", tag = "organisations", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: its own accounts; the street office's administrators.",
    responses((status = 200, body = Organisation), (status = 404, description = "unknown, or of no concern to the caller")))]
async fn get(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
) -> Result<Json<Organisation>, Problem> {
    let mut conn = app.deps.db.read().await?;
    Ok(Json(load(&mut conn, &ctx, id, Action::OrganisationRead).await?))
}
