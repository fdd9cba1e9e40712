//! One fact: its row, what else it changes, and its event.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::publish;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::{audit, on};
use serde::Serialize;
use sqlx::types::Json;

use super::Record;
use crate::id::{ConsultId, PersonId};
use crate::room::{Capture, Fact};

const REMEMBER: &str = "insert into consult_fact (epoch, position, n, consult, kind, at, data)
    values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";
const START: &str = "insert into consult_room (consult, started_at) values ($1, $2)
    on conflict (consult) do update set started_at = $2 where consult_room.started_at is null";
const TOGETHER: &str = "insert into consult_room (consult, together_seconds) values ($1, $2)
    on conflict (consult) do update set together_seconds = $2";
const FINISH: &str = "insert into consult_room (consult, finished_at, together_seconds) values ($1, $2, $3)
    on conflict (consult) do update set finished_at = $2, together_seconds = $3
    where consult_room.finished_at is null";

/// The data of an event: the consult it belongs to, and the members of `more`.
#[derive(Serialize)]
struct Told<T> {
    consult_id: ConsultId,
    at: DateTime<Utc>,
    #[serde(flatten)]
    more: T,
}

/// The name of a fact's kind, in the table and in events.
fn kind(fact: &Fact) -> (&'static str, DateTime<Utc>) {
    match fact {
        Fact::Started { at } => ("started", *at),
        Fact::Attendance { at, .. } => ("attendance", *at),
        Fact::Together { at, .. } => ("together", *at),
        Fact::Escalated { at, .. } => ("escalated", *at),
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

/// Whether the fact itself is read again when the room is opened; of the others the event is the record.
fn is_read_again(fact: &Fact) -> bool {
    matches!(fact, Fact::Chat { .. } | Fact::Removed(_) | Fact::Lifted { .. } | Fact::Bound { .. } | Fact::Revoked(_))
}

/// Writes a fact that was not written yet. Where rooms are on several nodes, each of them writes every fact, and the
/// row of the first is what stops the others.
pub(super) async fn write_one(tx: &mut Tx, record: &Record, on_several_nodes: bool) -> Result<(), DbError> {
    let Record { consult, fact, .. } = record;
    let new = !(on_several_nodes || is_read_again(fact)) || remember(tx, record).await?;
    if new && change_room(tx, *consult, fact).await? {
        tell(tx, *consult, fact).await?;
    }
    Ok(())
}

/// Keeps the fact; whether it was new.
async fn remember(tx: &mut Tx, Record { id, consult, fact }: &Record) -> Result<bool, DbError> {
    let (kind, at) = kind(fact);
    let position = i64::try_from(id.position.0).unwrap_or(i64::MAX);
    let new = on!(tx, |c| {
        let row = sqlx::query(REMEMBER).bind(id.epoch).bind(position).bind(i64::from(id.index));
        row.bind(*consult).bind(kind).bind(at).bind(Json(fact)).execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(new > 0)
}

/// What the fact changes of the consult's row; whether it was news.
async fn change_room(tx: &mut Tx, consult: ConsultId, fact: &Fact) -> Result<bool, DbError> {
    let seconds = |s: &u64| i64::try_from(*s).unwrap_or(i64::MAX);
    let changed = match fact {
        Fact::Started { at } => {
            on!(tx, |c| sqlx::query(START).bind(consult).bind(*at).execute(c).await.map(|r| r.rows_affected()))?
        }
        Fact::Together { together_seconds, .. } => on!(tx, |c| {
            let row = sqlx::query(TOGETHER).bind(consult).bind(seconds(together_seconds));
            row.execute(c).await.map(|r| r.rows_affected())
        })?,
        Fact::Finished { at, together_seconds, .. } => on!(tx, |c| {
            let row = sqlx::query(FINISH).bind(consult).bind(*at).bind(seconds(together_seconds));
            row.execute(c).await.map(|r| r.rows_affected())
        })?,
        _ => 1,
    };
    Ok(changed > 0)
}

/// The event, and the audit row of what somebody decided.
async fn tell(tx: &mut Tx, consult_id: ConsultId, fact: &Fact) -> Result<(), DbError> {
    let (kind, at) = kind(fact);
    let action = match kind {
        "started" => Some("consult.start"),
        "finished" => Some("consult.finish"),
        "removed" => Some("consult.remove"),
        "lifted" => Some("consult.lift"),
        "recording" => Some("consult.record"),
        "transcription" => Some("consult.transcribe"),
        _ => None,
    };
    if let Some(event) = Event::of(fact) {
        let name = format!("signalling.consult.{kind}");
        publish(tx, at, &name, consult_id, &Told { consult_id, at, more: event }).await?;
    }
    if let Some(action) = action {
        audit::record_as(tx, at, None, action, "consult", Some(consult_id.0), "relay", "done").await?;
    }
    Ok(())
}

/// The members of an event beside `consult_id` and `at`.
#[derive(Serialize)]
#[serde(untagged)]
enum Event<'a> {
    Started {},
    Attendance { person: PersonId, role: &'static str, change: &'static str },
    Escalated { person: PersonId, role: &'static str, since: DateTime<Utc> },
    Chat { n: u32, person: PersonId, name: &'a str, role: &'static str, text: &'a str },
    Consent { person: PersonId, recording: bool, transcription: bool },
    Captured { on: bool, by: Option<PersonId>, because: &'a crate::protocol::CaptureBecause },
    Removed { removal: u32, person: PersonId, by: PersonId },
    Lifted { removal: u32, by: PersonId },
    Finished { by: PersonId, together_seconds: u64 },
}

impl<'a> Event<'a> {
    /// Nothing for what only the relay itself needs to know.
    fn of(fact: &'a Fact) -> Option<Self> {
        Some(match fact {
            Fact::Started { .. } => Self::Started {},
            Fact::Attendance { person, role, joined, .. } => {
                let change = if *joined { "joined" } else { "left" };
                Self::Attendance { person: *person, role: role.name(), change }
            }
            Fact::Escalated { person, role, since, .. } => {
                Self::Escalated { person: *person, role: role.name(), since: *since }
            }
            Fact::Chat { n, person, name, role, text, .. } => {
                Self::Chat { n: *n, person: *person, name, role: role.name(), text }
            }
            Fact::Consent { person, recording, transcription, .. } => {
                Self::Consent { person: *person, recording: *recording, transcription: *transcription }
            }
            Fact::Captured { on, by, because, .. } => Self::Captured { on: *on, by: *by, because },
            Fact::Removed(r) => Self::Removed { removal: r.removal, person: r.person, by: r.by },
            Fact::Lifted { removal, by, .. } => Self::Lifted { removal: *removal, by: *by },
            Fact::Finished { by, together_seconds, .. } => {
                Self::Finished { by: *by, together_seconds: *together_seconds }
            }
            Fact::Together { .. } | Fact::Bound { .. } | Fact::Revoked(_) => return None,
        })
    }
}
