//! Rooms of an organisation that can be booked.

pub(super) mod api;
mod input;
mod model;
mod store;

pub use model::Location;
pub use store::{find, insert, list};
