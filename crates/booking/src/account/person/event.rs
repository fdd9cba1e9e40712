//! What other services learn of a person: enough to count and to recognise, no name and no number.

use chrono::{DateTime, Datelike as _, Utc};
use sanbao_platform::bus;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::id::OrganisationId;
use serde::Serialize;

use super::store::Person;
use crate::account::id::PersonId;

/// The data of `booking.person.registered` and `booking.person.updated`.
#[derive(Clone, Debug, Serialize)]
pub(in crate::account) struct PersonEvent<'a> {
    pub(super) person_id: PersonId,
    pub(super) organisation_id: Option<OrganisationId>,
    pub(super) area_code: Option<&'a str>,
    pub(super) birth_year: Option<i32>,
    pub(super) sex: &'a str,
    pub(super) national_id_index: Option<&'a str>,
}

impl<'a> PersonEvent<'a> {
    /// What may be told of a person.
    pub(in crate::account) fn of(person: &'a Person) -> Self {
        Self {
            person_id: person.id,
            organisation_id: person.organisation_id,
            area_code: person.area_code.as_deref(),
            birth_year: person.birth_date.map(|d| d.year()),
            sex: person.sex.as_str(),
            national_id_index: person.national_id_index.as_deref(),
        }
    }

    /// Writes the event beside the change.
    pub(in crate::account) async fn publish(
        &self,
        tx: &mut Tx,
        now: DateTime<Utc>,
        what: &'static str,
    ) -> Result<(), DbError> {
        bus::publish(tx, now, what, self.person_id, self).await.map(drop)
    }
}

/// A person is known now.
pub(in crate::account) const REGISTERED: &str = "booking.person.registered";
/// What is known of a person changed.
pub(super) const UPDATED: &str = "booking.person.updated";
