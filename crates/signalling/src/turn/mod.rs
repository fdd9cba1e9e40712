//! STUN and TURN: credentials, which peers may be relayed to, and an embedded server over UDP.
//!
//! The server is the `turn` crate's request handling and allocations inside a loop of our own
//! (`server`). Its stock `Server` has no peer deny list, no quota, and a nonce table that grows with
//! every unauthenticated request; the loop adds these three. A later core with TCP and TLS replaces
//! `server`, `gate` and `socket`; `credentials`, `peers` and `ice` stay.

mod credentials;
mod gate;
mod ice;
mod peers;
mod server;
mod socket;

pub use credentials::{CredentialError, Credentials};
pub use ice::IceConfig;
pub use peers::PeerFilter;
pub use server::{TurnConfig, TurnServer};
