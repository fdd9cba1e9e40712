//! Residents and elders: their identity, never their health.

pub(super) mod api;
pub mod care;
mod elder;
pub mod erasure;
mod events;
pub(super) mod export;
pub(super) mod field;
pub(super) mod hold;
pub mod import;
mod input;
pub mod join;
pub mod lookup;
mod model;
mod open;
pub mod pair;
mod phones;
pub mod reseal;
pub mod sharing;
pub(super) mod sheet;
mod state;
mod steps;
mod store;
pub(super) mod transfer;
mod view;

pub use elder::{Elder, ElderContact, find_or_register};
pub use events::CATALOGUE;
pub(super) use events::{PersonEvent, REGISTERED};
pub(crate) use hold::tell_if_held;
pub use model::Person;
pub(super) use model::may_register;
pub use open::{OpenView, has_ended, require_here};
pub use phones::{PersonPhone, PhoneOwner, PhoneView};
pub use state::{EndKind, PersonStateName, PersonStepName};
pub(super) use store::insert;
pub use store::{find, hold};
pub use view::{PersonView, PersonWarning};
