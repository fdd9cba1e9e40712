//! Second factors: a code of an authenticator beside the password, and recovery codes for those who lost it.
//!
//! A factor counts from its first right code on. The setting says whose log-ins need one; until they have it, their tokens
//! open nothing but the way to set it up. What the demo seeds needs none.

pub(super) mod api;
mod challenge;
mod code;
pub mod reseal;
mod store;

pub(super) use api::take_away;
pub(super) use challenge::{Challenge, SECONDS};
pub(super) use code::{read, spend};
pub(super) use store::{drop_of, holders, is_confirmed, is_lacking, recovery_codes_left};
