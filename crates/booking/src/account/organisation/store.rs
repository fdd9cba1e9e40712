//! Organisations in the database.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::bus;
use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use super::events::{OrganisationRegistered, REGISTERED};
use super::model::{Organisation, OrganisationKind};
use crate::account::area;
use crate::account::policy::{self, AccountAction, AccountRelation};

const FIND: &str = "select id, kind, name_zh, name_en, time_zone, phone, area_code, made_by, state,
    version, created_at from organisation where id = $1";
/// The organisations that an office reaches: those in its area that are no office, and those that it made. The office is `$1`,
/// its area `$2`, the day `$3`.
macro_rules! reached {
    () => {
        "(id = $1 or made_by = $1 or (kind <> 'street_office' and (area_code = $2 or exists (select 1 from area_within w
            where w.code = organisation.area_code and w.ancestor = $2 and w.valid_from <= $3 and w.valid_until > $3))))"
    };
}

pub(in crate::account) use reached;

const LIST: &str = concat!(
    "select id, kind, name_zh, name_en, time_zone, phone, area_code, made_by, state, version, created_at
    from organisation where id > $4 and ",
    reached!(),
    " order by id limit $5"
);
/// How many organisations that an office reaches have a name, beside one of them.
const NAMESAKES: &str = concat!(
    "select count(*) from organisation where replace(name_zh, ' ', '') = replace($4, ' ', '') and id <> $5 and ",
    reached!()
);
const ADMINISTERED: &str = "select count(*) from membership m where m.organisation_id = $1 and m.role = 'administrator'
    and exists (select 1 from login_session s where s.account_id = m.account_id and s.organisation_id = m.organisation_id)";
const INSERT: &str = "insert into organisation (id, kind, name_zh, name_en, time_zone, phone, area_code,
    made_by, state, version, created_at, announced_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)";
const UPDATE: &str = "update organisation set state = $3, version = $4, name_zh = $5, name_en = $6, phone = $7,
    area_code = $8 where id = $1 and version = $2";

/// One organisation.
pub async fn find(conn: &mut Conn, id: OrganisationId) -> Result<Option<Organisation>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// The caller's own organisation; a token of one that is gone is refused.
pub(crate) async fn own(conn: &mut Conn, ctx: &Ctx) -> Result<Organisation, Problem> {
    find(conn, ctx.actor.organisation).await?.ok_or_else(Problem::unauthenticated)
}

/// How the caller's organisation stands to another.
///
/// An office governs what lies in its area, and never another office. It makes others as well, and governs one of these
/// only until somebody has come in as its administrator.
pub(super) async fn relation(
    conn: &mut Conn,
    ctx: &Ctx,
    own: &Organisation,
    other: &Organisation,
) -> Result<AccountRelation, DbError> {
    if own.id == other.id {
        return Ok(AccountRelation::Own);
    }
    if own.kind != OrganisationKind::StreetOffice {
        return Ok(AccountRelation::Foreign);
    }
    if other.kind != OrganisationKind::StreetOffice
        && let (Some(code), Some(top)) = (&other.area_code, &own.area_code)
        && area::lies_in(conn, code, top, own.day(ctx.now())).await?
    {
        return Ok(AccountRelation::Governed);
    }
    if other.made_by != Some(own.id) {
        return Ok(AccountRelation::Foreign);
    }
    let administered: i64 = on!(conn, |c| sqlx::query_scalar(ADMINISTERED).bind(other.id).fetch_one(c).await)?;
    Ok(if administered == 0 { AccountRelation::Governed } else { AccountRelation::Made })
}

/// Loads an organisation for `action`, or refuses as the policy says.
pub(crate) async fn load(
    conn: &mut Conn,
    ctx: &Ctx,
    id: OrganisationId,
    action: AccountAction,
) -> Result<Organisation, Problem> {
    let own = own(conn, ctx).await?;
    let found = find(conn, id).await?;
    let relation = match &found {
        Some(other) => relation(conn, ctx, &own, other).await?,
        None => AccountRelation::Foreign,
    };
    policy::of(&ctx.actor, action, relation).require()?;
    found.ok_or_else(Problem::not_found)
}

/// How many other organisations that an office reaches have the name of this one.
pub(super) async fn namesakes(
    conn: &mut Conn,
    office: &Organisation,
    on: NaiveDate,
    named: &str,
    itself: OrganisationId,
) -> Result<i64, DbError> {
    Ok(on!(conn, |c| {
        let row = sqlx::query_scalar(NAMESAKES).bind(office.id).bind(&office.area_code).bind(on);
        row.bind(named).bind(itself).fetch_one(c).await
    })?)
}

/// Up to `limit` organisations that an office reaches, by id, after `after`.
pub(crate) async fn list(
    conn: &mut Conn,
    office: &Organisation,
    on: NaiveDate,
    after: Option<OrganisationId>,
    limit: i64,
) -> Result<Vec<Organisation>, DbError> {
    let after = after.unwrap_or(OrganisationId(Uuid::nil()));
    Ok(on!(conn, |c| {
        let rows = sqlx::query_as(LIST).bind(office.id).bind(&office.area_code).bind(on);
        rows.bind(after).bind(limit).fetch_all(c).await
    })?)
}

/// Stores a new organisation and tells the other services.
pub async fn insert(tx: &mut Tx, new: &Organisation) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(new.id).bind(new.kind).bind(&new.name_zh).bind(&new.name_en);
        let row = row.bind(&new.time_zone).bind(&new.phone).bind(&new.area_code).bind(new.made_by);
        let row = row.bind(new.state).bind(new.version).bind(new.created_at);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    expect_rows("insert organisation", 1, rows)?;
    tell(tx, new, new.created_at).await
}

/// Tells the other services of an organisation.
pub(super) async fn tell(tx: &mut Tx, organisation: &Organisation, now: DateTime<Utc>) -> Result<(), DbError> {
    bus::emit(tx, now, &REGISTERED, organisation.id, &OrganisationRegistered::of(organisation)).await
}

/// Writes an organisation over `version`; `false` when somebody else was faster.
pub(super) async fn update(tx: &mut Tx, version: i64, after: &Organisation) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(UPDATE).bind(after.id).bind(version).bind(after.state).bind(after.version);
        let row = row.bind(&after.name_zh).bind(&after.name_en).bind(&after.phone).bind(&after.area_code);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}
