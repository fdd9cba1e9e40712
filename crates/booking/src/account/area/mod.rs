//! Who lies under whom: a mirror of the area tree, which needs-analysis owns, by which grants are checked.

mod consumer;
mod store;

pub use consumer::consumer;
pub use store::{insert, lay, lies_in};
