//! Rooms of an organisation that can be booked.

mod api;
mod input;
mod model;
mod store;

pub(super) use api::routes;
pub use model::Location;
pub use store::{find, insert, list};
