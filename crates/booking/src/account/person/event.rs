//! What other services learn of a person: enough to count and to recognise, no name and no number.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use sanbao_platform::bus;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::id::OrganisationId;
use serde::Serialize;

use crate::account::id::PersonId;

/// The data of `booking.person.registered` and `booking.person.updated`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PersonEvent<'a> {
    pub(super) person_id: PersonId,
    pub(super) organisation_id: Option<OrganisationId>,
    pub(super) area_code: Option<&'a str>,
    pub(super) birth_year: Option<i32>,
    pub(super) sex: &'a str,
    pub(super) national_id_index: Option<&'a str>,
}

impl PersonEvent<'_> {
    /// The year of a birth date.
    pub(super) fn year(date: Option<NaiveDate>) -> Option<i32> {
        date.map(|d| d.year())
    }

    pub(super) async fn publish(&self, tx: &mut Tx, now: DateTime<Utc>, what: &'static str) -> Result<(), DbError> {
        bus::publish(tx, now, what, self.person_id, self).await.map(drop)
    }
}

/// A person is known now.
pub(super) const REGISTERED: &str = "booking.person.registered";
/// What is known of a person changed.
pub(super) const UPDATED: &str = "booking.person.updated";
