//! Organisations in the database.

use sanbao_platform::bus;
use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::events::{OrganisationRegistered, REGISTERED};
use super::model::Organisation;
use crate::account::policy::{self, AccountAction, AccountRelation};

const FIND: &str =
    "select id, kind, name_zh, name_en, time_zone, phone, area_code, created_at from organisation where id = $1";
const LIST: &str = "select id, kind, name_zh, name_en, time_zone, phone, area_code, created_at from organisation
    where id > $1 order by id limit $2";
const LIST_FIRST: &str = "select id, kind, name_zh, name_en, time_zone, phone, area_code, created_at
    from organisation order by id limit $1";
const INSERT: &str = "insert into organisation (id, kind, name_zh, name_en, time_zone, phone, area_code, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

/// One organisation.
pub async fn find(conn: &mut Conn, id: OrganisationId) -> Result<Option<Organisation>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// The caller's own organisation; a token of one that is gone is refused.
pub(in crate::account) async fn own(conn: &mut Conn, ctx: &Ctx) -> Result<Organisation, Problem> {
    find(conn, ctx.actor.organisation).await?.ok_or_else(Problem::unauthenticated)
}

/// How the caller stands to the organisation, which must exist for the answer to be anything but `Foreign`.
async fn relation(
    conn: &mut Conn,
    ctx: &Ctx,
    id: OrganisationId,
) -> Result<(AccountRelation, Option<Organisation>), Problem> {
    let own = own(conn, ctx).await?;
    match find(conn, id).await? {
        Some(target) => Ok((own.relation_to(id), Some(target))),
        None => Ok((AccountRelation::Foreign, None)),
    }
}

/// Loads an organisation for `action`, or refuses as the policy says.
pub(in crate::account) async fn load(
    conn: &mut Conn,
    ctx: &Ctx,
    id: OrganisationId,
    action: AccountAction,
) -> Result<Organisation, Problem> {
    let (relation, organisation) = relation(conn, ctx, id).await?;
    policy::of(&ctx.actor, action, relation).require()?;
    organisation.ok_or_else(Problem::not_found)
}

/// Up to `limit` organisations by id, after `after`.
pub async fn list(conn: &mut Conn, after: Option<OrganisationId>, limit: i64) -> Result<Vec<Organisation>, DbError> {
    Ok(match after {
        None => on!(conn, |c| sqlx::query_as(LIST_FIRST).bind(limit).fetch_all(c).await)?,
        Some(after) => on!(conn, |c| sqlx::query_as(LIST).bind(after).bind(limit).fetch_all(c).await)?,
    })
}

/// The network's organisations for a form, the oldest first; at most 200.
pub async fn list_all(conn: &mut Conn) -> Result<Vec<Organisation>, DbError> {
    list(conn, None, 200).await
}

/// Stores a new organisation and tells the other services.
pub async fn insert(tx: &mut Tx, new: &Organisation) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(new.id).bind(new.kind).bind(&new.name_zh).bind(&new.name_en);
        let row = row.bind(&new.time_zone).bind(&new.phone).bind(&new.area_code).bind(new.created_at);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    expect_rows("insert organisation", 1, rows)?;
    let known = OrganisationRegistered {
        organisation_id: new.id,
        kind: new.kind,
        name_zh: &new.name_zh,
        name_en: &new.name_en,
    };
    bus::emit(tx, new.created_at, &REGISTERED, new.id, &known).await
}
