//! A person as those who care see it: masked where the whole is not needed.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::audit::{Disclosure, Personal, Subject};
use sanbao_platform::cn::mask_phone;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::id::OrganisationId;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::Person;
use crate::account::id::PersonId;
use crate::account::input::Sex;

/// A person, with the national id and telephones masked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PersonView {
    pub id: PersonId,
    /// The care home, or none for an elder at home.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub organisation_id: Option<OrganisationId>,
    pub name: String,
    pub sex: Sex,
    pub birth_date: Option<NaiveDate>,
    /// `138****5678`
    pub phone: Option<String>,
    /// `330211********1234`
    pub national_id: Option<String>,
    /// There is a national id, and it cannot be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub national_id_unreadable: bool,
    /// Street address.
    pub address: Option<String>,
    pub area_code: Option<String>,
    /// Guardian's or closest relative's name.
    pub guardian_name: Option<String>,
    /// `138****5678`
    pub guardian_phone: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Counts its changes; the `ETag`.
    pub version: i64,
}

impl PersonView {
    pub(crate) fn of(person: Personal<Person>, shows: &Disclosure, keys: &FieldKeys) -> Self {
        let of = Subject::new("person", person.unseen().id);
        let person = person.shown(shows, &of);
        let national_id = person.masked_national_id(keys);
        let phone = |phone: Option<String>| phone.map(|p| mask_phone(&p));
        Self {
            id: person.id,
            organisation_id: person.organisation_id,
            name: person.name,
            sex: person.sex,
            birth_date: person.birth_date,
            phone: phone(person.phone),
            national_id_unreadable: national_id.is_err(),
            national_id: national_id.ok().flatten(),
            address: person.address,
            area_code: person.area_code,
            guardian_name: person.guardian_name,
            guardian_phone: phone(person.guardian_phone),
            created_at: person.created_at,
            version: person.version,
        }
    }
}

/// A person who was just registered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RegisteredView {
    #[serde(flatten)]
    pub person: PersonView,
    /// Records that may be of the same person, of those whom the caller may see: to be joined, or to be declined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub perhaps_same: Vec<PersonId>,
}

/// The whole national id.
#[derive(Serialize, ToSchema)]
pub struct NationalIdView {
    /// As it stands on the card.
    pub national_id: String,
}
