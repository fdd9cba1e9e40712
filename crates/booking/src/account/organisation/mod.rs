//! Organisations of the network: six kinds, each with its roles; what is known of one, and its end.

mod announce;
pub(super) mod api;
mod events;
mod input;
mod model;
mod state;
mod steps;
mod store;
mod territory;

pub use announce::announce;
pub(super) use announce::task;
pub use events::CATALOGUE;
pub(super) use input::{ENGLISH_CHARS_MAX, NAME_CHARS_MAX};
pub use model::{Organisation, OrganisationKind};
pub use state::{OrganisationState, OrganisationStepName};
pub(super) use steps::OrganisationStance;
pub(crate) use store::own;
pub(super) use store::reached;
pub use store::{find, insert};
pub(crate) use store::{list, load};
pub(super) use territory::require_office;
