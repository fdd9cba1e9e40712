//! The resident of a consult was erased, or the time of what was said is over: what was said and who was named in its room goes. That
//! the room was, and for how long, stays until the consult itself is kept no longer.

use std::sync::Arc;

use futures_util::FutureExt as _;
use sanbao_platform::bus::{self, ConsumeError, Consumer, Event, Reads, reads};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, DbError, Tx};
use sanbao_platform::{described, on};
use serde::Deserialize;
use uuid::Uuid;

use crate::id::ConsultId;

/// The publisher's name for it.
const ERASED: &str = "booking.consult.erased";
/// The publisher's name for the end of the time of what was said.
const MEDIA_OVER: &str = "booking.consult.media_over";
/// The same for the consult itself.
const REMOVED: &str = "booking.consult.removed";
/// Texts in the data of events that are emptied: see the catalogue.
const EVENT_TEXTS: &[&str] = &["name", "text"];

const FACTS: &str = "delete from consult_fact where consult = $1";
const SNAPSHOT: &str = "delete from room_snapshot where consult = $1";

/// The tables from which something is taken, with the statements.
const TAKEN: &[(&str, &str)] = &[("consult_fact", FACTS), ("room_snapshot", SNAPSHOT)];

/// The tables of which nothing stays when the consult itself goes, beside these.
const WITH_CONSULT: &[(&str, &str)] = &[
    ("consult_precheck", "delete from consult_precheck where consult = $1"),
    ("consult_quality", "delete from consult_quality where consult = $1"),
    ("consult_room", "delete from consult_room where consult = $1"),
    ("room_holder", "delete from room_holder where consult = $1"),
    ("room_opening", "delete from room_opening where consult = $1"),
    ("ticket_revocation", "delete from ticket_revocation where consult = $1"),
];

described! {
    /// The event, as far as the relay reads it.
    #[derive(Deserialize)]
    struct ConsultOver {
        consult_id: ConsultId,
    }
}

/// The consumers of the booking side's log, each with the events that it reads. A process of an earlier version moves the place of
/// the first past kinds that it does not know, so what came later has a place of its own.
const CONSUMERS: [(&str, &[Reads]); 2] = [
    ("signalling.erasures", &[reads::<ConsultOver>(ERASED)]),
    ("signalling.retention", &[reads::<ConsultOver>(MEDIA_OVER), reads::<ConsultOver>(REMOVED)]),
];

/// Follow the booking side's log.
pub(crate) fn consumers(db: &Db, clock: &Clock) -> [Consumer; 2] {
    CONSUMERS.map(|(name, kinds)| Consumer {
        name,
        publisher: "booking",
        kinds,
        db: db.clone(),
        clock: clock.clone(),
        handler: Arc::new(|tx, event| take(tx, event).boxed()),
    })
}

async fn take(tx: &mut Tx, event: &Event) -> Result<(), ConsumeError> {
    let ConsultOver { consult_id } = event.read()?;
    empty(tx, consult_id.0).await?;
    if event.kind == REMOVED {
        for (_, statement) in WITH_CONSULT {
            on!(tx, |c| sqlx::query(*statement).bind(consult_id).execute(c).await.map(drop)).map_err(DbError::from)?;
        }
    }
    Ok(())
}

async fn empty(tx: &mut Tx, consult: Uuid) -> Result<u64, DbError> {
    let mut rows = bus::empty(tx, &[consult], EVENT_TEXTS, &[]).await?;
    for (_, statement) in TAKEN {
        rows +=
            on!(tx, |c| { sqlx::query(*statement).bind(consult).execute(c).await.map(|done| done.rows_affected()) })?;
    }
    Ok(rows)
}

/// Empties the room of a consult whose resident was erased before: what an older backup brought back. How many rows.
pub async fn apply(db: &Db, consult: Uuid) -> Result<u64, DbError> {
    let mut tx = db.begin().await?;
    let rows = empty(&mut tx, consult).await?;
    tx.commit().await?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use sanbao_platform::retention::RetentionClass;
    use sanbao_platform::testing::{self, Forgotten, everything, on_both};
    use serde_json::json;

    use super::*;
    use crate::MIGRATIONS;

    /// The tables in which nothing personal stands, or nothing but ids, moments and numbers, and why.
    const LEFT: &[(&str, &str)] = &[
        ("audit", "ids and actions"),
        ("audit_head", "the chain of the log"),
        ("audit_pruning", "the chain of the log"),
        ("audit_shown", "ids"),
        ("consult_precheck", "the outcome of a check of a device"),
        ("consult_quality", "numbers of a line"),
        ("consult_room", "moments and seconds"),
        ("ended_session", "staff"),
        ("field_key_mark", "keys"),
        ("history", "no life cycle is the relay's"),
        ("idempotency", "no answer of the relay is stored"),
        ("inbox", "ids of events"),
        ("inbox_cursor", "ids of events"),
        ("kept_backup", "when a backup was made"),
        ("network_mark", "keys"),
        ("outbox", "emptied by the platform, event by event, so that its readers read them still"),
        ("outdated_token", "staff"),
        ("parked_event", "of booking: ids and moments"),
        ("retention_run", "counts and moments"),
        ("room_holder", "ids"),
        ("room_opening", "ids"),
        ("ticket_revocation", "ids and moments"),
        ("write_probe", "always empty"),
    ];
    const CONSULT: Uuid = Uuid::from_u128(7);
    const SAY: &str = "insert into consult_fact (epoch, position, n, consult, kind, at, data)
        values ($1, 1, 0, $2, 'chat', $3, $4)";

    #[tokio::test]
    async fn no_table_is_forgotten_when_a_consult_is_emptied() {
        let engine = testing::sqlite();
        let deps = engine.deps("signalling", &MIGRATIONS, Clock::system()).await;
        let mut known: Vec<(&str, &str)> = TAKEN.iter().map(|(table, _)| (*table, "taken out")).collect();
        known.extend(LEFT);
        let all = Forgotten { told: &[], left_out: &[], elsewhere: &known };
        assert_eq!(all.findings(&deps.db).await, [""; 0]);
    }

    /// The class of each table that has one; the rest is the platform's, or a matter of minutes.
    const CLASSED: &[(&str, RetentionClass)] = &[
        ("consult_fact", RetentionClass::ConsultMedia),
        ("room_snapshot", RetentionClass::ConsultMedia),
        ("consult_precheck", RetentionClass::ClinicalPaper),
        ("consult_quality", RetentionClass::ClinicalPaper),
        ("consult_room", RetentionClass::ClinicalPaper),
        ("room_holder", RetentionClass::ClinicalPaper),
        ("room_opening", RetentionClass::ClinicalPaper),
        ("ticket_revocation", RetentionClass::ClinicalPaper),
    ];

    #[test]
    fn a_table_that_holds_something_of_a_consult_has_a_class_and_goes_with_it() {
        for (table, class) in CLASSED {
            let taken = if *class == RetentionClass::ConsultMedia { TAKEN } else { WITH_CONSULT };
            assert!(taken.iter().any(|(name, _)| name == table), "{table}");
        }
        assert_eq!(CLASSED.len(), TAKEN.len() + WITH_CONSULT.len());
        for (table, _) in LEFT {
            let of_room = table.starts_with("consult_") || table.starts_with("room_") || table.starts_with("ticket_");
            assert!(!of_room || CLASSED.iter().any(|(name, _)| name == table), "{table} is in no class");
        }
    }

    #[tokio::test]
    async fn what_was_said_in_a_room_goes_and_what_others_said_stays() {
        on_both(|engine| async move {
            let deps = engine.deps("signalling", &MIGRATIONS, Clock::system()).await;
            let now = deps.clock.now();
            let mut tx = deps.db.begin().await.unwrap();
            for (consult, text) in [(CONSULT, "谌某说的"), (Uuid::from_u128(8), "别人说的")] {
                let data = json!({ "name": "谌某", "text": text });
                bus::publish(&mut tx, now, "signalling.consult.chat", consult, &data).await.unwrap();
                on!(tx, |c| {
                    let row = sqlx::query(SAY).bind(consult).bind(consult).bind(now);
                    row.bind(sqlx::types::Json(&data)).execute(c).await.map(drop)
                })
                .unwrap();
            }
            tx.commit().await.unwrap();
            assert_eq!(apply(&deps.db, CONSULT).await.unwrap(), 2);
            let left = everything(&deps.db).await;
            assert!(!left.contains("谌某说的") && left.contains("别人说的"), "{left}");
            assert_eq!(apply(&deps.db, CONSULT).await.unwrap(), 0);
        })
        .await;
    }
}
