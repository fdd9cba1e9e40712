//! WebSockets around the replicated rooms.
//!
//! [`cell`] is a room with its sockets behind one lock, and the one door to the room's log. A connection is [`hello`]
//! until it is welcome and [`live`] from then on: one small task that reads. The bytes to be written lie in the
//! session's outbox (see `replica`); the task that puts a message there also writes it to the socket.

mod acks;
mod arrivals;
mod budget;
mod cell;
mod closing;
mod disclosure;
mod frame;
mod hello;
mod hub;
mod leave;
mod link;
mod live;
mod lock;
mod node;
mod reports;
mod revoke;
mod sequencer;
mod throttle;
mod upgrade;
mod wire;

#[cfg(test)]
pub(crate) use cell::Cell;
pub(crate) use hub::Hub;
pub(crate) use revoke::tell_rooms;
pub(crate) use sequencer::NoRoom;
pub(crate) use sequencer::shared::{FollowedRoom, SharedLog};
pub(crate) use upgrade::{__path_signal, signal};
