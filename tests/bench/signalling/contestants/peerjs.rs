//! `PeerServer`, the npm package `peer`, by the messages of `PeerJS` 1.5.

use std::process::Command;
use std::time::Duration;

use sanbao_platform::testing::port;

use super::{Contestant, tools};
use crate::dialect::{Dialect, Heard, Kind, between};
use crate::server::Server;
use crate::{Failure, machine};

/// The server.
pub struct PeerJs;

struct Side {
    own: String,
    other: String,
}

impl Contestant for PeerJs {
    fn name(&self) -> &'static str {
        "peerjs"
    }

    fn missing(&self) -> Option<String> {
        let install = "npm install --prefix target/bench-tools peer@1.0.2";
        (!tools("node_modules/peer").exists()).then(|| install.to_owned())
    }

    fn about(&self) -> String {
        let node = machine::first_line("node", &["--version"]).unwrap_or_default();
        format!("peer 1.0.2 on node {node}; raised: connections 20000 (default 5000)")
    }

    fn start(&self) -> Result<Server, Failure> {
        let port = port();
        let mut command = Command::new("node");
        command.arg(tools("node_modules/.bin/peerjs")).args(["--host", "127.0.0.1", "-c", "20000"]);
        command.args(["--port", &port.to_string()]);
        Server::foreign(command, port)
    }

    fn side(&self, room: u64, side: usize) -> Result<Box<dyn Dialect>, Failure> {
        let id = |side| format!("r{room}s{side}");
        Ok(Box::new(Side { own: id(side), other: id(1 - side) }))
    }
}

impl Dialect for Side {
    fn path(&self) -> String {
        format!("/peerjs?key=peerjs&id={0}&token=t{0}&version=1.5.4", self.own)
    }

    fn opened(&mut self, _out: &mut Vec<String>) {}

    fn heard<'a>(&mut self, text: &'a str, _out: &mut Vec<String>) -> Heard<'a> {
        match between(text, r#""type":""#) {
            Some("OPEN") => Heard::Ready,
            Some("OFFER" | "ANSWER" | "CANDIDATE") => {
                between(text, r#""body":""#).map_or(Heard::Nothing, Heard::Message)
            }
            // Its word to a sender that one message could not be delivered.
            Some("EXPIRE" | "ERROR" | "ID-TAKEN") => Heard::Refused(text),
            _ => Heard::Nothing,
        }
    }

    fn say(&mut self, kind: Kind, body: &str) -> String {
        let kind = match kind {
            Kind::Offer => "OFFER",
            Kind::Answer => "ANSWER",
            Kind::Candidate => "CANDIDATE",
        };
        format!(r#"{{"type":"{kind}","dst":"{}","payload":{{"body":"{body}"}}}}"#, self.other)
    }

    fn envelope_bytes(&self) -> usize {
        r#"{"type":"OFFER","dst":"","payload":{"body":""}}"#.len() + self.other.len()
    }

    fn heartbeat(&self) -> Option<(Duration, &'static str)> {
        Some((Duration::from_secs(5), r#"{"type":"HEARTBEAT"}"#))
    }
}
