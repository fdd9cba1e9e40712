//! Organisations of the network: four kinds, each with its roles.

mod api;
mod events;
mod input;
mod model;
mod store;

pub(super) use api::routes;
pub use events::CATALOGUE;
pub use model::{Organisation, OrganisationKind};
pub use store::{find, insert};
pub(super) use store::{list, load, own};
