//! Residents and elders: their identity, never their health.

pub(super) mod api;
mod elder;
mod events;
pub(super) mod field;
mod input;
pub mod join;
mod model;
pub mod pair;
pub mod reseal;
mod store;
mod view;

pub use elder::{ElderContact, find_or_register};
pub use events::CATALOGUE;
pub(super) use events::{PersonEvent, REGISTERED};
pub use model::Person;
pub use store::find;
pub(super) use store::insert;
pub use view::{PersonView, PersonWarning};
