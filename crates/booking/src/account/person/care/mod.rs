//! Care facts: what those who care for somebody must know. Who sees which part of it is a policy.
//!
//! They lie sealed as one, and each part is opened only for those whom the policy names. Somebody who is joined or handed
//! over brings them along, where the record that leads on has none.

pub(in crate::account) mod api;
mod input;
mod model;
mod policy;
mod relation;
mod store;
mod view;

pub(in crate::account::person) use api::told;
pub(in crate::account) use input::{CONTACTS_MAX, PlaceMap, TEXT_CHARS_MAX};
pub(in crate::account) use model::{
    AbilityLevel, CareContact, ClinicalFacts, DoorFacts, HearingLevel, MannerFacts, SightLevel,
};
pub use store::SEALED;
pub(in crate::account::person) use store::{give_back, take_over};
pub(in crate::account) use view::CareView;
