//! Visits in the database.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::{on, typed_id};
use uuid::Uuid;

use super::state::{Closing, Slot, State, StateName};
use crate::account::{AccountId, PersonId};
use crate::calendar::Interval;

typed_id!(
    /// A home visit, from order to proof.
    VisitId
);

/// A visit order as it stands.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Its id.
    pub id: VisitId,
    /// The request it came from, in needs-analysis.
    pub request_id: Uuid,
    /// Whose caregivers make it.
    pub agency: OrganisationId,
    /// Who is visited.
    pub person: PersonId,
    /// What for: a code of the category table.
    pub service_type: String,
    /// The elder's name, as the request has it.
    pub name: String,
    /// Whom to call.
    pub phone: String,
    /// Where.
    pub address: String,
    /// In which area.
    pub area_code: String,
    /// What to know.
    pub note: String,
    /// Not before.
    pub wanted_from: Option<DateTime<Utc>>,
    /// Not after.
    pub wanted_until: Option<DateTime<Utc>>,
    /// Whether the request was cancelled; then no other order follows.
    pub request_withdrawn: bool,
    /// Where it stands.
    pub state: State,
    /// The assigned caregiver's name.
    pub caregiver_name: Option<String>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Counts the changes.
    pub version: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: VisitId,
    request_id: Uuid,
    agency_id: OrganisationId,
    person_id: PersonId,
    service_type: String,
    name: String,
    phone: String,
    address: String,
    area_code: String,
    note: String,
    wanted_from: Option<DateTime<Utc>>,
    wanted_until: Option<DateTime<Utc>>,
    request_withdrawn: bool,
    state: StateName,
    caregiver_id: Option<AccountId>,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    checked_in_at: Option<DateTime<Utc>>,
    checked_out_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    closed_reason: Option<String>,
    created_at: DateTime<Utc>,
    version: i64,
    caregiver_name: Option<String>,
}

impl Row {
    fn bad(&self, column: &'static str) -> DbError {
        let cause = format!("does not fit the state {}", self.state.as_str());
        DbError::BadRow { table: "visit", column, row: self.id.to_string(), cause }
    }

    fn slot(&self) -> Result<Option<Slot>, DbError> {
        let (Some(caregiver), Some(from), Some(until)) = (self.caregiver_id, self.starts_at, self.ends_at) else {
            return Ok(None);
        };
        let interval = Interval::new(from, until).map_err(|_| self.bad("ends_at"))?;
        Ok(Some(Slot { caregiver, interval }))
    }

    fn state(&self) -> Result<State, DbError> {
        let slot = self.slot()?;
        let planned = || slot.ok_or_else(|| self.bad("caregiver_id"));
        let came = || self.checked_in_at.ok_or_else(|| self.bad("checked_in_at"));
        let closing = || {
            let (at, reason) = self.closed_at.zip(self.closed_reason.clone()).ok_or_else(|| self.bad("closed_at"))?;
            Ok::<_, DbError>(Closing { at, reason })
        };
        Ok(match self.state {
            StateName::Requested => State::Requested,
            StateName::Scheduled => State::Scheduled(planned()?),
            StateName::InService => State::InService { slot: planned()?, checked_in_at: came()? },
            StateName::Completed => State::Completed {
                slot: planned()?,
                checked_in_at: came()?,
                checked_out_at: self.checked_out_at.ok_or_else(|| self.bad("checked_out_at"))?,
            },
            StateName::Cancelled => State::Cancelled { slot, closing: closing()? },
            StateName::NoShow => State::NoShow { slot: planned()?, closing: closing()? },
        })
    }

    fn visit(self) -> Result<Visit, DbError> {
        let state = self.state()?;
        Ok(Visit {
            id: self.id,
            request_id: self.request_id,
            agency: self.agency_id,
            person: self.person_id,
            service_type: self.service_type,
            name: self.name,
            phone: self.phone,
            address: self.address,
            area_code: self.area_code,
            note: self.note,
            wanted_from: self.wanted_from,
            wanted_until: self.wanted_until,
            request_withdrawn: self.request_withdrawn,
            state,
            caregiver_name: self.caregiver_name,
            created_at: self.created_at,
            version: self.version,
        })
    }
}

impl Visit {
    /// The steps that are legal: another order follows only while the request still stands.
    pub fn legal(&self) -> Vec<&'static str> {
        let legal = self.state.name().legal().iter().copied();
        legal.filter(|step| *step != "repeat" || !self.request_withdrawn).collect()
    }

    /// A new order for the same request, with nothing planned.
    pub fn again(&self, now: DateTime<Utc>) -> Self {
        Self {
            id: VisitId::new(now),
            state: State::Requested,
            caregiver_name: None,
            created_at: now,
            version: 1,
            ..self.clone()
        }
    }

    /// Its place in lists: when it begins, is wanted, or came in.
    pub fn sort_key(&self) -> (DateTime<Utc>, VisitId) {
        let begins = self.state.slot().map(|s| s.interval.starts_at());
        (begins.or(self.wanted_from).unwrap_or(self.created_at), self.id)
    }
}

const FIND: &str = "select v.*, a.display_name as caregiver_name
    from visit v left join account a on a.id = v.caregiver_id where v.id = $1";
const FIND_LIVE: &str = "select v.*, a.display_name as caregiver_name
    from visit v left join account a on a.id = v.caregiver_id
    where v.request_id = $1 and v.state not in ('cancelled', 'no_show')";
const LIST: &str = "select v.*, a.display_name as caregiver_name
    from visit v left join account a on a.id = v.caregiver_id
    where v.agency_id = $1
      and (v.state = $2 or $2 is null)
      and (v.caregiver_id = $3 or $3 is null)
      and coalesce(v.starts_at, v.wanted_from, v.created_at) >= $4
      and coalesce(v.starts_at, v.wanted_from, v.created_at) < $5
      and (coalesce(v.starts_at, v.wanted_from, v.created_at), v.id) > ($6, $7)
    order by coalesce(v.starts_at, v.wanted_from, v.created_at), v.id limit $8";
const MINE: &str = "select v.*, a.display_name as caregiver_name
    from visit v join account a on a.id = v.caregiver_id
    where v.caregiver_id = $1 and v.agency_id = $2
      and ((v.starts_at >= $3 and v.starts_at < $4 and v.state <> 'cancelled') or v.state = 'in_service')
    order by v.starts_at, v.id limit 200";
const INSERT: &str = "insert into visit (id, request_id, agency_id, person_id, service_type, name, phone, address,
    area_code, note, wanted_from, wanted_until, request_withdrawn, state, created_at, version)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'requested', $14, 1) on conflict do nothing";
const UPDATE: &str = "update visit set state = $3, caregiver_id = $4, starts_at = $5, ends_at = $6,
    checked_in_at = $7, checked_out_at = $8, closed_at = $9, closed_reason = $10, version = version + 1
    where id = $1 and version = $2";

const WITHDRAW: &str = "update visit set request_withdrawn = $2 where request_id = $1";

/// The request is not wanted any more: none of its orders is followed by another.
pub async fn withdraw(tx: &mut Tx, request_id: Uuid) -> Result<(), DbError> {
    Ok(on!(tx, |c| sqlx::query(WITHDRAW).bind(request_id).bind(true).execute(c).await.map(drop))?)
}

/// The visit of this id.
pub async fn find(conn: &mut Conn, id: VisitId) -> Result<Option<Visit>, DbError> {
    let row: Option<Row> = on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?;
    row.map(Row::visit).transpose()
}

/// The order of a request that lives or was done.
pub async fn find_live(conn: &mut Conn, request_id: Uuid) -> Result<Option<Visit>, DbError> {
    let row: Option<Row> = on!(conn, |c| sqlx::query_as(FIND_LIVE).bind(request_id).fetch_optional(c).await)?;
    row.map(Row::visit).transpose()
}

/// Which visits of an agency a list shows.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Whose.
    pub agency: OrganisationId,
    /// Only in this state.
    pub state: Option<StateName>,
    /// Only this caregiver's.
    pub caregiver: Option<AccountId>,
    /// Beginning, wanted or come in from here on.
    pub from: DateTime<Utc>,
    /// And before this.
    pub until: DateTime<Utc>,
    /// After this place of the list.
    pub after: (DateTime<Utc>, VisitId),
    /// At most so many.
    pub limit: i64,
}

/// The visits of a filter in the order of their times.
pub async fn list(conn: &mut Conn, filter: &Filter) -> Result<Vec<Visit>, DbError> {
    let rows: Vec<Row> = on!(conn, |c| {
        let query = sqlx::query_as(LIST).bind(filter.agency).bind(filter.state).bind(filter.caregiver);
        let query = query.bind(filter.from).bind(filter.until).bind(filter.after.0).bind(filter.after.1);
        query.bind(filter.limit).fetch_all(c).await
    })?;
    rows.into_iter().map(Row::visit).collect()
}

/// A caregiver's visits that begin in `[from, until)`, and whichever is still going on.
pub async fn of_caregiver(
    conn: &mut Conn,
    agency: OrganisationId,
    caregiver: AccountId,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Visit>, DbError> {
    let rows: Vec<Row> =
        on!(conn, |c| { sqlx::query_as(MINE).bind(caregiver).bind(agency).bind(from).bind(until).fetch_all(c).await })?;
    rows.into_iter().map(Row::visit).collect()
}

/// Stores a new order; `false` when the request already has one.
pub async fn insert(tx: &mut Tx, visit: &Visit) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(visit.id).bind(visit.request_id).bind(visit.agency).bind(visit.person);
        let row = row.bind(&visit.service_type).bind(&visit.name).bind(&visit.phone).bind(&visit.address);
        let row = row.bind(&visit.area_code).bind(&visit.note).bind(visit.wanted_from).bind(visit.wanted_until);
        let row = row.bind(false).bind(visit.created_at);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Stores the new state of a visit that nobody else has changed since it was read; `false` when somebody has.
pub async fn update(tx: &mut Tx, visit: &Visit) -> Result<bool, DbError> {
    let (state, slot, closing) = (&visit.state, visit.state.slot(), visit.state.closing());
    let rows = on!(tx, |c| {
        let row = sqlx::query(UPDATE).bind(visit.id).bind(visit.version).bind(state.name());
        let row = row.bind(slot.map(|s| s.caregiver)).bind(slot.map(|s| s.interval.starts_at()));
        let row = row.bind(slot.map(|s| s.interval.ends_at()));
        let row = row.bind(state.checked_in_at()).bind(state.checked_out_at());
        let row = row.bind(closing.map(|c| c.at)).bind(closing.map(|c| c.reason.as_str()));
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    if rows > 1 {
        expect_rows("update visit", 1, rows)?;
    }
    Ok(rows == 1)
}
