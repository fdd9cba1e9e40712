//! A mirror of the area tree, which needs-analysis owns, which says under what an area lies: grants are checked by it.

mod consumer;
mod placed;
mod store;
mod tree;

pub use consumer::consumer;
pub use placed::place_unplaced;
pub(super) use placed::task;
pub(crate) use store::in_areas;
pub use store::{insert, lay, lies_in, still_held};
pub use tree::{Named, named, under};
