//! Keeps connections from taking this process for themselves: bounds, and deadlines while it is the other side's turn.
//!
//! - [`bounds`]: the numbers
//! - [`connections`]: how many there are, and which one makes room
//! - [`watch`]: whose turn it is on one of them
//! - [`socket`]: ends when it is due; [`body`]: parts of bodies in time; [`pace`]: what slow ones use up

mod body;
mod bounds;
mod connections;
mod pace;
mod socket;
mod watch;

pub use body::is_slow;
pub use bounds::{BYTES_PER_SECOND_MIN, Bounds};

pub(super) use body::watched;
pub(super) use connections::{Connections, Door};
