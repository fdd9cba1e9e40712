//! Organisations of the network: four kinds, each with its roles, and their end.

mod announce;
pub(super) mod api;
mod events;
mod input;
mod model;
mod state;
mod steps;
mod store;

pub use announce::announce;
pub(super) use announce::task;
pub use events::CATALOGUE;
pub use model::{Organisation, OrganisationKind};
pub use state::{OrganisationState, OrganisationStepName};
pub(super) use steps::OrganisationStance;
pub(crate) use store::own;
pub use store::{find, insert};
pub(crate) use store::{list, load};
