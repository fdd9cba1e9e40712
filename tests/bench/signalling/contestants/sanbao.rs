//! The relay of this repository, by `sanbao.signal.v1`: with its embedded room log, or with the log in `JetStream`.

use sanbao_platform::auth::{Keys, Scope};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use serde_json::json;
use uuid::Uuid;

use crate::Failure;
use crate::contestants::{Contestant, EMBEDDED, NATS_1, NATS_1_APART, NATS_3, NATS_3_APART};
use crate::dialect::{Dialect, Due, Heard, Kind, between, number};
use crate::nats::NatsServers;
use crate::role;
use crate::server::Server;

/// The environment variable with the address of a `PostgreSQL` server, as [`sanbao_platform::testing`] reads it.
/// A line that the relay takes for a candidate; the body is its extension, so both are as long as the body alone.
const CANDIDATE: &str = "candidate:1 1 udp 41885439 192.0.2.7 50012 typ relay x ";
const POSTGRES: &str = "SANBAO_TEST_POSTGRES_URL";
/// The number of messages that are acknowledged at once, as the protocol says.
const UNACKNOWLEDGED_MESSAGES_MAX: u64 = 32;
const UNACKNOWLEDGED_BYTES_MAX: usize = 64 * 1024;

/// The relay.
pub struct Sanbao {
    name: &'static str,
    /// The servers that hold its rooms' logs; nothing when they are in the relay's memory.
    shared: Option<Shared>,
    keys: Keys,
    clock: Clock,
}

/// A room log in `JetStream`.
#[derive(Clone, Copy)]
struct Shared {
    /// How many `nats-server`s keep it.
    servers: usize,
    /// How many relays there are: with two, the sides of a room are at different ones.
    relays: usize,
}

struct Side {
    ticket: String,
    device: String,
    own: String,
    other: String,
    /// The values of `welcome` to resume with: consult, epoch, secret.
    kept: Option<[String; 3]>,
    /// The last number of its own.
    said: u64,
    /// The last number of the relay's, and the last that it was told of.
    heard: u64,
    acknowledged: u64,
    /// How long what is not acknowledged is.
    unacknowledged_bytes: usize,
}

impl Sanbao {
    /// With its embedded room log, as it is where all services are one process.
    pub fn embedded() -> Result<Self, Failure> {
        Self::new(EMBEDDED, None)
    }

    /// With `JetStream`: one server or three, one relay or two.
    pub fn shared() -> Result<[Self; 4], Failure> {
        let new = |name, servers, relays| Self::new(name, Some(Shared { servers, relays }));
        Ok([new(NATS_1, 1, 1)?, new(NATS_3, 3, 1)?, new(NATS_1_APART, 1, 2)?, new(NATS_3_APART, 3, 2)?])
    }

    /// With the keys that [`role`] verifies by.
    fn new(name: &'static str, shared: Option<Shared>) -> Result<Self, Failure> {
        Ok(Self { name, shared, keys: RootSecret::from_bytes([42; 32]).keys()?, clock: Clock::system() })
    }
}

impl Contestant for Sanbao {
    fn name(&self) -> &'static str {
        self.name
    }

    fn missing(&self) -> Option<String> {
        self.shared?;
        if std::env::var_os(POSTGRES).is_none() {
            return Some(format!("{POSTGRES} is not set; tests/bench/all starts PostgreSQL and sets it"));
        }
        NatsServers::version().is_none().then(|| "apt-get install nats-server".to_owned())
    }

    fn about(&self) -> String {
        let raised = role::raised_text();
        let Some(Shared { servers, relays }) = self.shared else {
            return format!("embedded room log; raised: {raised}");
        };
        let (relays, sides) = match relays {
            1 => ("one relay", ""),
            _ => ("two relays", ", the two sides of each room at different ones"),
        };
        let version = NatsServers::version().unwrap_or_default();
        format!(
            "{relays}{sides}; room log in JetStream, file storage, {servers} × {version}, as many copies, on {}, \
            facts in PostgreSQL; its CPU is the relays'; raised: as above",
            NatsServers::file_system()
        )
    }

    fn start(&self) -> Result<Server, Failure> {
        match self.shared {
            None => Server::role(role::SANBAO, &[]),
            Some(Shared { servers, relays }) => {
                let nats = NatsServers::start(servers)?;
                // A database of its own on the server that `POSTGRES` names.
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let engine = runtime.block_on(sanbao_platform::testing::postgres()).ok_or("no PostgreSQL")?;
                let environment =
                    [(role::NATS, nats.urls().join(",")), (role::DATABASE, engine.url(sanbao_signalling::NAME))];
                let mut server = Server::role(role::SANBAO, &environment)?;
                for _ in 1..relays {
                    server.join(Server::role(role::SANBAO, &environment)?);
                }
                Ok(server.over(nats))
            }
        }
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
        Ok(Box::new(Side {
            ticket,
            device,
            own,
            other,
            kept: None,
            said: 0,
            heard: 0,
            acknowledged: 0,
            unacknowledged_bytes: 0,
        }))
    }
}

impl Side {
    /// The numbers at the start of a message, its acknowledgement included.
    fn numbers(&mut self) -> String {
        self.said += 1;
        self.acknowledge();
        format!(r#""seq":{},"ack":{}"#, self.said, self.heard)
    }

    fn acknowledge(&mut self) {
        self.acknowledged = self.heard;
        self.unacknowledged_bytes = 0;
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
            self.unacknowledged_bytes += text.len();
        }
        match between(text, r#""type":""#) {
            Some("offer" | "answer") => between(text, r#""sdp":""#).map_or(Heard::Nothing, Heard::Message),
            Some("candidate") => {
                let line = between(text, r#"{"candidate":""#).and_then(|line| line.strip_prefix(CANDIDATE));
                line.map_or(Heard::Nothing, Heard::Message)
            }
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
                self.acknowledge();
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
        (self.due() != Due::Never).then(|| {
            self.acknowledge();
            format!(r#"{{"type":"ack","ack":{}}}"#, self.heard)
        })
    }

    fn due(&self) -> Due {
        match self.heard.saturating_sub(self.acknowledged) {
            0 => Due::Never,
            UNACKNOWLEDGED_MESSAGES_MAX.. => Due::Now,
            _ if self.unacknowledged_bytes >= UNACKNOWLEDGED_BYTES_MAX => Due::Now,
            _ => Due::Soon,
        }
    }

    fn say(&mut self, kind: Kind, body: &str) -> String {
        let numbers = self.numbers();
        let to = &self.other;
        match kind {
            Kind::Offer => format!(r#"{{"type":"offer",{numbers},"to":"{to}","sdp":"{body}"}}"#),
            Kind::Answer => format!(r#"{{"type":"answer",{numbers},"to":"{to}","sdp":"{body}"}}"#),
            Kind::Candidate => format!(
                r#"{{"type":"candidate",{numbers},"to":"{to}","candidate":{{"candidate":"{CANDIDATE}{}","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"Jk3a"}}}}"#,
                &body[..body.len() - CANDIDATE.len()]
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
