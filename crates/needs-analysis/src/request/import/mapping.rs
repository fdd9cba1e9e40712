//! The meanings that an organisation has once given a source's own words: which column a heading means, which category or area a word. It is
//! remembered per source and applied to its next file.

use axum::extract::State as AppState;
use chrono::{DateTime, Utc};
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::{Ctx, Json, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::invisible::without_invisible;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum;
use sanbao_platform::text_enum::TextEnum as _;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::api::require;
use super::input::COLUMNS;
use crate::App;
use crate::area::{self, AreaCode};
use crate::local_day;
use crate::request::category::Category;
use crate::request::input::WORD_CHARS_MAX;

/// Meanings of a source at most.
pub const MAPPINGS_MAX: i64 = 2_000;

const OF_SOURCE: &str = "select kind, said, meant from import_mapping where organisation = $1 and source = $2
    order by kind, said limit 2000";
const COUNT: &str = "select count(*) from import_mapping where organisation = $1 and source = $2";
const SET: &str =
    "insert into import_mapping (organisation, source, kind, said, meant, set_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (organisation, source, kind, said) do update set meant = excluded.meant, set_at = excluded.set_at";
const FORGET: &str = "delete from import_mapping where organisation = $1 and source = $2 and kind = $3 and said = $4";

text_enum! {
    /// The kind of a word of a file.
    pub enum MappingKind {
        /// A heading.
        Column = "column",
        /// A word of the column of categories.
        Category = "category",
        /// A word of the column of areas.
        Area = "area",
    }
}

/// The meaning of a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx_macros::FromRow)]
#[schema(example = json!({"kind": "category", "said": "遛狗", "meant": "visit"}))]
pub struct Mapping {
    pub kind: MappingKind,
    /// The word as the file has it.
    pub said: String,
    /// The field of a heading, the code of a category or of an area; none for a heading under which nothing is to be read, and for
    /// a category that stays among the others.
    pub meant: Option<String>,
}

/// Whose words they are.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SourceQuery {
    /// The system of the caller's organisation that files come from.
    pub source: String,
}

/// The meanings of a source's words.
#[derive(Debug, Serialize, ToSchema)]
pub struct Mappings {
    pub items: Vec<Mapping>,
}

/// The meaning that a word is to have from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"source": "csv", "kind": "area", "said": "胜利路", "meant": "330211001001"}))]
pub struct NewMapping {
    /// The system of the caller's organisation that files come from.
    pub source: String,
    pub kind: MappingKind,
    /// The word as the file has it.
    pub said: String,
    /// The field, the category or the area; nothing for a heading that is not to be read and for a category that stays among the
    /// others.
    pub meant: Option<String>,
    /// Whether to forget it instead.
    #[serde(default)]
    pub forget: bool,
}

/// The meanings of the words of an organisation's source.
pub(super) async fn of_source(conn: &mut Conn, owner: OrganisationId, source: &str) -> Result<Vec<Mapping>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(OF_SOURCE).bind(owner).bind(source).fetch_all(c).await)?)
}

async fn set(tx: &mut Tx, owner: OrganisationId, new: &NewMapping, now: DateTime<Utc>) -> Result<(), Problem> {
    let NewMapping { source, kind, said, meant, forget } = new;
    if *forget {
        on!(tx, |c| sqlx::query(FORGET).bind(owner).bind(source).bind(*kind).bind(said).execute(c).await.map(drop))
            .map_err(DbError::from)?;
        return Ok(());
    }
    let count: i64 =
        on!(tx, |c| sqlx::query_scalar(COUNT).bind(owner).bind(source).fetch_one(c).await).map_err(DbError::from)?;
    if count >= MAPPINGS_MAX {
        let zh = format!("一个来源最多记住 {MAPPINGS_MAX} 个词");
        return Err(Problem::field("/said", zh, format!("A source has at most {MAPPINGS_MAX} remembered words")));
    }
    on!(tx, |c| {
        let row = sqlx::query(SET).bind(owner).bind(source).bind(*kind).bind(said).bind(meant);
        row.bind(now).execute(c).await.map(drop)
    })
    .map_err(DbError::from)?;
    Ok(())
}

/// The word and the source without what nobody sees, or what is wrong with them.
fn checked(new: NewMapping) -> Result<NewMapping, Problem> {
    let text = |text: &str| without_invisible(text).trim().to_owned();
    let fits = |text: &str| (1..=WORD_CHARS_MAX).contains(&text.chars().count());
    let new = NewMapping { source: text(&new.source), said: text(&new.said), ..new };
    for (field, value) in [("/source", &new.source), ("/said", &new.said)] {
        if !fits(value) {
            return Err(Problem::field(field, "应为 1 到 100 字", "1 to 100 characters"));
        }
    }
    let known = match (new.kind, new.meant.as_deref()) {
        (_, None) => new.kind != MappingKind::Area || new.forget,
        (MappingKind::Column, Some(field)) => COLUMNS.contains(&field),
        (MappingKind::Category, Some(code)) => Category::from_text(code).is_some(),
        (MappingKind::Area, Some(code)) => AreaCode::parse(code).is_ok(),
    };
    if known { Ok(new) } else { Err(Problem::field("/meant", "没有这一项", "There is no such one")) }
}

/// The meanings of the words of a source of the caller's organisation.
#[utoipa::path(get, path = "/v1/imports/mappings", tag = "imports", params(SourceQuery),
    description = "Permission: those who import, of their own organisation.",
    responses((status = 200, body = Mappings), (status = 400), (status = 401), (status = 403), (status = 404)))]
pub(super) async fn list(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(of): Query<SourceQuery>,
) -> Result<Json<Mappings>, Problem> {
    require(&ctx)?;
    let mut conn = app.deps.db.read().await?;
    Ok(Json(Mappings { items: of_source(&mut conn, ctx.actor.organisation, &of.source).await? }))
}

/// Remembers what a word of a source means, from its next file on.
#[utoipa::path(put, path = "/v1/imports/mappings", tag = "imports", request_body = NewMapping,
    description = "Permission: those who import, of their own organisation; an area must be one of theirs.",
    responses((status = 200, body = Mappings), (status = 400), (status = 401), (status = 403), (status = 404),
    (status = 408), (status = 413), (status = 415), (status = 422)))]
pub(super) async fn remember(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Json(new): Json<NewMapping>,
) -> Result<Json<Mappings>, Problem> {
    require(&ctx)?;
    let (new, owner) = (checked(new)?, ctx.actor.organisation);
    let mut tx = app.deps.db.begin().await?;
    if new.kind == MappingKind::Area && !new.forget {
        let code = new.meant.as_deref().and_then(|code| AreaCode::parse(code).ok());
        let scope = area::scope_codes(&mut tx, &ctx.actor, local_day(ctx.now())).await?;
        if !code.is_some_and(|code| scope.contains(&code)) {
            return Err(Problem::field("/meant", "不在您负责的区域内", "Not within your area"));
        }
    }
    set(&mut tx, owner, &new, ctx.now()).await?;
    audit::record(&mut tx, &ctx, "import.edit", "import", owner).await?;
    let items = of_source(&mut tx, owner, &new.source).await?;
    tx.commit().await?;
    Ok(Json(Mappings { items }))
}
