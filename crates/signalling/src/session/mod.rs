//! WebSockets around the pure room.
//!
//! **A lock per room, not a task per room.** Handling an input takes microseconds and awaits nothing, so
//! a `std` mutex around each room is never held across an await, costs no queue, no wake-up and no
//! task's memory per room, and a relayed message goes from the sender's task straight into the
//! receiver's queue. What a task per room would buy, one place to batch appends to a replicated log,
//! comes with that log: `Hub::input` is the one door through which every input passes.
//!
//! Each connection is one task that reads, writes and keeps time; see [`connection`].

mod budget;
mod connection;
mod hub;
mod link;
mod upgrade;

pub(crate) use hub::Hub;
pub(crate) use upgrade::{__path_signal, signal};
