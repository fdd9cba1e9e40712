//! STUN and TURN (RFC 8489, RFC 8656): credentials, which peers may be relayed to, and an embedded server
//! over UDP, TCP and TLS, IPv4 and IPv6.
//!
//! The server is made here because no crate is one: `turn` speaks UDP only, has no peer deny list and no
//! quota, and keeps a nonce for every unauthenticated request; `rtc-turn` and `rtc-stun` are codecs whose
//! message types own and copy what they hold, while media must pass without an allocation. So there is
//!
//! - `stun`: messages read as slices of the datagram and written into a buffer that is used again; hashes by
//!   the crates `hmac`, `sha1`, `md-5`;
//! - `engine`: the protocol, pure: inputs with their time go in, at most one output comes out;
//! - `framing`: where messages end in a stream;
//! - `driver`: one thread with `mio`; UDP in batches by `quinn-udp` (`recvmmsg`, GRO, GSO), TLS by `rustls`.
//!
//! Not supported, and refused as the RFC says: TCP relaying to peers (RFC 6062; 442), two addresses in one
//! allocation (the second is answered with 440), DONT-FRAGMENT (420). Messages are signed with SHA-1, as all
//! browsers do; MESSAGE-INTEGRITY-SHA256 is not offered.

mod config;
mod control;
mod credentials;
mod driver;
pub mod engine;
pub mod framing;
mod ice;
mod peers;
mod ports;
pub mod stun;

pub use config::{BYTES_PER_S_PER_USER_MAX, REALM_BYTES_MAX, TurnConfig, TurnLimits, TurnTls};
pub use control::{TurnControl, TurnOrder};
pub use credentials::{CredentialError, Credentials, TurnGrant, TurnScope};
pub use driver::TurnServer;
pub use ice::{AnsweredBy, IceConfig, IceServer, IceUrl, RelayOnly, RelayedAddresses};
pub use peers::PeerFilter;
pub use ports::{OpenPorts, PortsReporter, PortsWatch, ports};
