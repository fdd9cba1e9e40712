//! Requests in the database: finding, adding, changing; every change is counted in its own transaction.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use sanbao_platform::cn::Phone;
use sanbao_platform::crypto::{FieldKeys, Unsealable};
use sanbao_platform::db::{Conn, DbError, Engine, Tx, expect_rows};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::typed_id;
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::border::Draft;
use super::category::{Category, Urgency};
use super::sla::Timed;
use super::state::{State, Step};
use crate::area::AreaCode;
use crate::local_day;
use crate::rollup::{self, Change};

typed_id!(
    /// A request.
    RequestId
);

/// The topic by which pages learn of changed requests.
pub const TOPIC: &str = "requests";
/// The source of requests that were typed in here.
pub const SOURCE_HOTLINE: &str = "hotline";

/// A request as it is stored.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// Which system it came from.
    pub source: String,
    /// Its id there.
    pub external_id: Option<String>,
    /// When it came in.
    pub received_at: DateTime<Utc>,
    /// The local day of that.
    pub received_on: NaiveDate,
    /// Where.
    pub area_code: AreaCode,
    /// What about.
    pub category: Category,
    /// The words for it, where the table has none.
    pub category_raw: Option<String>,
    /// How soon.
    pub urgency: Urgency,
    /// Who.
    pub elder_name: String,
    /// Whom to call.
    pub phone: Option<String>,
    /// The sealed resident id.
    pub national_id_sealed: Option<Vec<u8>>,
    /// Its blind index.
    pub national_id_index: Option<String>,
    /// The street address.
    pub address: Option<String>,
    /// What is wanted.
    pub note: Option<String>,
    /// From when.
    pub wanted_from: Option<DateTime<Utc>>,
    /// Until when.
    pub wanted_until: Option<DateTime<Utc>>,
    /// The person of the network it is for, once known.
    pub person_id: Option<Uuid>,
    /// Who it is for, without saying who.
    pub person_key: Option<Uuid>,
    /// The agency it was sent to.
    pub agency_id: Option<OrganisationId>,
    /// The visit that the agency planned for it.
    pub visit_id: Option<Uuid>,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub state_since: DateTime<Utc>,
    /// When an agency took it.
    pub accepted_at: Option<DateTime<Utc>>,
    /// The request it goes on in.
    pub merged_into: Option<RequestId>,
    /// A keyed hash of the imported row.
    pub content_index: Option<String>,
    /// When it was added here.
    pub created_at: DateTime<Utc>,
    /// Grows with each change.
    pub version: i64,
}

/// One row of a request's history.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct History {
    /// The version of the request that the step made.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Which account; none for an event or an import of the command line.
    pub actor: Option<Uuid>,
    /// Of which organisation.
    pub organisation: Option<Uuid>,
    /// What was done.
    pub step: String,
    /// The state before; none for the first row.
    pub state_before: Option<State>,
    /// The state after.
    pub state_after: State,
    /// Why.
    pub reason: Option<String>,
    /// What else was said.
    pub note: Option<String>,
}

const FIND: &str = "select id, source, external_id, received_at, received_on, area_code, category, category_raw,
    urgency, elder_name, phone, national_id_sealed, national_id_index, address, note, wanted_from, wanted_until,
    person_id, person_key, agency_id, visit_id, state, state_since, accepted_at, merged_into, content_index, created_at, version
    from request where id = $1";
const INSERT: &str = "insert into request (id, source, external_id, received_at, received_on, area_code, category,
    category_raw, urgency, elder_name, phone, national_id_sealed, national_id_index, address, note, wanted_from,
    wanted_until, person_id, person_key, agency_id, state, state_since, accepted_at, merged_into, content_index,
    created_at, version, visit_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
        $24, $25, $26, $27, $28)
    on conflict do nothing";
const UPDATE: &str = "update request set received_at = $3, received_on = $4, area_code = $5, category = $6,
    category_raw = $7, urgency = $8, elder_name = $9, phone = $10, national_id_sealed = $11, national_id_index = $12,
    address = $13, note = $14, wanted_from = $15, wanted_until = $16, person_id = $17, person_key = $18,
    agency_id = $19, state = $20, state_since = $21, accepted_at = $22, merged_into = $23, content_index = $24,
    visit_id = $25, version = version + 1
    where id = $1 and version = $2";
const ADD_HISTORY: &str = "insert into request_history
    (request_id, seq, at, actor, organisation, step, state_before, state_after, reason, note)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
// Many rows as one parameter: one round trip for a whole chunk of an import.
const ADD_HISTORIES_POSTGRES: &str = "insert into request_history
    (request_id, seq, at, actor, organisation, step, state_before, state_after, reason, note)
    select h.request_id, h.seq, h.at, h.actor, h.organisation, h.step, h.state_before, h.state_after, h.reason, h.note
    from jsonb_to_recordset($1) as h (request_id uuid, seq bigint, at timestamptz, actor uuid, organisation uuid,
        step text, state_before text, state_after text, reason text, note text)";
const ADD_HISTORIES_SQLITE: &str = "insert into request_history
    (request_id, seq, at, actor, organisation, step, state_before, state_after, reason, note)
    select unhex(replace(value ->> 'request_id', '-', '')), value ->> 'seq', value ->> 'at',
        unhex(replace(value ->> 'actor', '-', '')), unhex(replace(value ->> 'organisation', '-', '')),
        value ->> 'step', value ->> 'state_before', value ->> 'state_after', value ->> 'reason', value ->> 'note'
    from json_each($1)";
const HISTORY: &str = "select seq, at, actor, organisation, step, state_before, state_after, reason, note
    from request_history where request_id = $1 order by seq";
const ELDER_OF: &str = "select person_id from elder where national_id_index = $1 order by person_id limit 1";

impl Request {
    /// A request from a draft; `source` names the system it comes from.
    pub fn from_draft(draft: Draft, source: &str, fields: &FieldKeys, now: DateTime<Utc>) -> Self {
        let mut request = Self {
            id: RequestId::new(now),
            source: source.to_owned(),
            external_id: draft.external_id.clone(),
            received_at: draft.received_at,
            received_on: local_day(draft.received_at),
            area_code: draft.area_code.clone(),
            category: draft.category,
            category_raw: None,
            urgency: draft.urgency,
            elder_name: String::new(),
            phone: None,
            national_id_sealed: None,
            national_id_index: None,
            address: None,
            note: None,
            wanted_from: None,
            wanted_until: None,
            person_id: None,
            person_key: None,
            agency_id: None,
            visit_id: None,
            state: State::Received,
            state_since: draft.received_at,
            accepted_at: None,
            merged_into: None,
            content_index: None,
            created_at: now,
            version: 1,
        };
        request.take_details(draft, fields);
        request
    }

    /// Takes over what a draft says; the work order's own life stays.
    pub fn take_details(&mut self, draft: Draft, fields: &FieldKeys) {
        let index = draft.national_id.as_ref().map(|id| id.index(fields));
        if index != self.national_id_index {
            self.person_id = None;
        }
        let phone = draft.phone.as_ref().map(Phone::as_str);
        self.person_key = person_key(index.as_deref(), &draft.elder_name, phone, fields);
        self.national_id_sealed = draft.national_id.as_ref().map(|id| fields.seal(&self.place(), id.as_str()));
        self.national_id_index = index;
        self.received_at = draft.received_at;
        self.received_on = local_day(draft.received_at);
        self.area_code = draft.area_code;
        self.category = draft.category;
        self.category_raw = draft.category_raw;
        self.urgency = draft.urgency;
        self.elder_name = draft.elder_name;
        self.phone = draft.phone.as_ref().map(|p| p.as_str().to_owned());
        self.address = draft.address;
        self.note = draft.note;
        self.wanted_from = draft.wanted_from;
        self.wanted_until = draft.wanted_until;
    }

    /// Where the sealed resident id lies.
    fn place(&self) -> String {
        super::reseal::place(self.id.0)
    }

    /// The resident id with its middle masked, `None` when there is none; `Err` when it does not open, which the log
    /// says once.
    pub fn masked_national_id(&self, fields: &FieldKeys) -> Result<Option<String>, Unsealable> {
        let Some(sealed) = &self.national_id_sealed else { return Ok(None) };
        let open = fields.open_or_report(&self.place(), sealed).ok_or(Unsealable)?;
        Ok(Some(sanbao_platform::cn::mask_resident_id(&open)))
    }

    /// What its clock depends on.
    pub fn timed(&self) -> Timed {
        Timed {
            category: self.category,
            urgency: self.urgency,
            received_at: self.received_at,
            state: self.state,
            state_since: self.state_since,
            accepted_at: self.accepted_at,
        }
    }

    fn change(&self, from: Option<State>, to: Option<State>) -> Change {
        Change {
            area_code: self.area_code.clone(),
            category: self.category,
            day: self.received_on,
            person_key: self.person_key,
            from,
            to,
        }
    }

    fn counted_like(&self, other: &Self) -> bool {
        (&self.area_code, self.category, self.received_on, self.person_key)
            == (&other.area_code, other.category, other.received_on, other.person_key)
    }
}

/// The same person has the same key: by resident id, else by name and telephone.
pub(super) fn person_key(index: Option<&str>, name: &str, phone: Option<&str>, fields: &FieldKeys) -> Option<Uuid> {
    let index = match (index, phone) {
        (Some(index), _) => index.to_owned(),
        (None, Some(phone)) => fields.blind_index("name_and_phone", &format!("{name}\n{phone}")),
        (None, None) => return None,
    };
    index.get(..32).and_then(|hex| hex.parse().ok())
}

/// What a change means for the counts: nothing, a step, or a going and a coming.
pub fn changes(before: Option<&Request>, after: &Request) -> Vec<Change> {
    match before {
        None => vec![after.change(None, Some(after.state))],
        Some(b) if b.counted_like(after) && b.state == after.state => Vec::new(),
        Some(b) if b.counted_like(after) => vec![after.change(Some(b.state), Some(after.state))],
        Some(b) => vec![b.change(Some(b.state), None), after.change(None, Some(after.state))],
    }
}

/// Counts changes: once a transaction, after all other work but events and audit.
pub async fn count(tx: &mut Tx, changes: &[Change]) -> Result<(), DbError> {
    rollup::apply_all(tx, changes).await
}

/// The request of an id.
pub async fn find(conn: &mut Conn, id: RequestId) -> Result<Option<Request>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// Adds a request; `false` when its source has sent this id before. Not counted here.
pub async fn insert(conn: &mut Conn, r: &Request) -> Result<bool, DbError> {
    let rows = on!(conn, |c| {
        let row = sqlx::query(INSERT).bind(r.id).bind(&r.source).bind(&r.external_id).bind(r.received_at);
        let row = row.bind(r.received_on).bind(&r.area_code).bind(r.category).bind(&r.category_raw).bind(r.urgency);
        let row = row.bind(&r.elder_name).bind(&r.phone).bind(&r.national_id_sealed).bind(&r.national_id_index);
        let row = row.bind(&r.address).bind(&r.note).bind(r.wanted_from).bind(r.wanted_until).bind(r.person_id);
        let row = row.bind(r.person_key).bind(r.agency_id).bind(r.state).bind(r.state_since).bind(r.accepted_at);
        let row = row.bind(r.merged_into).bind(&r.content_index).bind(r.created_at).bind(r.version);
        row.bind(r.visit_id).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Stores a changed request over the version that was read; `false` when somebody was faster.
pub async fn update(conn: &mut Conn, r: &Request) -> Result<bool, DbError> {
    let rows = on!(conn, |c| {
        let row = sqlx::query(UPDATE).bind(r.id).bind(r.version).bind(r.received_at).bind(r.received_on);
        let row = row.bind(&r.area_code).bind(r.category).bind(&r.category_raw).bind(r.urgency).bind(&r.elder_name);
        let row = row.bind(&r.phone).bind(&r.national_id_sealed).bind(&r.national_id_index).bind(&r.address);
        let row = row.bind(&r.note).bind(r.wanted_from).bind(r.wanted_until).bind(r.person_id).bind(r.person_key);
        let row = row.bind(r.agency_id).bind(r.state).bind(r.state_since).bind(r.accepted_at).bind(r.merged_into);
        row.bind(&r.content_index).bind(r.visit_id).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Adds a row to a request's history.
pub async fn add_history(conn: &mut Conn, request: RequestId, row: &History) -> Result<(), DbError> {
    let rows = on!(conn, |c| {
        let q = sqlx::query(ADD_HISTORY).bind(request).bind(row.seq).bind(row.at).bind(row.actor);
        let q = q.bind(row.organisation).bind(&row.step).bind(row.state_before).bind(row.state_after);
        q.bind(&row.reason).bind(&row.note).execute(c).await.map(|done| done.rows_affected())
    })?;
    expect_rows("add history", 1, rows)
}

#[derive(Serialize)]
struct HistoryRow<'a> {
    request_id: RequestId,
    seq: i64,
    /// As both engines read it; SQLite keeps the text, so it must be the form that sqlx writes.
    at: String,
    actor: Option<Uuid>,
    organisation: Option<Uuid>,
    step: &'a str,
    state_before: Option<State>,
    state_after: State,
    reason: Option<&'a str>,
    note: Option<&'a str>,
}

/// Adds many rows to many histories in one statement.
pub async fn add_histories(conn: &mut Conn, rows: &[(RequestId, History)]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let json: Vec<HistoryRow<'_>> = rows
        .iter()
        .map(|(request_id, h)| HistoryRow {
            request_id: *request_id,
            seq: h.seq,
            at: h.at.to_rfc3339_opts(SecondsFormat::AutoSi, false),
            actor: h.actor,
            organisation: h.organisation,
            step: &h.step,
            state_before: h.state_before,
            state_after: h.state_after,
            reason: h.reason.as_deref(),
            note: h.note.as_deref(),
        })
        .collect();
    let statement = match conn.engine() {
        Engine::Sqlite(_) => ADD_HISTORIES_SQLITE,
        Engine::Postgres(_) => ADD_HISTORIES_POSTGRES,
    };
    let json = Json(json);
    let added = on!(conn, |c| sqlx::query(statement).bind(&json).execute(c).await.map(|done| done.rows_affected()))?;
    expect_rows("add histories", rows.len() as u64, added)
}

/// A request's history, the first row first.
pub async fn history(conn: &mut Conn, request: RequestId) -> Result<Vec<History>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(HISTORY).bind(request).fetch_all(c).await)?)
}

/// The person of the network whose resident id has this index.
pub async fn elder_of(conn: &mut Conn, index: Option<&str>) -> Result<Option<Uuid>, DbError> {
    let Some(index) = index else { return Ok(None) };
    Ok(on!(conn, |c| sqlx::query_scalar(ELDER_OF).bind(index).fetch_optional(c).await)?)
}

/// Tells pages that a request changed: the street's lists, and those of the agencies concerned.
pub fn touch(tx: &mut Tx, agencies: impl IntoIterator<Item = Option<OrganisationId>>) {
    tx.touch(TOPIC, Uuid::nil());
    for agency in agencies.into_iter().flatten() {
        tx.touch(TOPIC, agency);
    }
}

impl History {
    /// A row for a step that takes `before` to another state.
    pub fn of(at: DateTime<Utc>, step: Step, before: &Request, after: State) -> Self {
        Self {
            seq: before.version + 1,
            at,
            actor: None,
            organisation: None,
            step: step.path().to_owned(),
            state_before: Some(before.state),
            state_after: after,
            reason: None,
            note: None,
        }
    }

    /// The first row: it was received.
    pub fn received(at: DateTime<Utc>) -> Self {
        Self {
            seq: 1,
            at,
            actor: None,
            organisation: None,
            step: "receive".to_owned(),
            state_before: None,
            state_after: State::Received,
            reason: None,
            note: None,
        }
    }

    /// The same row, done by somebody.
    #[must_use]
    pub fn by(mut self, actor: &sanbao_platform::auth::Actor) -> Self {
        self.actor = Some(actor.subject.0);
        self.organisation = Some(actor.organisation.0);
        self
    }
}
