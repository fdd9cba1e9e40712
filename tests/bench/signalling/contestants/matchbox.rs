//! `matchbox_server` of crates.io, by the JSON of `matchbox_protocol` 0.15.

use std::process::Command;
use std::time::Duration;

use sanbao_platform::testing::port;

use super::{Contestant, tools};
use crate::Failure;
use crate::dialect::{Dialect, Heard, Kind, between};
use crate::server::Server;

/// The server.
pub struct Matchbox;

struct Side {
    room: u64,
    other: String,
}

impl Contestant for Matchbox {
    fn name(&self) -> &'static str {
        "matchbox"
    }

    fn missing(&self) -> Option<String> {
        let install = "cargo install --root target/bench-tools matchbox_server@0.15.0";
        (!tools("bin/matchbox_server").exists()).then(|| install.to_owned())
    }

    fn about(&self) -> String {
        "matchbox_server 0.15.0; nothing raised; its log is off".to_owned()
    }

    fn start(&self) -> Result<Server, Failure> {
        let port = port();
        let mut command = Command::new(tools("bin/matchbox_server"));
        command.arg(format!("127.0.0.1:{port}")).env("RUST_LOG", "off");
        Server::foreign(command, port)
    }

    fn side(&self, room: u64, _side: usize) -> Result<Box<dyn Dialect>, Failure> {
        Ok(Box::new(Side { room, other: String::new() }))
    }
}

impl Dialect for Side {
    fn path(&self) -> String {
        format!("/room{}", self.room)
    }

    fn opened(&mut self, _out: &mut Vec<String>) {}

    fn heard<'a>(&mut self, text: &'a str, out: &mut Vec<String>) -> Heard<'a> {
        if let Some(peer) = between(text, r#"{"NewPeer":""#) {
            peer.clone_into(&mut self.other);
            // Only the side that was there first is told of the other; a greeting tells the second.
            out.push(format!(r#"{{"Signal":{{"receiver":"{peer}","data":{{"hello":true}}}}}}"#));
            return Heard::Ready;
        }
        let Some(sender) = between(text, r#""sender":""#) else { return Heard::Nothing };
        if self.other != sender {
            sender.clone_into(&mut self.other);
        }
        match between(text, r#""body":""#) {
            Some(body) => Heard::Message(body),
            None => Heard::Ready,
        }
    }

    fn say(&mut self, _kind: Kind, body: &str) -> String {
        format!(r#"{{"Signal":{{"receiver":"{}","data":{{"body":"{body}"}}}}}}"#, self.other)
    }

    fn envelope_bytes(&self) -> usize {
        r#"{"Signal":{"receiver":"","data":{"body":""}}}"#.len() + self.other.len()
    }

    fn heartbeat(&self) -> Option<(Duration, &'static str)> {
        Some((Duration::from_secs(10), r#""KeepAlive""#))
    }
}
