//! A pair as those see it who may see both.

use sanbao_platform::audit::{Disclosure, Personal};
use sanbao_platform::crypto::FieldKeys;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::PairSign;
use crate::account::person::PersonView;
use crate::account::person::field::PersonField;
use crate::account::person::model::Person;

/// Two records that may be of one person.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PairView {
    /// The older record.
    pub person: PersonView,
    /// The younger record.
    pub other: PersonView,
    /// Why they may be of one person.
    pub because: Vec<PairSign>,
    /// The fields in which the two say different things.
    pub differing: Vec<PersonField>,
}

impl PairView {
    pub(in crate::account) fn of(
        person: Personal<Person>,
        other: Personal<Person>,
        shows: &Disclosure,
        keys: &FieldKeys,
    ) -> Self {
        let because = PairSign::of(person.unseen(), other.unseen());
        let differing = PersonField::differing(person.unseen(), other.unseen());
        let [person, other] = [person, other].map(|p| PersonView::of(p, shows, keys));
        Self { person, other, because, differing }
    }
}
