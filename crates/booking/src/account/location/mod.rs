//! Rooms of an organisation that can be booked.

pub(super) mod api;
mod input;
mod model;
mod state;
mod steps;
mod store;

pub(super) use input::{NAME_CHARS_MAX, ROOM_CAPACITY_MAX};
pub use model::Location;
pub use state::{LocationState, LocationStepName};
pub use store::{find, insert, list};
