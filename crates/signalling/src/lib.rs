//! The WebRTC signalling relay of a consult, and its STUN/TURN server.

pub mod id;
pub mod protocol;
pub mod room;
pub mod ticket;
pub mod turn;
