//! Refused access, with the account that was refused. A bound keeps an account from filling the disk by it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::types::Uuid;

use super::from::address;
use super::shown::Asked;
use crate::auth::Actor;
use crate::db::{Db, DbError};
use crate::id::{SubjectId, uuid_v7};
use crate::on;

/// Refusals of one account that have a row each, per minute. What comes after them is counted in one row.
pub const ROWS_PER_MINUTE_MAX: u32 = 10;
/// Accounts that are remembered before those of earlier minutes are forgotten.
const REMEMBERED_MAX: usize = 1_000;

const REFUSED: &str = "insert into audit
    (id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome, address)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
// A row that has its place in the chain changes no more.
const ONE_MORE: &str = "update audit set times = times + 1 where id = $1 and position is null";

/// The refusals of one account in its present minute.
#[derive(Clone, Copy, Debug)]
struct Minute {
    since: DateTime<Utc>,
    rows: u32,
    /// The row that counts what has none of its own.
    counted_in: Uuid,
}

/// The accounts that were refused lately; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<Mutex<HashMap<SubjectId, Minute>>>);

/// The row in which a refusal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// A row of its own.
    Row,
    /// The row with this id, which counts it and those that follow.
    First(Uuid),
    /// One more in that row.
    More(Uuid),
}

impl Refusals {
    fn open(&self) -> MutexGuard<'_, HashMap<SubjectId, Minute>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, account: SubjectId, now: DateTime<Utc>) -> Written {
        let mut all = self.open();
        let running = |minute: &Minute| now - minute.since < TimeDelta::minutes(1);
        if all.len() >= REMEMBERED_MAX {
            all.retain(|_, minute| running(minute));
        }
        let fresh = Minute { since: now, rows: 0, counted_in: uuid_v7(now) };
        let minute = all.entry(account).or_insert(fresh);
        if !running(minute) {
            *minute = fresh;
        }
        minute.rows = minute.rows.saturating_add(1);
        match minute.rows {
            n if n <= ROWS_PER_MINUTE_MAX => Written::Row,
            n if n == ROWS_PER_MINUTE_MAX + 1 => Written::First(minute.counted_in),
            _ => Written::More(minute.counted_in),
        }
    }

    /// Writes that `actor` was refused; `place` is the kind and the id of what was asked for.
    pub(super) async fn write(
        &self,
        db: &Db,
        asked: Asked<'_>,
        actor: &Actor,
        place: (&str, Option<Uuid>),
    ) -> Result<(), DbError> {
        let mut written = self.next(actor.subject, asked.at);
        let mut tx = db.begin().await?;
        if let Written::More(row) = written {
            let rows = on!(tx, |c| sqlx::query(ONE_MORE).bind(row).execute(c).await.map(|r| r.rows_affected()))?;
            if rows == 0 {
                // It took so long to come here that the row is linked by now: another one counts this refusal.
                written = Written::First(uuid_v7(asked.at));
            }
        }
        let (id, outcome, action, place) = match written {
            Written::More(_) => return tx.commit().await,
            Written::First(id) => (id, "refused_often", "refused", ("account", Some(actor.subject.into()))),
            Written::Row => (uuid_v7(asked.at), "refused", asked.action, place),
        };
        on!(tx, |c| {
            let row = sqlx::query(REFUSED).bind(id).bind(asked.at).bind(actor.subject).bind(actor.organisation);
            let row = row.bind(action).bind(place.0).bind(place.1).bind(asked.request_id).bind(outcome);
            row.bind(address()).execute(c).await.map(drop)
        })?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_a_few_rows_a_minute_and_then_one_that_counts() {
        let (refusals, now) = (Refusals::default(), DateTime::UNIX_EPOCH);
        let (one, other) = (SubjectId(Uuid::from_u128(1)), SubjectId(Uuid::from_u128(2)));
        let rows = (0..ROWS_PER_MINUTE_MAX).map(|_| refusals.next(one, now)).collect::<Vec<_>>();
        assert!(rows.iter().all(|written| *written == Written::Row), "{rows:?}");
        let Written::First(row) = refusals.next(one, now) else { panic!("no row that counts") };
        assert_eq!(refusals.next(one, now + TimeDelta::seconds(59)), Written::More(row));
        assert_eq!(refusals.next(other, now), Written::Row, "another account has its own");
        assert_eq!(refusals.next(one, now + TimeDelta::minutes(1)), Written::Row, "the next minute");
    }

    #[test]
    fn accounts_of_earlier_minutes_are_forgotten() {
        let refusals = Refusals::default();
        for n in 0..5 * REMEMBERED_MAX {
            let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(i64::try_from(n).unwrap_or_default());
            refusals.next(SubjectId(Uuid::from_u128(n as u128)), at);
        }
        assert!(refusals.open().len() <= REMEMBERED_MAX);
    }
}
