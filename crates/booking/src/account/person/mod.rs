//! Residents and elders: who they are, never how they are.

pub(super) mod api;
mod elder;
mod events;
pub mod reseal;
mod store;
mod view;

pub use elder::{ElderContact, find_or_register};
pub use events::CATALOGUE;
pub(super) use events::{PersonEvent, REGISTERED};
pub(super) use store::insert;
pub use store::{Person, find};
pub use view::PersonView;
