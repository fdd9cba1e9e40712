//! The area tree by HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::{Ctx, Idempotency, Json, Page, Paging, Path, Query};
use sanbao_platform::problem::{CONFLICT, FieldError, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tree::{self, Area};
use super::{AreaCode, Level};
use crate::policy::{self, Action, Relation};
use crate::{App, local_day, rollup};

const NAME_CHARS_MAX: usize = 60;

/// The routes of this part.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show)).routes(routes!(move_to))
}

/// An area.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AreaView {
    /// Its code.
    #[schema(example = "330211001001")]
    pub code: String,
    /// Its level.
    pub level: Level,
    /// Its Chinese name.
    #[schema(example = "城东社区")]
    pub name_zh: String,
    /// Its English name, if it has one.
    pub name_en: Option<String>,
}

impl From<Area> for AreaView {
    fn from(a: Area) -> Self {
        Self { code: a.code.to_string(), level: a.level, name_zh: a.name_zh, name_en: a.name_en }
    }
}

/// An area with what it lies in and what lies in it, on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AreaDetail {
    /// The area.
    #[serde(flatten)]
    pub area: AreaView,
    /// The day.
    pub on: NaiveDate,
    /// What it lies in: the whole first, its parent last.
    pub path: Vec<AreaView>,
    /// What lies directly in it.
    pub children: Vec<AreaView>,
}

/// Which areas to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only those of this level.
    level: Option<Level>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u32>,
}

/// The day to look at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OnQuery {
    /// Parentage on this day; today when absent.
    on: Option<NaiveDate>,
}

/// A new area.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewArea {
    /// Its code: 1 to 40 letters, digits and hyphens.
    #[schema(example = "330211001001-C9")]
    code: String,
    /// Its level.
    level: Level,
    /// Its Chinese name.
    #[schema(example = "城东南苑")]
    name_zh: String,
    /// Its English name.
    name_en: Option<String>,
    /// The area it lies in; needed below the street.
    #[schema(example = "330211001001")]
    parent: Option<String>,
    /// From which day; today when absent.
    from: Option<NaiveDate>,
}

/// Where an area moves.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveArea {
    /// The area it lies in from then on.
    #[schema(example = "330211001001-C1")]
    parent: String,
    /// From which day.
    from: NaiveDate,
}

/// Areas in the order of their codes.
#[utoipa::path(get, path = "/v1/areas", tag = "areas", params(ListQuery), responses(
    (status = 200, body = Page<AreaView>), (status = 401), (status = 404)))]
async fn list(State(app): State<App>, ctx: Ctx, Query(q): Query<ListQuery>) -> Result<Json<Page<AreaView>>, Problem> {
    policy::allows(&ctx.actor, Action::AreaRead, Relation::Outside).require()?;
    let paging = Paging { after: q.after, limit: q.limit };
    let (limit, after) = (paging.limit()?, paging.after::<String>()?.unwrap_or_default());
    let mut conn = app.deps.db.read().await?;
    let rows = tree::list(&mut conn, q.level, &after, limit + 1).await?;
    Ok(Json(Page::of(rows, limit, |a| a.code.clone()).map(AreaView::from)))
}

/// An area with its path and its children.
#[utoipa::path(get, path = "/v1/areas/{code}", tag = "areas", params(("code" = String, Path), OnQuery), responses(
    (status = 200, body = AreaDetail), (status = 401), (status = 404)))]
async fn show(
    State(app): State<App>,
    ctx: Ctx,
    Path(code): Path<AreaCode>,
    Query(q): Query<OnQuery>,
) -> Result<Json<AreaDetail>, Problem> {
    policy::allows(&ctx.actor, Action::AreaRead, Relation::Outside).require()?;
    let mut conn = app.deps.db.read().await?;
    let area = tree::find(&mut conn, &code).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(detail(&mut conn, area, q.on.unwrap_or_else(|| local_day(ctx.now()))).await?))
}

async fn detail(conn: &mut Conn, area: Area, on: NaiveDate) -> Result<AreaDetail, Problem> {
    let mut path = tree::ancestors(conn, &area.code, on).await?;
    path.reverse();
    let children = tree::children(conn, &area.code, on).await?;
    let views = |areas: Vec<Area>| areas.into_iter().map(AreaView::from).collect();
    Ok(AreaDetail { area: area.into(), on, path: views(path), children: views(children) })
}

/// The parent named by a request: it must be there, of a higher level and within the actor's scope.
async fn parent_of(conn: &mut Conn, ctx: &Ctx, level: Level, code: &str, on: NaiveDate) -> Result<AreaCode, Problem> {
    let unknown = || Problem::field("/parent", "没有这个区域", "There is no such area");
    let code = AreaCode::parse(code).map_err(|_| unknown())?;
    let parent = tree::find(conn, &code).await?.ok_or_else(unknown)?;
    let inside = tree::scope(conn, &ctx.actor, &code, on).await?;
    policy::allows(&ctx.actor, Action::AreaEdit, relation(inside)).require()?;
    if parent.level <= level {
        return Err(Problem::field(
            "/parent",
            format!("{}只能属于更大的区域,不能属于{}", level.zh(), parent.level.zh()),
            format!("A {} lies in something larger, not in a {}", level.en(), parent.level.en()),
        ));
    }
    Ok(code)
}

fn relation(inside: bool) -> Relation {
    if inside { Relation::InScope } else { Relation::Outside }
}

fn parse(body: &NewArea) -> Result<Area, Problem> {
    let mut errors = Vec::new();
    let code = AreaCode::parse(&body.code).map_err(|_| {
        errors.push(FieldError::new(
            "/code",
            "编码为 1 到 40 个字母、数字或连字符",
            "A code of 1 to 40 letters, digits and hyphens",
        ));
    });
    let named = |text: &str| {
        !text.trim().is_empty() && text.chars().count() <= NAME_CHARS_MAX && !text.contains(char::is_control)
    };
    if !named(&body.name_zh) {
        errors.push(FieldError::new("/name_zh", "请填写名称,最多 60 字", "A name of up to 60 characters"));
    }
    if body.name_en.as_deref().is_some_and(|t| !named(t)) {
        errors.push(FieldError::new("/name_en", "英文名最多 60 字", "A name of up to 60 characters"));
    }
    if body.parent.is_none() && body.level != Level::Street {
        errors.push(FieldError::new("/parent", "请填写上级区域", "Say in which area it lies"));
    }
    match code {
        Ok(code) if errors.is_empty() => Ok(Area {
            code,
            level: body.level,
            name_zh: body.name_zh.trim().to_owned(),
            name_en: body.name_en.as_deref().map(|t| t.trim().to_owned()),
        }),
        _ => Err(Problem::invalid(errors)),
    }
}

/// The audit row; an area has a code and no uuid, so the code stands in the kind.
async fn audited(tx: &mut Tx, ctx: &Ctx, action: &str, code: &AreaCode) -> Result<(), DbError> {
    let kind = format!("area {code}");
    audit::record_as(tx, ctx.now(), Some(&ctx.actor), action, &kind, None, &ctx.request_id, "done").await
}

/// Adds an area. A street can be added by whoever has its code as area scope.
#[utoipa::path(post, path = "/v1/areas", tag = "areas", request_body = NewArea, responses(
    (status = 201, body = AreaView), (status = 401), (status = 403), (status = 409), (status = 422)))]
async fn create(
    State(app): State<App>,
    ctx: Ctx,
    key: Idempotency,
    Json(body): Json<NewArea>,
) -> Result<Response, Problem> {
    let known = !ctx.actor.areas.is_empty();
    policy::allows(&ctx.actor, Action::AreaEdit, relation(known)).require()?;
    let area = parse(&body)?;
    let from = body.from.unwrap_or_else(|| local_day(ctx.now()));
    let mut tx = app.deps.db.begin().await?;
    if let Some(answer) = key.begin(&mut tx, &ctx, "area.create", &body).await? {
        return Ok(answer);
    }
    let parent = match &body.parent {
        Some(code) => Some(parent_of(&mut tx, &ctx, area.level, code, from).await?),
        None => {
            let own = ctx.actor.areas.iter().any(|a| a == area.code.as_str());
            policy::allows(&ctx.actor, Action::AreaEdit, relation(own)).require()?;
            None
        }
    };
    if !tree::insert(&mut tx, &area, ctx.now()).await? {
        return Err(Problem::new(&CONFLICT).detail("这个编码已经有了", "This code is taken"));
    }
    if let Some(parent) = parent {
        tree::place(&mut tx, &area.code, &parent, from).await?;
    }
    audited(&mut tx, &ctx, "area.create", &area.code).await?;
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &AreaView::from(area)).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Moves an area into another from a day on; what was before stays as it was.
#[utoipa::path(post, path = "/v1/areas/{code}/move", tag = "areas", params(("code" = String, Path)),
    request_body = MoveArea, responses(
    (status = 200, body = AreaDetail), (status = 401), (status = 403), (status = 404), (status = 422)))]
async fn move_to(
    State(app): State<App>,
    ctx: Ctx,
    Path(code): Path<AreaCode>,
    Json(body): Json<MoveArea>,
) -> Result<Json<AreaDetail>, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let area = tree::find(&mut tx, &code).await?.ok_or_else(Problem::not_found)?;
    let inside = tree::scope(&mut tx, &ctx.actor, &code, local_day(ctx.now())).await?;
    policy::allows(&ctx.actor, Action::AreaEdit, relation(inside)).require()?;
    let parent = parent_of(&mut tx, &ctx, area.level, &body.parent, body.from).await?;
    match tree::latest_placement(&mut tx, &code).await? {
        None => tree::place(&mut tx, &code, &parent, body.from).await?,
        Some(running) if running.valid_to.is_none() && running.valid_from < body.from => {
            tree::relocate(&mut tx, &code, &running, &parent, body.from).await?;
        }
        Some(running) => {
            let day = running.valid_from;
            return Err(Problem::field(
                "/from",
                format!("应晚于上次调整的日期 {day}"),
                format!("Must be after the last move, {day}"),
            ));
        }
    }
    rollup::reparented(&mut tx, body.from).await?;
    audited(&mut tx, &ctx, "area.move", &code).await?;
    let view = detail(&mut tx, area, body.from).await?;
    tx.commit().await?;
    Ok(Json(view))
}
