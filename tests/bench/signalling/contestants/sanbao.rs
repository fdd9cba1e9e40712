//! The relay of this repository, by `sanbao.signal.v1`.

use sanbao_platform::auth::{Keys, Scope};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use serde_json::json;
use uuid::Uuid;

use crate::Failure;
use crate::contestants::Contestant;
use crate::dialect::{Dialect, Heard, Kind, between, number};
use crate::role;
use crate::server::Server;

/// The relay with its embedded room log.
pub struct Sanbao {
    keys: Keys,
    clock: Clock,
}

struct Side {
    ticket: String,
    device: String,
    own: String,
    other: String,
    /// What a `welcome` gave to resume with: consult, epoch, secret.
    kept: Option<[String; 3]>,
    /// The last number of its own.
    said: u64,
    /// The last number of the relay's, and the last that it was told of.
    heard: u64,
    acknowledged: u64,
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
        let device = format!("bench-device-{person:08}");
        let (own, other) = (String::new(), String::new());
        Ok(Box::new(Side { ticket, device, own, other, kept: None, said: 0, heard: 0, acknowledged: 0 }))
    }
}

impl Side {
    /// The numbers at the start of a message, its acknowledgement included.
    fn numbers(&mut self) -> String {
        self.said += 1;
        self.acknowledged = self.heard;
        format!(r#""seq":{},"ack":{}"#, self.said, self.heard)
    }

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
        let mut hello = json!({ "type": "hello", "v": 1, "device": self.device, "ticket": self.ticket });
        if let Some([consult, epoch, secret]) = &self.kept {
            hello["resume"] = json!({
                "consult": consult, "session": self.own, "secret": secret, "epoch": epoch, "seq": self.heard,
            });
        }
        out.push(hello.to_string());
    }

    fn heard<'a>(&mut self, text: &'a str, out: &mut Vec<String>) -> Heard<'a> {
        if let Some(seq) = text.strip_prefix(r#"{"seq":"#).and_then(|rest| number(rest, "")) {
            self.heard = seq;
        }
        match between(text, r#""type":""#) {
            Some("offer" | "answer") => between(text, r#""sdp":""#).map_or(Heard::Nothing, Heard::Message),
            Some("candidate") => between(text, r#"{"candidate":""#).map_or(Heard::Nothing, Heard::Message),
            Some("welcome") => {
                let field = |name| between(text, name).unwrap_or_default().to_owned();
                if text.contains(r#""resumed":"exact""#) {
                    return Heard::Ready;
                }
                self.own = field(r#""peer":""#);
                if let Some(secret) = between(text, r#""secret":""#) {
                    self.kept = Some([field(r#""consult":""#), field(r#""epoch":""#), secret.to_owned()]);
                }
                self.heard = number(text, r#""seq":"#).unwrap_or_default();
                if text.contains(r#""resumed":"snapshot""#) {
                    return Heard::Loss;
                }
                let numbers = self.numbers();
                out.push(format!(r#"{{"type":"join",{numbers},"audio":true,"video":true}}"#));
                Heard::Nothing
            }
            Some("joined" | "peer_joined") if self.find_other(text) => Heard::Ready,
            Some("error") => Heard::Refused(text),
            _ => Heard::Nothing,
        }
    }

    fn acknowledgement(&mut self) -> Option<String> {
        self.owes().then(|| {
            self.acknowledged = self.heard;
            format!(r#"{{"type":"ack","ack":{}}}"#, self.heard)
        })
    }

    fn owes(&self) -> bool {
        self.heard > self.acknowledged
    }

    fn close_tells_loss(&self, code: u16) -> bool {
        code == 4003
    }

    fn say(&mut self, kind: Kind, body: &str) -> String {
        let numbers = self.numbers();
        let to = &self.other;
        match kind {
            Kind::Offer => format!(r#"{{"type":"offer",{numbers},"to":"{to}","sdp":"{body}"}}"#),
            Kind::Answer => format!(r#"{{"type":"answer",{numbers},"to":"{to}","sdp":"{body}"}}"#),
            Kind::Candidate => format!(
                r#"{{"type":"candidate",{numbers},"to":"{to}","candidate":{{"candidate":"{body}","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"Jk3a"}}}}"#
            ),
        }
    }

    fn envelope_bytes(&self) -> usize {
        r#"{"type":"offer","seq":1000,"ack":1000,"to":"","sdp":""}"#.len() + self.other.len()
    }

    fn leave(&mut self) -> Option<String> {
        let numbers = self.numbers();
        Some(format!(r#"{{"type":"leave",{numbers}}}"#))
    }
}
