//! The record of a visit's lines, and the event that tells the booking side.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sanbao_platform::bus::emit;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::{described, event_kinds, on};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::sample::Direction;
use super::summary::{Spoken, Totals};
use crate::id::{ConsultId, PeerId, PersonId};

const KEEP: &str = "insert into consult_quality
    (consult, segment, direction, session, person, began_at, until, totals)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (consult, segment, direction) do update set until = excluded.until, totals = excluded.totals
    where consult_quality.until <= excluded.until";
const OF_CONSULT: &str = "select segment, direction, session, person, totals from consult_quality
    where consult = $1 order by person, direction, segment limit $2";

/// Rows of one visit that are summed at most: six people, both directions, and many reconnects.
const ROWS_MAX: i64 = 2_000;

/// The sums of one connection so far. Writing it again replaces what it wrote before.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) consult: ConsultId,
    /// The connection's id.
    pub(crate) id: Uuid,
    /// The session it belongs to.
    pub(crate) session: PeerId,
    pub(crate) person: PersonId,
    pub(crate) began_at: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
    /// The two directions: in, out.
    pub(crate) totals: [Option<Totals>; 2],
    /// The connection is over: the booking side is told how the visit stands.
    pub(crate) over: bool,
}

#[derive(sqlx_macros::FromRow)]
struct QualityRow {
    direction: Direction,
    session: PeerId,
    person: PersonId,
    totals: Json<Totals>,
}

/// One direction of one person's line, over the whole visit.
#[derive(Debug, Serialize)]
struct PersonLine {
    person: PersonId,
    direction: Direction,
    /// Connections that were lost and made again.
    reconnects: u64,
    #[serde(flatten)]
    spoken: Spoken,
}

described! {
    /// How everybody's line was over a whole consult.
    #[derive(Debug, Serialize)]
    pub struct ConsultQuality {
        consult_id: ConsultId,
        at: DateTime<Utc>,
        lines: Vec<PersonLine>,
    }
}

event_kinds! {
    ConsultQuality {
        QUALITY = "signalling.consult.quality" 1 "A connection has ended that reported of its line.";
    }
}

/// Writes what a connection added up; when it is over, tells how the visit stands.
pub(crate) async fn keep(tx: &mut Tx, segment: &Segment) -> Result<(), DbError> {
    for (direction, totals) in Direction::ALL.iter().zip(segment.totals) {
        let Some(totals) = totals else { continue };
        on!(tx, |c| {
            sqlx::query(KEEP)
                .bind(segment.consult)
                .bind(segment.id)
                .bind(direction)
                .bind(segment.session)
                .bind(segment.person)
                .bind(segment.began_at)
                .bind(segment.until)
                .bind(Json(totals))
                .execute(c)
                .await
                .map(drop)
        })?;
    }
    if segment.over && segment.totals.iter().any(Option::is_some) {
        let event = of_consult(tx, segment.consult, segment.until).await?;
        emit(tx, segment.until, &QUALITY, segment.consult, &event).await?;
    }
    Ok(())
}

async fn of_consult(tx: &mut Tx, consult: ConsultId, at: DateTime<Utc>) -> Result<ConsultQuality, DbError> {
    let rows: Vec<QualityRow> =
        on!(tx, |c| sqlx::query_as(OF_CONSULT).bind(consult).bind(ROWS_MAX).fetch_all(c).await)?;
    Ok(ConsultQuality { consult_id: consult, at, lines: merge(&rows) })
}

/// One line for each person and direction.
fn merge(rows: &[QualityRow]) -> Vec<PersonLine> {
    let mut people: BTreeMap<(PersonId, Direction), (Totals, u64, Vec<PeerId>)> = BTreeMap::new();
    for row in rows {
        let (totals, connections, sessions) = people.entry((row.person, row.direction)).or_default();
        totals.add(&row.totals);
        *connections += 1;
        if !sessions.contains(&row.session) {
            sessions.push(row.session);
        }
    }
    let lines = people.into_iter().map(|((person, direction), (totals, connections, sessions))| PersonLine {
        person,
        direction,
        reconnects: connections - u64::try_from(sessions.len()).unwrap_or(connections),
        spoken: totals.spoken(),
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use chrono::TimeDelta;
    use sanbao_platform::bus::Outbox;
    use sanbao_platform::testing::on_both;
    use serde_json::json;

    use super::*;
    use crate::quality::{Figures, Verdict};

    fn totals(reports: usize, rtt_ms: f32) -> Totals {
        let mut totals = Totals::default();
        for _ in 0..reports {
            let figures = Figures { rtt_ms: Some(rtt_ms), mos: Some(4.0), ..Figures::default() };
            totals.take(&figures, Verdict::Good, Duration::from_secs(2));
        }
        totals
    }

    fn segment(n: u128, session: u128, reports: usize, over: bool) -> Segment {
        let began_at = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        Segment {
            consult: ConsultId(Uuid::from_u128(1)),
            id: Uuid::from_u128(n),
            session: PeerId(Uuid::from_u128(session)),
            person: PersonId(Uuid::from_u128(7)),
            began_at,
            until: began_at + TimeDelta::seconds(i64::try_from(reports).unwrap() * 2),
            totals: [Some(totals(reports, 40.0)), None],
            over,
        }
    }

    #[tokio::test]
    async fn connections_of_one_person_merge_and_writing_one_again_adds_nothing() {
        on_both(|engine| async move {
            let db = engine.database("signalling", &crate::MIGRATIONS).await;
            let mut tx = db.begin().await.unwrap();
            keep(&mut tx, &segment(1, 1, 5, false)).await.unwrap();
            keep(&mut tx, &segment(1, 1, 10, true)).await.unwrap();
            keep(&mut tx, &segment(1, 1, 5, false)).await.unwrap(); // an older sum that comes late
            keep(&mut tx, &segment(2, 1, 20, false)).await.unwrap();
            keep(&mut tx, &segment(3, 9, 30, true)).await.unwrap();
            tx.commit().await.unwrap();
            let events = Outbox::new("signalling", db).read(0, 10).await.unwrap();
            let told: Vec<_> = events.iter().map(|e| (e.kind.as_str(), e.data["lines"].clone())).collect();
            assert_eq!(told.len(), 2, "one for each connection that was over");
            let (kind, lines) = &told[1];
            assert_eq!(*kind, "signalling.consult.quality");
            assert_eq!(lines.as_array().unwrap().len(), 1);
            assert_eq!(lines[0]["seconds"], json!({"good": 120, "fair": 0, "poor": 0, "bad": 0}));
            assert_eq!((&lines[0]["reconnects"], &lines[0]["rtt_ms"]), (&json!(1), &json!(50.0)));
            assert_eq!((&lines[0]["direction"], &lines[0]["loss"]), (&json!("in"), &json!(null)));
        })
        .await;
    }
}
