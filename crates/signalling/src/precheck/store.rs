//! The record of checks, and the event by which the booking side sees them before the visit.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::{Described, EventField, emit};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::{event_kinds, on};
use serde::Serialize;
use sqlx::types::Json;

use super::report::PrecheckNote;
use crate::id::{ConsultId, PersonId};
use crate::role::Role;

const KEEP: &str = "insert into consult_precheck (consult, person, at, result) values ($1, $2, $3, $4)
    on conflict (consult, person) do update set at = excluded.at, result = excluded.result
    where consult_precheck.at < excluded.at";

/// Somebody's check.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) consult: ConsultId,
    pub(crate) person: PersonId,
    pub(crate) role: Role,
    pub(crate) at: DateTime<Utc>,
    pub(crate) note: PrecheckNote,
}

/// Somebody's check before the visit.
#[derive(Serialize)]
pub struct ConsultPrecheck<'a> {
    consult_id: ConsultId,
    person: PersonId,
    role: Role,
    at: DateTime<Utc>,
    #[serde(flatten)]
    note: &'a PrecheckNote,
}

/// By hand, as the note's own fields stand among the others.
impl Described for ConsultPrecheck<'_> {
    const FIELDS: &'static [EventField] = &[
        EventField { name: "consult_id", rust_type: "ConsultId", optional: false },
        EventField { name: "person", rust_type: "PersonId", optional: false },
        EventField { name: "role", rust_type: "Role", optional: false },
        EventField { name: "at", rust_type: "DateTime<Utc>", optional: false },
        EventField { name: "verdict", rust_type: "Verdict", optional: false },
        EventField { name: "findings", rust_type: "Vec<Finding>", optional: false },
        EventField { name: "rtt_ms", rust_type: "Option<f32>", optional: true },
        EventField { name: "loss", rust_type: "Option<f32>", optional: true },
        EventField { name: "camera", rust_type: "Device", optional: false },
        EventField { name: "microphone", rust_type: "Device", optional: false },
        EventField { name: "paths", rust_type: "Paths", optional: false },
    ];
}

event_kinds! {
    ConsultPrecheck<'static> {
        PRECHECK = "signalling.consult.precheck" 1 "Somebody has checked camera, microphone and network.";
    }
}

/// Writes a check and tells of it; one that was written before, or an older one, changes nothing.
pub(crate) async fn keep(tx: &mut Tx, checked: &Checked) -> Result<(), DbError> {
    let Checked { consult, person, role, at, note } = checked;
    let new = on!(tx, |c| {
        let result = Json(note);
        let query = sqlx::query(KEEP).bind(*consult).bind(*person).bind(*at).bind(result);
        query.execute(c).await.map(|r| r.rows_affected())
    })?;
    if new > 0 {
        let event = ConsultPrecheck { consult_id: *consult, person: *person, role: *role, at: *at, note };
        emit(tx, *at, &PRECHECK, *consult, &event).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use chrono::TimeDelta;
    use sanbao_platform::bus::Outbox;
    use sanbao_platform::testing::on_both;
    use uuid::Uuid;

    use super::*;
    use crate::precheck::report::{Device, Paths, PrecheckReport};

    #[test]
    fn the_catalogue_names_the_fields_of_the_event() {
        let report = PrecheckReport { camera: Device::Ok, microphone: Device::Ok, paths: Paths::default() };
        let (consult_id, person) = (ConsultId(Uuid::from_u128(1)), PersonId(Uuid::from_u128(2)));
        let (at, note) = (DateTime::UNIX_EPOCH, report.judge());
        let event = ConsultPrecheck { consult_id, person, role: Role::Host, at, note: &note };
        let sent = serde_json::to_value(&event).unwrap();
        let sent = sent.as_object().unwrap();
        let fields = ConsultPrecheck::FIELDS;
        assert!(sent.keys().all(|key| fields.iter().any(|field| field.name == key)), "{sent:?}");
        assert!(fields.iter().all(|field| field.optional || sent.contains_key(field.name)), "{sent:?}");
    }

    #[tokio::test]
    async fn the_newest_check_of_a_person_is_kept_and_told_once() {
        on_both(|engine| async move {
            let db = engine.database("signalling", &crate::MIGRATIONS).await;
            let report = PrecheckReport { camera: Device::Ok, microphone: Device::Ok, paths: Paths::default() };
            let first = Checked {
                consult: ConsultId(Uuid::from_u128(1)),
                person: PersonId(Uuid::from_u128(2)),
                role: Role::Host,
                at: DateTime::UNIX_EPOCH + TimeDelta::days(20_000),
                note: report.judge(),
            };
            let later = Checked { at: first.at + TimeDelta::seconds(9), ..first.clone() };
            let mut tx = db.begin().await.unwrap();
            for checked in [&first, &first, &later, &first] {
                keep(&mut tx, checked).await.unwrap();
            }
            tx.commit().await.unwrap();
            let events = Outbox::new("signalling", db).read(0, 10).await.unwrap();
            let told: Vec<_> =
                events.iter().map(|e| (e.kind.as_str(), e.data["at"].as_str().unwrap().to_owned())).collect();
            assert_eq!(told.len(), 2);
            assert_eq!(told[1].0, "signalling.consult.precheck");
            assert!(told[1].1.starts_with("2024-10-04T00:00:09"), "{}", told[1].1);
        })
        .await;
    }
}
