//! The records (会诊记录): every consult of one side, looked for by person, doctor, state and period, the newest first.

mod asked;
mod names;
#[cfg(test)]
mod plans;
mod store;

use chrono::{DateTime, Utc};

use super::id::ConsultId;
use super::state::ConsultStateName;
use crate::account::{AccountId, PersonId};

pub(super) use asked::{RecordForm, RecordQuery, TYPED_CHARS_MAX};
pub(super) use names::{doctors_named, persons_named, records_of};
pub(super) use store::search;

/// The consults that are looked for.
#[derive(Clone, Debug)]
pub(super) struct RecordSearch {
    /// Only of these records of people.
    pub(super) persons: Option<Vec<PersonId>>,
    /// Only those that one of these doctors took on.
    pub(super) doctors: Option<Vec<AccountId>>,
    /// Only this state.
    pub(super) state: Option<ConsultStateName>,
    /// Those that are, or are wanted, not before.
    pub(super) from: DateTime<Utc>,
    /// The first moment that is left out.
    pub(super) until: DateTime<Utc>,
    /// Where the last page ended.
    pub(super) after: Option<(DateTime<Utc>, ConsultId)>,
    /// Rows of a page.
    pub(super) limit: i64,
}
