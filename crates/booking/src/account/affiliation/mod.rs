//! Agreements between two institutions (合作协议; FHIR `OrganizationAffiliation`): a care home that invites, and a hospital or
//! health centre whose doctors it invites.
//!
//! An administrator of one side proposes, one of the other side accepts or declines. It counts on the days from its first to its
//! last, as the hospital's zone has them, and no day longer, without anybody doing anything. Either side ends it before that with a
//! reason; what is booked by then stays. Whether the care home may book the hospital's hours **at once** is the hospital's word
//! alone.

pub(super) mod api;
mod input;
mod model;
mod policy;
mod state;
mod steps;
mod store;
mod view;

pub(crate) use model::Affiliated;
pub(super) use policy::AffiliationSide;
pub(super) use state::AffiliationStepName;
#[cfg(test)]
pub(super) use state::{ASKED_FOR, AT_ONCE};
pub(crate) use store::{affiliated, books_at_once, hold, standing_with};
pub(super) use view::{AffiliationLine, AffiliationStanding, AffiliationView};

pub(super) use input::{NUMBER_CHARS_MAX, WORDS_CHARS_MAX};
pub(super) use store::{AffiliationPartner, partners};

/// The days before its last one on which an agreement is said to be about to end.
pub(super) const ENDING_DAYS: i64 = 30;
