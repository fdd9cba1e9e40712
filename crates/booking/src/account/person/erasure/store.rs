//! Taking somebody out of the database, and the list of those who were.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sanbao_platform::bus;
use sanbao_platform::db::{Conn, Db, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use serde_json::Value;
use uuid::Uuid;

use super::model::Erasure;
use super::taken::{SUBJECTS, TAKEN};
use crate::account::id::PersonId;
use crate::consult::ConsultId;

/// Texts in the data of events that are emptied, and values that are taken out: see the catalogue.
const EVENT_TEXTS: &[&str] = &["reason"];
const EVENT_VALUES: &[&str] = &["area_code", "birth_year", "national_id_index"];

const RECORDS: &str = "select p.id from person p where p.id = $1 or p.merged_into = $1 order by p.id";
const CONSULTS: &str = "select c.id from consult c where c.resident_id = $1 order by c.id";
const REQUESTS: &str = "select distinct v.request_id from visit v where v.person_id = $1 order by v.request_id";
const INDEX: &str = "select p.national_id_index from person p where p.id = $1 and p.national_id_index is not null";
const JOINED_WITH: &str = "select p.id from person p where p.merged_into = $1
    union select p.merged_into from person p where p.id = $1 and p.merged_into is not null order by 1";
const INSERT: &str = "insert into person_erasure
    (id, person_id, records, cause, organisation_id, erased_by, erased_at, taken, hash, requests)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing";
const ALL: &str = "select id, person_id, records, cause, organisation_id, erased_by, erased_at, taken, hash, requests
    from person_erasure order by erased_at, id";
const OF_ORGANISATION: &str =
    "select id, person_id, records, cause, organisation_id, erased_by, erased_at, taken, hash, requests
    from person_erasure where organisation_id = $1 order by erased_at desc, id desc limit $2";

/// The record of a person, and every one that leads on to it.
pub(in crate::account::person) async fn records(conn: &mut Conn, person: PersonId) -> Result<Vec<Uuid>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(RECORDS).bind(person).fetch_all(c).await)?)
}

/// The requests of the visits to a record's person.
pub(in crate::account::person) async fn requests(conn: &mut Conn, record: Uuid) -> Result<Vec<Uuid>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(REQUESTS).bind(record).fetch_all(c).await)?)
}

/// The consults of these records.
pub(super) async fn consults(conn: &mut Conn, records: &[Uuid]) -> Result<Vec<ConsultId>, DbError> {
    let mut all = Vec::new();
    for record in records {
        let of: Vec<ConsultId> = on!(conn, |c| sqlx::query_scalar(CONSULTS).bind(record).fetch_all(c).await)?;
        all.extend(of);
    }
    Ok(all)
}

/// Takes out everything personal of these records; how many rows of which tables.
pub(super) async fn take_out(
    tx: &mut Tx,
    records: &[Uuid],
    at: DateTime<Utc>,
) -> Result<BTreeMap<String, u64>, DbError> {
    let mut taken = BTreeMap::new();
    let mut count = |table: &str, rows: u64| {
        if rows > 0 {
            *taken.entry(table.to_owned()).or_default() += rows;
        }
    };
    count("parked_event", forget_parked(tx, records).await?);
    for record in records {
        let mut subjects: Vec<Uuid> = on!(tx, |c| sqlx::query_scalar(SUBJECTS).bind(record).fetch_all(c).await)?;
        subjects.push(*record);
        count("outbox", bus::empty(tx, &subjects, EVENT_TEXTS, EVENT_VALUES).await?);
        for (table, statement) in TAKEN {
            let rows = on!(tx, |c| {
                let query = sqlx::query(*statement).bind(record);
                let query = if statement.contains("$2") { query.bind(at) } else { query };
                query.execute(c).await.map(|done| done.rows_affected())
            })?;
            count(table, rows);
        }
    }
    Ok(taken)
}

/// Deletes parked events of requests that are for the person of these records: by the visit, where there is one, else by what the
/// request says itself. It is asked while the records have their papers.
async fn forget_parked(tx: &mut Tx, records: &[Uuid]) -> Result<u64, DbError> {
    let (mut of_them, mut indexes) = (Vec::new(), Vec::new());
    for record in records {
        of_them.extend(requests(tx, *record).await?);
        let index: Option<String> = on!(tx, |c| sqlx::query_scalar(INDEX).bind(record).fetch_optional(c).await)?;
        indexes.extend(index);
    }
    let is_theirs = |data: &Value| {
        bus::is_one_of(data, "request_id", &of_them)
            || bus::is_one_of(data, "person_id", records)
            || data["national_id_index"].as_str().is_some_and(|index| indexes.iter().any(|own| own == index))
    };
    bus::forget_parked(tx, is_theirs).await
}

/// Writes the proof down; `false` when it stands there.
pub(super) async fn insert(tx: &mut Tx, e: &Erasure) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(e.id).bind(e.person_id).bind(&e.records).bind(e.cause);
        let row = row.bind(e.organisation_id).bind(e.erased_by).bind(e.erased_at).bind(&e.taken).bind(&e.hash);
        let row = row.bind(&e.requests);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// All who were erased, the first of them first: the list that a restore is given.
pub async fn all(db: &Db) -> Result<Vec<Erasure>, DbError> {
    let mut conn = db.read().await?;
    Ok(on!(conn, |c| sqlx::query_as(ALL).fetch_all(c).await)?)
}

/// Those whom an organisation has erased, the newest first.
pub(super) async fn of_organisation(conn: &mut Conn, own: OrganisationId, limit: i64) -> Result<Vec<Erasure>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(OF_ORGANISATION).bind(own).bind(limit).fetch_all(c).await)?)
}

/// The records that are joined with those of a proof and are not among them: in an older backup a join may stand that was undone
/// before the person was erased. Then what is one's and what is the other's cannot be told apart.
pub async fn strangers(db: &Db, erasure: &Erasure) -> Result<Vec<Uuid>, DbError> {
    let mut conn = db.read().await?;
    let mut strangers = Vec::new();
    for record in erasure.records.iter() {
        let joined: Vec<Uuid> = on!(conn, |c| sqlx::query_scalar(JOINED_WITH).bind(record).fetch_all(c).await)?;
        strangers.extend(joined.into_iter().filter(|id| !erasure.records.contains(id)));
    }
    Ok(strangers)
}

/// Takes somebody out who was erased before: what an older backup brought back. How many rows there were to take out, and the
/// consults whose rooms are to be emptied. It is asked before that there are no [`strangers`].
pub async fn apply(db: &Db, erasure: &Erasure) -> Result<(u64, Vec<ConsultId>), DbError> {
    let mut tx = db.begin().await?;
    let consults = consults(&mut tx, &erasure.records).await?;
    let taken = take_out(&mut tx, &erasure.records, erasure.erased_at).await?;
    insert(&mut tx, erasure).await?;
    tx.commit().await?;
    Ok((taken.values().sum(), consults))
}
