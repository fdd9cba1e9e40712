//! Facts of many rooms in four statements: what is read again, the consults' rows, the events, the audit.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sanbao_platform::audit::{self, Done};
use sanbao_platform::bus::{NewEvent, publish_all};
use sanbao_platform::db::{DbError, Engine, Tx, as_text};
use serde::Serialize;
use sqlx::types::Json;

use super::Record;
use crate::events::{
    self, ConsultAttendance, ConsultCapture, ConsultChat, ConsultConsent, ConsultEscalated, ConsultFinished,
    ConsultLifted, ConsultRemoved, ConsultStarted, ConsultWaitOver,
};
use crate::id::Epoch;
use crate::room::{Capture, Fact, Removal};

const REMEMBER_SQLITE: &str = "insert into consult_fact (epoch, position, n, consult, kind, at, data)
    select unhex(e.value ->> 'epoch'), e.value ->> 'position', e.value ->> 'n', unhex(e.value ->> 'consult'),
        e.value ->> 'kind', e.value ->> 'at', e.value -> 'data'
    from json_each($1) e where true on conflict do nothing returning epoch, position, n";
const REMEMBER_POSTGRES: &str = "insert into consult_fact (epoch, position, n, consult, kind, at, data)
    select (e ->> 'epoch')::uuid, (e ->> 'position')::bigint, (e ->> 'n')::bigint, (e ->> 'consult')::uuid,
        e ->> 'kind', (e ->> 'at')::timestamptz, e -> 'data'
    from jsonb_array_elements($1) e on conflict do nothing returning epoch, position, n";
/// Fills in the times of rooms, and leaves a room that is over as it was; the rows come from either engine's JSON.
macro_rules! rooms {
    ($rows:literal) => {
        concat!(
            "insert into consult_room (consult, started_at, finished_at, together_seconds)\n    ",
            $rows,
            "
    on conflict (consult) do update set
        started_at = coalesce(consult_room.started_at, excluded.started_at),
        together_seconds = case when consult_room.finished_at is null
            then coalesce(excluded.together_seconds, consult_room.together_seconds)
            else consult_room.together_seconds end,
        finished_at = coalesce(consult_room.finished_at, excluded.finished_at)"
        )
    };
}
const ROOMS_SQLITE: &str = rooms!(
    "select unhex(e.value ->> 'consult'), e.value ->> 'started_at', e.value ->> 'finished_at',
        e.value ->> 'together_seconds'
    from json_each($1) e where true"
);
const ROOMS_POSTGRES: &str = rooms!(
    "select (e ->> 'consult')::uuid, (e ->> 'started_at')::timestamptz, (e ->> 'finished_at')::timestamptz,
        (e ->> 'together_seconds')::bigint
    from jsonb_array_elements($1) e"
);

/// A fact's place in its room's log, as the table has it.
type FactKey = (Epoch, i64, i64);

/// A row of `consult_fact`, as both engines read it out of one JSON array.
#[derive(Serialize)]
struct FactRow<'a> {
    epoch: String,
    position: i64,
    n: i64,
    consult: String,
    kind: &'static str,
    at: String,
    data: &'a Fact,
}

impl<'a> FactRow<'a> {
    fn of(record: &'a Record) -> Self {
        let ((epoch, position, n), (kind, at)) = (place(record), kind(&record.fact));
        let (epoch, consult) = (epoch.0.simple().to_string(), record.consult.0.simple().to_string());
        Self { epoch, position, n, consult, kind, at: as_text(at), data: &record.fact }
    }
}

/// The changed columns of a consult's row.
#[derive(Default, Serialize)]
struct RoomChange {
    consult: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    together_seconds: Option<i64>,
}

/// Writes facts that were not written yet, in their order. Where rooms are on several nodes, each of them writes
/// every fact, and the row of the first is what stops the others.
pub(super) async fn write_all(tx: &mut Tx, records: &[&Record], on_several_nodes: bool) -> Result<(), DbError> {
    let is_kept = |r: &&Record| on_several_nodes || is_read_again(&r.fact);
    let kept: Vec<&Record> = records.iter().copied().filter(is_kept).collect();
    let new = remember(tx, &kept).await?;
    let is_new = |r: &&Record| !is_kept(r) || new.contains(&place(r));
    let records: Vec<&Record> = records.iter().copied().filter(is_new).collect();
    change_rooms(tx, &records).await?;
    let events: Vec<NewEvent> = records.iter().filter_map(|r| event(r).transpose()).collect::<Result<_, _>>()?;
    publish_all(tx, &events).await?;
    let done: Vec<Done<'_>> = records.iter().filter_map(|r| done(r)).collect();
    audit::record_all(tx, &done).await
}

fn place(Record { id, .. }: &Record) -> FactKey {
    (id.epoch, i64::try_from(id.position.0).unwrap_or(i64::MAX), i64::from(id.index))
}

/// Keeps facts; which of them were new.
async fn remember(tx: &mut Tx, records: &[&Record]) -> Result<BTreeSet<FactKey>, DbError> {
    if records.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows: Vec<FactRow<'_>> = records.iter().map(|record| FactRow::of(record)).collect();
    let new: Vec<FactKey> = match tx.engine() {
        Engine::Sqlite(c) => sqlx::query_as(REMEMBER_SQLITE).bind(Json(rows)).fetch_all(c).await?,
        Engine::Postgres(c) => sqlx::query_as(REMEMBER_POSTGRES).bind(Json(rows)).fetch_all(c).await?,
    };
    Ok(new.into_iter().collect())
}

/// One row for each consult that something changes of: a statement must not touch a row twice.
async fn change_rooms(tx: &mut Tx, records: &[&Record]) -> Result<(), DbError> {
    let mut rows: Vec<RoomChange> = Vec::new();
    let seconds = |s: u64| i64::try_from(s).ok();
    for Record { consult, fact, .. } in records {
        let change = match fact {
            Fact::Started { at } => RoomChange { started_at: Some(as_text(*at)), ..RoomChange::default() },
            Fact::Together { together_seconds, .. } => {
                RoomChange { together_seconds: seconds(*together_seconds), ..RoomChange::default() }
            }
            Fact::Finished { at, together_seconds, .. } => {
                let (finished_at, together_seconds) = (Some(as_text(*at)), seconds(*together_seconds));
                RoomChange { finished_at, together_seconds, ..RoomChange::default() }
            }
            _ => continue,
        };
        let consult = consult.0.simple().to_string();
        let at = rows.iter().position(|row| row.consult == consult).unwrap_or_else(|| {
            rows.push(RoomChange { consult, ..RoomChange::default() });
            rows.len() - 1
        });
        let row = &mut rows[at];
        row.started_at = row.started_at.take().or(change.started_at);
        row.finished_at = row.finished_at.take().or(change.finished_at);
        row.together_seconds = change.together_seconds.or(row.together_seconds);
    }
    if rows.is_empty() {
        return Ok(());
    }
    match tx.engine() {
        Engine::Sqlite(c) => sqlx::query(ROOMS_SQLITE).bind(Json(rows)).execute(c).await.map(drop)?,
        Engine::Postgres(c) => sqlx::query(ROOMS_POSTGRES).bind(Json(rows)).execute(c).await.map(drop)?,
    }
    Ok(())
}

/// Whether the fact itself is read again when the room is opened; of the others the event is the record.
fn is_read_again(fact: &Fact) -> bool {
    matches!(fact, Fact::Chat { .. } | Fact::Removed(_) | Fact::Lifted { .. } | Fact::Bound { .. } | Fact::Revoked(_))
}

/// The name of a fact's kind, in the table and in events.
pub(super) fn kind(fact: &Fact) -> (&'static str, DateTime<Utc>) {
    match fact {
        Fact::Started { at } => ("started", *at),
        Fact::Attendance { at, .. } => ("attendance", *at),
        Fact::Together { at, .. } => ("together", *at),
        Fact::Escalated { at, .. } => ("escalated", *at),
        Fact::WaitOver { at, .. } => ("wait_over", *at),
        Fact::Chat { at, .. } => ("chat", *at),
        Fact::Consent { at, .. } => ("consent", *at),
        Fact::Captured { capture: Capture::Recording, at, .. } => ("recording", *at),
        Fact::Captured { capture: Capture::Transcription, at, .. } => ("transcription", *at),
        Fact::Removed(removal) => ("removed", removal.at),
        Fact::Lifted { at, .. } => ("lifted", *at),
        Fact::Bound { at, .. } => ("bound", *at),
        Fact::Revoked(revocation) => ("revoked", revocation.at),
        Fact::Finished { at, .. } => ("finished", *at),
    }
}

/// The audit row of what somebody decided.
fn done(Record { consult, fact, .. }: &Record) -> Option<Done<'static>> {
    let (kind, at) = kind(fact);
    let action = match kind {
        "started" => "consult.start",
        "finished" => "consult.finish",
        "removed" => "consult.remove",
        "lifted" => "consult.lift",
        "recording" => "consult.record",
        "transcription" => "consult.transcribe",
        _ => return None,
    };
    Some(Done {
        at,
        actor: None,
        action: action.into(),
        resource_kind: "consult",
        resource: consult.0,
        request_id: "relay",
    })
}

/// The event of a fact; none of what only the relay itself needs to know.
fn event(Record { consult, fact, .. }: &Record) -> Result<Option<NewEvent>, DbError> {
    let consult_id = *consult;
    Ok(Some(match fact {
        Fact::Started { at } => {
            NewEvent::of(*at, &events::STARTED, consult_id, &ConsultStarted { consult_id, at: *at })?
        }
        Fact::Attendance { person, role, joined, at } => {
            let (person, role, change, at) = (*person, role.name(), if *joined { "joined" } else { "left" }, *at);
            let data = ConsultAttendance { consult_id, person, role, change, at };
            NewEvent::of(at, &events::ATTENDANCE, consult_id, &data)?
        }
        Fact::Escalated { person, role, since, at } => {
            let data = ConsultEscalated { consult_id, person: *person, role: role.name(), since: *since, at: *at };
            NewEvent::of(*at, &events::ESCALATED, consult_id, &data)?
        }
        Fact::WaitOver { person, because, at } => {
            let data = ConsultWaitOver { consult_id, person: *person, because: *because, at: *at };
            NewEvent::of(*at, &events::WAIT_OVER, consult_id, &data)?
        }
        Fact::Chat { n, person, name, role, at, text } => {
            let (n, person, role, at) = (*n, *person, role.name(), *at);
            let data = ConsultChat { consult_id, n, person, name, role, at, text };
            NewEvent::of(at, &events::CHAT, consult_id, &data)?
        }
        Fact::Consent { person, recording, transcription, at } => {
            let (person, recording, transcription, at) = (*person, *recording, *transcription, *at);
            let data = ConsultConsent { consult_id, person, recording, transcription, at };
            NewEvent::of(at, &events::CONSENT, consult_id, &data)?
        }
        Fact::Captured { capture, on, by, because, at } => {
            let kind = match capture {
                Capture::Recording => &events::RECORDING,
                Capture::Transcription => &events::TRANSCRIPTION,
            };
            let data = ConsultCapture { consult_id, on: *on, by: *by, because: *because, at: *at };
            NewEvent::of(*at, kind, consult_id, &data)?
        }
        Fact::Removed(Removal { removal, person, by, at, .. }) => {
            let data = ConsultRemoved { consult_id, removal: *removal, person: *person, by: *by, at: *at };
            NewEvent::of(*at, &events::REMOVED, consult_id, &data)?
        }
        Fact::Lifted { removal, by, at } => {
            let data = ConsultLifted { consult_id, removal: *removal, by: *by, at: *at };
            NewEvent::of(*at, &events::LIFTED, consult_id, &data)?
        }
        Fact::Finished { by, at, together_seconds } => {
            let data = ConsultFinished { consult_id, by: *by, at: *at, together_seconds: *together_seconds };
            NewEvent::of(*at, &events::FINISHED, consult_id, &data)?
        }
        Fact::Together { .. } | Fact::Bound { .. } | Fact::Revoked(_) => return Ok(None),
    }))
}
