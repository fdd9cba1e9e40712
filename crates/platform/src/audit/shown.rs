//! Writing down whom an answer shows: one audit row, and each set of subjects once, however often it is shown.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::{Json, Uuid};

use super::from::address;
use super::personal::{Disclosure, Subject};
use crate::auth::Actor;
use crate::crypto::sha256_hex;
use crate::db::{DbError, Engine, Tx};
use crate::id::uuid_v7;
use crate::on;

// A set is there once, however often it is shown.
const READ_SQLITE: &str = "insert into audit_shown (shown, kind, id)
    select $9, e.value ->> 'kind', unhex(e.value ->> 'id') from json_each($11) e where true on conflict do nothing;
    insert into audit
    (id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome, shown, address)
    values ($1, $2, $3, $4, $5, $6, $7, $8, 'done', $9, $10)";
const READ_POSTGRES: &str = "with members as (insert into audit_shown (shown, kind, id)
        select $9::uuid, e ->> 'kind', (e ->> 'id')::uuid from jsonb_array_elements($11) e on conflict do nothing)
    insert into audit
    (id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome, shown, address)
    values ($1, $2, $3, $4, $5, $6, $7, $8, 'done', $9, $10)";
const OF_SET: &str = "select kind, id from audit_shown where shown = $1 order by kind, id";

/// The parts of a request that stand in its audit row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub at: DateTime<Utc>,
    pub actor: Option<&'a Actor>,
    /// The method and the pattern of the path: `GET /v1/consults/{id}`.
    pub action: &'a str,
    pub request_id: &'a str,
}

/// A subject as both engines read it out of a JSON array.
#[derive(Serialize)]
struct Row<'a> {
    kind: &'a str,
    id: String,
}

/// The name of a set: the same subjects have the same one.
pub(super) fn name_of(subjects: &BTreeSet<Subject>) -> Uuid {
    let lines: Vec<String> = subjects.iter().map(|s| format!("{} {}", s.kind, s.id)).collect();
    sha256_hex(lines.join("\n").as_bytes()).get(..32).and_then(|hex| hex.parse().ok()).unwrap_or_default()
}

/// Writes what was noted, and gives the name of the set; nothing when nobody is shown.
pub(crate) async fn write(tx: &mut Tx, asked: Asked<'_>, shows: &Disclosure) -> Result<Option<Uuid>, DbError> {
    let (Some(first), subjects) = shows.take() else { return Ok(None) };
    let shown = name_of(&subjects);
    let rows: Vec<Row<'_>> = subjects.iter().map(|s| Row { kind: &s.kind, id: s.id.simple().to_string() }).collect();
    let statement = match tx.engine() {
        Engine::Sqlite(_) => READ_SQLITE,
        Engine::Postgres(_) => READ_POSTGRES,
    };
    let alone = subjects.iter().filter(|s| s.kind == first.kind).count() == 1;
    let Asked { at, actor, action, request_id } = asked;
    on!(tx, |c| {
        let row = sqlx::query(statement).bind(uuid_v7(at)).bind(at);
        let row = row.bind(actor.map(|a| a.subject)).bind(actor.map(|a| a.organisation)).bind(action);
        let row = row.bind(first.kind.as_ref()).bind(alone.then_some(first.id)).bind(request_id).bind(shown);
        let row = row.bind(address()).bind(Json(&rows));
        row.execute(c).await.map(drop)
    })?;
    Ok(Some(shown))
}

/// Notes the subjects of a set again: an answer that is given a second time shows them a second time.
pub(crate) async fn note_again(tx: &mut Tx, shows: &Disclosure, shown: Uuid) -> Result<(), DbError> {
    let rows: Vec<(String, Uuid)> = on!(tx, |c| sqlx::query_as(OF_SET).bind(shown).fetch_all(c).await)?;
    shows.note_all(rows.into_iter().map(|(kind, id)| Subject { kind: Cow::Owned(kind), id }));
    Ok(())
}
