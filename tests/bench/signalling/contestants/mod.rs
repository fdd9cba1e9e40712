//! The servers that are compared, each with its own protocol.

mod floor;
mod matchbox;
mod peerjs;
mod sanbao;
mod spreed;

use std::path::{Path, PathBuf};

use crate::Failure;
use crate::dialect::Dialect;
use crate::server::Server;

/// A server and how to talk to it.
pub trait Contestant {
    /// Its name in the tables.
    fn name(&self) -> &'static str;

    /// What must be installed before it can be started, if anything.
    fn missing(&self) -> Option<String> {
        None
    }

    /// Which limits were raised for this load.
    fn raised(&self) -> String {
        "none".to_owned()
    }

    /// Starts it.
    fn start(&self) -> Result<Server, Failure>;

    /// One side (0 or 1) of a room.
    fn side(&self, room: u64, side: usize) -> Result<Box<dyn Dialect>, Failure>;
}

/// All of them, the floor first; `peers` are the foreign ones.
pub fn all(peers: bool) -> Result<Vec<Box<dyn Contestant>>, Failure> {
    let mut all: Vec<Box<dyn Contestant>> = vec![Box::new(floor::Floor), Box::new(sanbao::Sanbao::new()?)];
    if peers {
        all.extend(foreign());
    }
    Ok(all)
}

fn foreign() -> [Box<dyn Contestant>; 3] {
    [Box::new(matchbox::Matchbox), Box::new(peerjs::PeerJs), Box::new(spreed::Spreed)]
}

/// Where foreign servers are installed that no package of the system brings.
fn tools(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-tools").join(path)
}
