//! Why a run may take nothing away at all.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::run::Disposer;
use super::store;
use crate::db::DbError;

/// A clock that is so far ahead of everything that was written is not believed.
const AHEAD_DAYS: TimeDelta = TimeDelta::days(7);

/// Why nothing is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The clock is far ahead of the newest that was written, which is of this moment.
    ClockAhead(DateTime<Utc>),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClockAhead(at) => {
                write!(f, "the clock is more than 7 days ahead of the newest that was written ({at})")
            }
        }
    }
}

impl Disposer {
    /// Why a run would take nothing away; none when it may.
    pub async fn refusal(&self) -> Result<Option<Refusal>, DbError> {
        Ok(self.clock_ahead().await?.map(Refusal::ClockAhead))
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
