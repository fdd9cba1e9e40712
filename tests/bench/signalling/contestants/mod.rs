//! The servers that are compared, each with its own protocol.

mod floor;
mod matchbox;
mod peerjs;
mod sanbao;
mod spreed;

use std::path::PathBuf;

use crate::Failure;
use crate::dialect::Dialect;
use crate::server::Server;

/// A server and how to talk to it.
pub trait Contestant {
    /// Its name in the tables.
    fn name(&self) -> &'static str;

    /// The program that must be installed before it can be started, if anything.
    fn missing(&self) -> Option<String> {
        None
    }

    /// The facts to know of it: its version, how it runs, which limits were raised for this load.
    fn about(&self) -> String {
        "a bare forwarder".to_owned()
    }

    /// Starts it.
    fn start(&self) -> Result<Server, Failure>;

    /// One side (0 or 1) of a room.
    fn side(&self, room: u64, side: usize) -> Result<Box<dyn Dialect>, Failure>;
}

/// The bare forwarder that all are compared with.
pub const FLOOR: &str = "floor";
/// The relay with its embedded room log.
pub const EMBEDDED: &str = "sanbao";
/// The relay with one `nats-server`.
pub const NATS_1: &str = "sanbao-nats1";
/// With three, which replicate.
pub const NATS_3: &str = "sanbao-nats3";
/// With one, and the sides of each room at two relays.
pub const NATS_1_APART: &str = "sanbao-nats1-apart";
/// With three, and the sides of each room at two relays.
pub const NATS_3_APART: &str = "sanbao-nats3-apart";
/// The relay in each of its forms.
pub const OWN: &[&str] = &[EMBEDDED, NATS_1, NATS_3, NATS_1_APART, NATS_3_APART];

/// All that there are, the floor first.
pub fn all() -> Result<Vec<Box<dyn Contestant>>, Failure> {
    let mut all: Vec<Box<dyn Contestant>> = vec![Box::new(floor::Floor), Box::new(sanbao::Sanbao::embedded()?)];
    for shared in sanbao::Sanbao::shared()? {
        all.push(Box::new(shared));
    }
    all.extend([
        Box::new(matchbox::Matchbox) as Box<dyn Contestant>,
        Box::new(peerjs::PeerJs),
        Box::new(spreed::Spreed),
    ]);
    Ok(all)
}

/// Where foreign servers are installed that no package of the system brings.
fn tools(path: &str) -> PathBuf {
    crate::machine::target("bench-tools").join(path)
}
