//! The organisations that this service knows by booking's events: agencies that requests are sent to, and street offices
//! whose sources are imported.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;

use crate::area::AreaCode;

const PUT_AGENCY: &str = "insert into agency (organisation_id, name_zh, name_en, updated_at) values ($1, $2, $3, $4)
    on conflict (organisation_id) do update set name_zh = excluded.name_zh, name_en = excluded.name_en,
        updated_at = excluded.updated_at";
const PUT_OFFICE: &str = "insert into office (organisation_id, name_zh, name_en, area_code, updated_at)
    values ($1, $2, $3, $4, $5)
    on conflict (organisation_id) do update set name_zh = excluded.name_zh, name_en = excluded.name_en,
        area_code = excluded.area_code, updated_at = excluded.updated_at";
const CLOSE_AGENCY: &str = "update agency set closed = $2, updated_at = $3 where organisation_id = $1";
const CLOSE_OFFICE: &str = "update office set closed = $2, updated_at = $3 where organisation_id = $1";
const OPEN_AGENCY: &str = "select count(*) from agency where organisation_id = $1 and not closed";
const AGENCIES: &str = "select organisation_id as id, name_zh, name_en, cast(null as text) as area_code from agency
    where not closed order by name_zh, organisation_id limit 200";
const OFFICES: &str = "select organisation_id as id, name_zh, name_en, area_code from office where not closed
    order by name_zh, organisation_id";

/// An organisation, as far as this service knows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Organisation {
    pub id: OrganisationId,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// The area that it governs: offices alone have one here.
    pub area_code: Option<AreaCode>,
}

/// Adds an agency to those a request can be sent to, or gives it its new name.
pub async fn put_agency(
    tx: &mut Tx,
    id: OrganisationId,
    name_zh: &str,
    name_en: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(PUT_AGENCY).bind(id).bind(name_zh).bind(name_en).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

/// Adds a street office to those whose sources are imported, or gives it its new name and area.
pub async fn put_office(tx: &mut Tx, office: &Organisation, now: DateTime<Utc>) -> Result<(), DbError> {
    on!(tx, |c| {
        let row = sqlx::query(PUT_OFFICE).bind(office.id).bind(&office.name_zh).bind(&office.name_en);
        row.bind(&office.area_code).bind(now).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Takes an organisation out of use, or back into it; one that is neither agency nor office is of no concern here.
pub async fn set_closed(tx: &mut Tx, id: OrganisationId, closed: bool, now: DateTime<Utc>) -> Result<(), DbError> {
    for statement in [CLOSE_AGENCY, CLOSE_OFFICE] {
        on!(tx, |c| sqlx::query(statement).bind(id).bind(closed).bind(now).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Whether a request can be sent to this agency: it is known and not closed.
pub async fn takes_requests(conn: &mut Conn, id: OrganisationId) -> Result<bool, DbError> {
    let open: i64 = on!(conn, |c| sqlx::query_scalar(OPEN_AGENCY).bind(id).fetch_one(c).await)?;
    Ok(open > 0)
}

/// The agencies that a request can be sent to, by name.
pub async fn agencies(conn: &mut Conn) -> Result<Vec<Organisation>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(AGENCIES).fetch_all(c).await)?)
}

/// The street offices that are not closed, by name.
pub async fn offices(conn: &mut Conn) -> Result<Vec<Organisation>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(OFFICES).fetch_all(c).await)?)
}
