//! Visits in the database.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Engine, Tx, expect_rows};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use uuid::Uuid;

use super::id::VisitId;
use super::model::{Visit, VisitRow};
use super::state::VisitStateName;
use crate::account::{AccountId, PersonId};
use crate::calendar::Interval;

/// The states of an order that is open, as statements and the index `visit_open_by_request` have them.
macro_rules! open_states {
    () => {
        "('requested', 'scheduled', 'in_service')"
    };
}

/// The columns that every statement over visits selects.
macro_rules! visits {
    ($rest:literal) => {
        concat!(
            "select v.*, a.display_name as caregiver_name,
             exists (select 1 from visit o where o.request_id = v.request_id and o.id <> v.id
                 and o.created_at >= v.created_at and o.state not in ('cancelled', 'no_show')) as followed
             from visit v left join account a on a.id = v.caregiver_id ",
            $rest
        )
    };
}

const HOLD_POSTGRES: &str = "select id from visit where id = $1 for update";
const FIND: &str = visits!("where v.id = $1");
const NEWEST: &str = concat!(
    visits!("where v.request_id = $1 order by case when v.state in "),
    open_states!(),
    " then 0 else 1 end, v.created_at desc, v.id desc limit 1"
);
const LIST: &str = visits!(
    "where v.agency_id = $1
      and (v.state = $2 or $2 is null)
      and (v.caregiver_id = $3 or $3 is null)
      and coalesce(v.starts_at, v.wanted_from, v.created_at) >= $4
      and coalesce(v.starts_at, v.wanted_from, v.created_at) < $5
      and (coalesce(v.starts_at, v.wanted_from, v.created_at), v.id) > ($6, $7)
    order by coalesce(v.starts_at, v.wanted_from, v.created_at), v.id limit $8"
);
const MINE: &str = visits!(
    "where v.caregiver_id = $1 and v.agency_id = $2
      and ((v.starts_at >= $3 and v.starts_at < $4 and v.state <> 'cancelled') or v.state = 'in_service')
    order by v.starts_at, v.id limit 200"
);
const NOT_BEGUN_OF: &str = visits!("where v.person_id = $1 and v.state in ('requested', 'scheduled') order by v.id");
const INSERT: &str = "insert into visit (id, request_id, agency_id, person_id, service_type, name, phone, address,
    area_code, note, wanted_from, wanted_until, request_withdrawn, state, created_at, version)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1) on conflict do nothing";
const UPDATE: &str = "update visit set state = $3, caregiver_id = $4, starts_at = $5, ends_at = $6,
    checked_in_at = $7, checked_out_at = $8, closed_at = $9, closed_reason = $10, service_type = $11, name = $12,
    phone = $13, address = $14, area_code = $15, note = $16, wanted_from = $17, wanted_until = $18, version = $19
    where id = $1 and version = $2";

const WITHDRAW: &str = "update visit set request_withdrawn = $2 where request_id = $1";
const OPEN_AT: &str = "select count(*) from visit where agency_id = $1
    and state in ('requested', 'scheduled', 'in_service')";
// As the calendar reads what is taken, of one agency's visits.
const OWN_WITH: &str = "select o.starts_at, o.ends_at from occupancy o join visit v on v.id = o.holder_id
    where o.resource_id = $1 and o.holder_kind = 'visit' and v.agency_id = $2 and o.starts_at < $4 and o.ends_at > $3
    order by o.starts_at, o.ends_at";

/// The request is not wanted any more: none of its orders is followed by another.
pub async fn withdraw(tx: &mut Tx, request_id: Uuid) -> Result<(), DbError> {
    Ok(on!(tx, |c| sqlx::query(WITHDRAW).bind(request_id).bind(true).execute(c).await.map(drop))?)
}

/// Keeps visits from being changed by others until the transaction ends, in the order of `ids`. Who takes time in the
/// calendar for one holds it before, as who frees its time does.
pub async fn hold(tx: &mut Tx, ids: &[VisitId]) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        for id in ids {
            sqlx::query(HOLD_POSTGRES).bind(id).execute(&mut *c).await?;
        }
    }
    Ok(())
}

/// The visit of this id.
pub async fn find(conn: &mut Conn, id: VisitId) -> Result<Option<Visit>, DbError> {
    let row: Option<VisitRow> = on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?;
    row.map(VisitRow::visit).transpose()
}

/// The order of a request that is open, else the last one.
pub async fn newest(conn: &mut Conn, request_id: Uuid) -> Result<Option<Visit>, DbError> {
    let row: Option<VisitRow> = on!(conn, |c| sqlx::query_as(NEWEST).bind(request_id).fetch_optional(c).await)?;
    row.map(VisitRow::visit).transpose()
}

/// The visits of an elder that have not begun: they can still be called off.
pub async fn not_begun_of(conn: &mut Conn, elder: PersonId) -> Result<Vec<Visit>, DbError> {
    let rows: Vec<VisitRow> = on!(conn, |c| sqlx::query_as(NOT_BEGUN_OF).bind(elder).fetch_all(c).await)?;
    rows.into_iter().map(VisitRow::visit).collect()
}

/// Which visits of an agency a list shows.
#[derive(Clone, Debug)]
pub struct VisitFilter {
    pub agency: OrganisationId,
    /// Only in this state.
    pub state: Option<VisitStateName>,
    /// Only this caregiver's.
    pub caregiver: Option<AccountId>,
    /// Beginning, wanted or come in from here on.
    pub from: DateTime<Utc>,
    /// The first moment that is left out.
    pub until: DateTime<Utc>,
    /// After this place of the list.
    pub after: (DateTime<Utc>, VisitId),
    /// At most so many.
    pub limit: i64,
}

/// The visits of a filter in the order of their times.
pub async fn list(conn: &mut Conn, filter: &VisitFilter) -> Result<Vec<Visit>, DbError> {
    let rows: Vec<VisitRow> = on!(conn, |c| {
        let query = sqlx::query_as(LIST).bind(filter.agency).bind(filter.state).bind(filter.caregiver);
        let query = query.bind(filter.from).bind(filter.until).bind(filter.after.0).bind(filter.after.1);
        query.bind(filter.limit).fetch_all(c).await
    })?;
    rows.into_iter().map(VisitRow::visit).collect()
}

/// A caregiver's visits that begin in `[from, until)`, and whichever is still going on.
pub async fn of_caregiver(
    conn: &mut Conn,
    agency: OrganisationId,
    caregiver: AccountId,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Visit>, DbError> {
    let rows: Vec<VisitRow> =
        on!(conn, |c| { sqlx::query_as(MINE).bind(caregiver).bind(agency).bind(from).bind(until).fetch_all(c).await })?;
    rows.into_iter().map(VisitRow::visit).collect()
}

/// Stores a new order; `false` when the request has an open one already.
pub async fn insert(tx: &mut Tx, visit: &Visit) -> Result<bool, DbError> {
    let (wish, contact) = (&visit.details, visit.details.contact.unseen());
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(visit.id).bind(visit.request_id).bind(visit.agency).bind(visit.person);
        let row = row.bind(&wish.service_type).bind(&contact.name).bind(&contact.phone).bind(&contact.address);
        let row = row.bind(&wish.area_code).bind(&contact.note).bind(wish.wanted_from).bind(wish.wanted_until);
        let row = row.bind(visit.request_withdrawn).bind(visit.state.name()).bind(visit.created_at);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Stores a visit over the version that was read; `false` when somebody has changed it since.
pub async fn update(tx: &mut Tx, read: i64, visit: &Visit) -> Result<bool, DbError> {
    let (wish, contact, state) = (&visit.details, visit.details.contact.unseen(), &visit.state);
    let (slot, closing) = (state.slot(), state.closing());
    let rows = on!(tx, |c| {
        let row = sqlx::query(UPDATE).bind(visit.id).bind(read).bind(state.name());
        let row = row.bind(slot.map(|s| s.caregiver)).bind(slot.map(|s| s.interval.starts_at()));
        let row = row.bind(slot.map(|s| s.interval.ends_at()));
        let row = row.bind(state.checked_in_at()).bind(state.checked_out_at());
        let row = row.bind(closing.map(|c| c.at)).bind(closing.map(|c| c.reason.as_str()));
        let row = row.bind(&wish.service_type).bind(&contact.name).bind(&contact.phone).bind(&contact.address);
        let row = row.bind(&wish.area_code).bind(&contact.note).bind(wish.wanted_from).bind(wish.wanted_until);
        row.bind(visit.version).execute(c).await.map(|r| r.rows_affected())
    })?;
    if rows > 1 {
        expect_rows("update visit", 1, rows)?;
    }
    Ok(rows == 1)
}

/// How many visits of an agency are to be made, or are being made.
pub async fn open_at(conn: &mut Conn, agency: OrganisationId) -> Result<i64, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(OPEN_AT).bind(agency).fetch_one(c).await)?)
}

/// When an agency's own visits take an elder's time within `within`, in order. What others have with the elder is theirs.
pub async fn own_with(
    conn: &mut Conn,
    agency: OrganisationId,
    elder: PersonId,
    within: Interval,
) -> Result<Vec<Interval>, DbError> {
    let rows: Vec<(DateTime<Utc>, DateTime<Utc>)> = on!(conn, |c| {
        let query = sqlx::query_as(OWN_WITH).bind(elder).bind(agency);
        query.bind(within.starts_at()).bind(within.ends_at()).fetch_all(c).await
    })?;
    let stored = |(starts_at, ends_at)| {
        Interval::new(starts_at, ends_at).map_err(|cause| DbError::BadRow {
            table: "occupancy",
            column: "ends_at",
            row: elder.to_string(),
            cause: cause.to_string(),
        })
    };
    rows.into_iter().map(stored).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_hold_those_states_open_that_the_life_cycle_does() {
        let open = VisitStateName::ALL.iter().filter(|state| state.is_open());
        let names: Vec<String> = open.map(|state| format!("'{state}'")).collect();
        assert_eq!(open_states!(), format!("({})", names.join(", ")));
    }
}
