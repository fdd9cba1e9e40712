//! The relay of this repository, by `sanbao.signal.v1`.

use sanbao_platform::auth::{Keys, Scope};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use serde_json::json;
use uuid::Uuid;

use crate::Failure;
use crate::contestants::Contestant;
use crate::dialect::{Dialect, Heard, Kind, between};
use crate::role;
use crate::server::Server;

/// The relay with its embedded room log.
pub struct Sanbao {
    keys: Keys,
    clock: Clock,
}

struct Side {
    ticket: String,
    own: String,
    other: String,
}

impl Sanbao {
    /// With the keys that [`role`] verifies by.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self { keys: RootSecret::from_bytes([42; 32]).keys()?, clock: Clock::system() })
    }
}

impl Contestant for Sanbao {
    fn name(&self) -> &'static str {
        "sanbao"
    }

    fn raised(&self) -> String {
        role::raised_text()
    }

    fn start(&self) -> Result<Server, Failure> {
        Server::role(role::SANBAO)
    }

    fn side(&self, room: u64, side: usize) -> Result<Box<dyn Dialect>, Failure> {
        let (now, role) = (self.clock.now(), ["host", "clinician"][side]);
        let person = u128::from(room) * 2 + side as u128 + 1;
        let claims = json!({
            "consult": Uuid::from_u128(u128::from(room) + 1), "sub": Uuid::from_u128(person), "name": role,
            "role": role, "lobby": false,
        });
        let (not_before, expires) = (now, now + chrono::TimeDelta::hours(1));
        let scope = Scope { purpose: "ticket", audience: "signalling", not_before, expires };
        let ticket = self.keys.sign(scope, now, &claims)?;
        Ok(Box::new(Side { ticket, own: String::new(), other: String::new() }))
    }
}

impl Side {
    /// Takes the other's id out of a list of peers.
    fn find_other(&mut self, mut views: &str) -> bool {
        while let Some(peer) = between(views, r#""peer":""#) {
            if peer != self.own {
                peer.clone_into(&mut self.other);
                return true;
            }
            views = &views[views.find(peer).unwrap_or_default() + peer.len()..];
        }
        false
    }
}

impl Dialect for Side {
    fn path(&self) -> String {
        "/v1/signal".to_owned()
    }

    fn subprotocol(&self) -> Option<&'static str> {
        Some("sanbao.signal.v1")
    }

    fn opened(&mut self, out: &mut Vec<String>) {
        out.push(json!({ "type": "hello", "v": 1, "ticket": self.ticket }).to_string());
    }

    fn heard<'a>(&mut self, text: &'a str, out: &mut Vec<String>) -> Heard<'a> {
        match between(text, r#""type":""#) {
            Some("offer" | "answer") => between(text, r#""sdp":""#).map_or(Heard::Nothing, Heard::Message),
            Some("candidate") => between(text, r#"{"candidate":""#).map_or(Heard::Nothing, Heard::Message),
            Some("welcome") => {
                between(text, r#""peer":""#).unwrap_or_default().clone_into(&mut self.own);
                out.push(r#"{"type":"join","audio":true,"video":true}"#.to_owned());
                Heard::Nothing
            }
            Some("joined" | "peer_joined") if self.find_other(text) => Heard::Ready,
            Some("error") => Heard::Refused(text),
            _ => Heard::Nothing,
        }
    }

    fn say(&mut self, kind: Kind, body: &str) -> String {
        let to = &self.other;
        match kind {
            Kind::Offer => format!(r#"{{"type":"offer","to":"{to}","sdp":"{body}"}}"#),
            Kind::Answer => format!(r#"{{"type":"answer","to":"{to}","sdp":"{body}"}}"#),
            Kind::Candidate => format!(
                r#"{{"type":"candidate","to":"{to}","candidate":{{"candidate":"{body}","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"Jk3a"}}}}"#
            ),
        }
    }

    fn envelope_bytes(&self) -> usize {
        r#"{"type":"offer","to":"","sdp":""}"#.len() + self.other.len()
    }

    fn leave(&mut self) -> Option<String> {
        Some(r#"{"type":"leave"}"#.to_owned())
    }
}
