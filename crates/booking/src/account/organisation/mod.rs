//! Organisations of the network: four kinds, each with its roles.

pub(super) mod api;
mod events;
mod input;
mod model;
mod store;

pub use events::CATALOGUE;
pub use model::{Organisation, OrganisationKind};
pub(crate) use store::own;
pub use store::{find, insert};
pub(super) use store::{list, load};
