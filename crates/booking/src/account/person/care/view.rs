//! Care facts as those see them who may see a part of them.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::Subject;
use sanbao_platform::http::Ctx;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{CareContact, ClinicalFacts, DoorFacts, MannerFacts};
use super::policy::CareAction;
use super::relation::CareStance;
use super::store::KeptCare;
use crate::account::id::PersonId;

/// The care facts of a person; a part that the caller may not see is left out.
#[derive(Clone, Serialize, ToSchema)]
pub struct CareView {
    pub person_id: PersonId,
    /// How one comes to the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub door: Option<DoorFacts>,
    /// How one deals with the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manner: Option<MannerFacts>,
    /// The facts that physicians and nurses go by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clinical: Option<ClinicalFacts>,
    /// Those who are called, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<CareContact>>,
    /// When something was changed last.
    pub changed_at: Option<DateTime<Utc>>,
    /// Whether the caller may change the parts that are told.
    pub may_write: bool,
    /// Counts the changes, 0 where nothing is kept yet; the `ETag`.
    pub version: i64,
}

impl CareView {
    /// The parts that the caller may see.
    pub(super) fn of(kept: KeptCare, stance: &CareStance, ctx: &Ctx) -> Self {
        let facts = kept.facts.shown(&ctx.shows, &Subject::new("person", stance.person));
        let may = |action| stance.may(ctx, action);
        Self {
            person_id: stance.person,
            door: may(CareAction::ReadDoor).then_some(facts.door),
            manner: may(CareAction::ReadManner).then_some(facts.manner),
            clinical: may(CareAction::ReadClinical).then_some(facts.clinical),
            contacts: may(CareAction::ReadContacts).then_some(facts.contacts),
            changed_at: kept.changed_at,
            may_write: may(CareAction::Write),
            version: kept.version,
        }
    }
}
