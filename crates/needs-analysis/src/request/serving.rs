//! Which agency is nearest to somebody: the one that served the elder last, then those that serve the neighbourhood most.

use chrono::{Duration, NaiveDate};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use uuid::Uuid;

use crate::area::AreaCode;

/// So many days of the neighbourhood's requests are counted.
const DAYS: i64 = 90;

const OF_PERSON: &str = "select agency_id from request where person_id = $1 and agency_id is not null
    and removed_at is null order by received_at desc limit 1";
const OF_PHONE: &str = "select agency_id from request where phone = $1 and agency_id is not null
    and removed_at is null order by received_at desc limit 1";
// An area, all below it, and the requests there of some weeks; the agency with most of them first.
const AROUND: &str = "with recursive near (code, depth) as (
        select a.code, 0 from area a where a.code = $1
        union all
        select p.child, near.depth + 1 from near join area_parent p on p.parent = near.code
        where p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) and near.depth < 5)
    select r.agency_id from request r join near on near.code = r.area_code
    where r.received_on >= $3 and r.agency_id is not null and r.removed_at is null
    group by r.agency_id order by count(*) desc, r.agency_id limit 5";

/// The agency that served somebody last: by the record, or else by the telephone.
pub(super) async fn last(
    conn: &mut Conn,
    person: Option<Uuid>,
    phone: Option<&str>,
) -> Result<Option<OrganisationId>, DbError> {
    if let Some(person) = person {
        let found = on!(conn, |c| sqlx::query_scalar(OF_PERSON).bind(person).fetch_optional(c).await)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    let Some(phone) = phone else { return Ok(None) };
    Ok(on!(conn, |c| sqlx::query_scalar(OF_PHONE).bind(phone).fetch_optional(c).await)?)
}

/// The agencies of the requests in an area and below it, those with most first.
pub(super) async fn around(conn: &mut Conn, area: &AreaCode, today: NaiveDate) -> Result<Vec<OrganisationId>, DbError> {
    let since = today - Duration::days(DAYS);
    Ok(on!(conn, |c| sqlx::query_scalar(AROUND).bind(area).bind(today).bind(since).fetch_all(c).await)?)
}
