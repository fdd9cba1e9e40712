//! Why a run may take nothing away at all.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::run::Disposer;
use super::store;
use crate::db::DbError;
use crate::on;

/// How long it is believed that all holds were told.
const TOLD_HOURS: TimeDelta = TimeDelta::hours(48);
/// A clock that is so far ahead of everything that was written is not believed.
const AHEAD_DAYS: TimeDelta = TimeDelta::days(7);

/// Why nothing is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not every legal hold is known to be known here.
    HoldsUnknown,
    /// The clock is far ahead of the newest that was written, which is of this moment.
    ClockAhead(DateTime<Utc>),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HoldsUnknown => {
                f.write_str("booking has not told in the last two days that every legal hold is known here")
            }
            Self::ClockAhead(at) => {
                write!(f, "the clock is more than 7 days ahead of the newest that was written ({at})")
            }
        }
    }
}

impl Disposer {
    /// Why a run would take nothing away; none when it may.
    pub async fn refusal(&self) -> Result<Option<Refusal>, DbError> {
        if let Some(at) = self.clock_ahead().await? {
            return Ok(Some(Refusal::ClockAhead(at)));
        }
        let Some(told) = self.told else { return Ok(None) };
        let since = self.clock.now() - TOLD_HOURS;
        let mut conn = self.db.read().await?;
        let heard: i64 =
            on!(conn, |c| sqlx::query_scalar(told).bind(since).fetch_one(c).await).map_err(DbError::from)?;
        Ok((heard == 0).then_some(Refusal::HoldsUnknown))
    }

    /// The moment of the newest that was written, if the clock is far ahead of it.
    pub(super) async fn clock_ahead(&self) -> Result<Option<DateTime<Utc>>, DbError> {
        if self.clock_is_right {
            return Ok(None);
        }
        let now = self.clock.now();
        let newest = store::newest(&mut self.db.read().await?, now, true).await?;
        Ok(newest.filter(|newest| now - *newest > AHEAD_DAYS))
    }

    /// Whether there was a run that the clock is not far ahead of.
    pub(super) async fn has_run_lately(&self) -> Result<bool, DbError> {
        let now = self.clock.now();
        let newest = store::newest(&mut self.db.read().await?, now, false).await?;
        Ok(newest.is_some_and(|newest| now - newest <= AHEAD_DAYS))
    }
}
