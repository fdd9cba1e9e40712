//! The bare forwarder of [`crate::floor`]: a message is its body and nothing else.

use crate::Failure;
use crate::contestants::{Contestant, FLOOR};
use crate::dialect::{Dialect, Heard, Kind};
use crate::role;
use crate::server::Server;

/// The floor.
pub struct Floor;

struct Side {
    room: u64,
}

impl Contestant for Floor {
    fn name(&self) -> &'static str {
        FLOOR
    }

    fn start(&self) -> Result<Server, Failure> {
        Server::role(role::FLOOR, &[])
    }

    fn side(&self, room: u64, _side: usize) -> Result<Box<dyn Dialect>, Failure> {
        Ok(Box::new(Side { room }))
    }
}

impl Dialect for Side {
    fn path(&self) -> String {
        format!("/{}", self.room)
    }

    fn opened(&mut self, _out: &mut Vec<String>) {}

    fn ready_when_open(&self) -> bool {
        true
    }

    fn heard<'a>(&mut self, text: &'a str, _out: &mut Vec<String>) -> Heard<'a> {
        Heard::Message(text)
    }

    fn say(&mut self, _kind: Kind, body: &str) -> String {
        body.to_owned()
    }
}
