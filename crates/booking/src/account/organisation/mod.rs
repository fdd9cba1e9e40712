//! Organisations of the network: four kinds, each with its roles.

pub(super) mod api;
mod events;
mod input;
mod model;
mod store;

pub use events::CATALOGUE;
pub use model::{Organisation, OrganisationKind};
pub use store::{find, insert, list, list_all};
pub(super) use store::{load, own};
