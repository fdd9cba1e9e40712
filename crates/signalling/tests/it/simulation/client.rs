//! A client as the protocol document has it: numbers, acknowledgements, resume; with no socket and no clock.
//! Whatever it sees that the document rules out is a violation.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value, json};

use super::checks::{Kind, Violation};

/// The part of a client that outlives connections.
#[derive(Debug, Default)]
pub struct Client {
    pub index: usize,
    pub ticket: String,
    pub device: String,
    pub waits_by_ticket: bool,
    pub session: Option<Session>,
    /// How often it asked for a session, or got one that it had not asked for.
    pub entered: u32,
    /// The messages that are not acknowledged, by number.
    kept: VecDeque<(u64, String)>,
    /// The client's last number.
    last: u64,
    /// The last number that the relay has acknowledged.
    acknowledged: u64,
    /// The relay's last number that was taken.
    pub taken: u64,
    told: u64,
    /// Nothing but the secret was kept.
    reloaded: bool,
    pub phase: Phase,
    pub place: Place,
    pub room: Room,
    /// Misbehaves: acts on repeats.
    pub acts_on_repeats: bool,
    /// The record of what this client did and saw, for the checks.
    pub seen: Seen,
}

#[derive(Clone, Debug)]
pub struct Session {
    pub peer: String,
    secret: String,
    consult: String,
    epoch: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Down,
    /// `hello` was said.
    Greeting,
    Up,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Hall,
    Lobby,
    Inside,
}

/// The client's knowledge of the room.
#[derive(Clone, Debug, Default)]
pub struct Room {
    /// Consent to recording and transcription of everybody inside.
    pub peers: BTreeMap<String, (bool, bool)>,
    pub waiting: BTreeSet<String>,
    pub removed: BTreeSet<u64>,
    pub controls: bool,
    recording: bool,
    transcription: bool,
}

/// The events since the checks last looked.
#[derive(Debug, Default)]
pub struct Seen {
    pub violations: Vec<Violation>,
    /// A number of the relay's was taken: session, number, the frame.
    pub taken: Vec<(String, u64, String)>,
    /// A number of the client's was acknowledged: session, number, the `id` it had.
    pub acknowledged: Vec<(String, u64, String)>,
    /// Numbers that a snapshot stands for: session, from, to.
    pub skipped: Vec<(String, u64, u64)>,
    /// The client came in.
    pub joined: bool,
    pub snapshots: u32,
    pub resumes: u32,
    /// The `id` of each number that was given out, of this session.
    ids: BTreeMap<u64, String>,
    data: BTreeSet<String>,
    /// To what it ever consented.
    consented: (bool, bool),
}

impl Client {
    pub fn new(index: usize, ticket: String, device: String, waits_by_ticket: bool) -> Self {
        Self { index, ticket, device, waits_by_ticket, ..Self::default() }
    }

    /// The connection is open: the first words.
    pub fn opened(&mut self) -> String {
        self.phase = Phase::Greeting;
        let mut hello = json!({"type": "hello", "v": 1, "ticket": self.ticket, "device": self.device});
        self.entered += u32::from(self.session.is_none());
        if let Some(Session { peer, secret, consult, epoch }) = &self.session {
            hello["resume"] = json!({"session": peer, "secret": secret, "consult": consult, "epoch": epoch,
                "seq": self.taken, "snapshot": self.reloaded});
        }
        hello.to_string()
    }

    /// The connection is gone.
    pub fn closed(&mut self) {
        self.phase = Phase::Down;
    }

    /// The page is loaded again: only what was stored is left.
    pub fn reload(&mut self) {
        self.closed();
        self.reloaded = true;
        self.kept.clear();
        (self.taken, self.told) = (0, 0);
        // Until it is welcome, a new page does not know its numbers.
        (self.place, self.room) = (Place::Hall, Room::default());
    }

    /// Starts over without a session.
    pub fn forget(&mut self) {
        self.closed();
        (self.session, self.reloaded) = (None, false);
        self.begin();
    }

    fn begin(&mut self) {
        self.kept.clear();
        (self.last, self.acknowledged, self.taken, self.told) = (0, 0, 0, 0);
        (self.place, self.room) = (Place::Hall, Room::default());
        self.seen.ids.clear();
    }

    /// Says something: the frame, when there is a connection to send it on.
    pub fn say(&mut self, mut message: Map<String, Value>, id: String) -> Option<String> {
        let (recording, transcription) = match message.get("type").and_then(Value::as_str) {
            Some("join") => consent(&message["consent"]),
            Some("consent") => consent(&Value::Object(message.clone())),
            _ => (false, false),
        };
        self.seen.consented.0 |= recording;
        self.seen.consented.1 |= transcription;
        self.last += 1;
        message.insert("seq".to_owned(), self.last.into());
        message.insert("id".to_owned(), id.clone().into());
        self.seen.ids.insert(self.last, id);
        let text = Value::Object(message).to_string();
        self.kept.push_back((self.last, text.clone()));
        (self.phase == Phase::Up).then(|| self.with_ack(&text))
    }

    /// Whether everything it said was acknowledged.
    pub fn is_quiet(&self) -> bool {
        self.phase == Phase::Up && self.kept.is_empty() && self.told == self.taken
    }

    pub fn unacknowledged(&self) -> usize {
        self.kept.len()
    }

    /// How many messages of the relay's it has not acknowledged.
    pub fn untold(&self) -> u64 {
        self.taken - self.told
    }

    pub fn acknowledge(&mut self) -> Option<String> {
        let due = self.phase == Phase::Up && self.untold() > 0;
        due.then(|| {
            self.told = self.taken;
            format!(r#"{{"type":"ack","ack":{}}}"#, self.taken)
        })
    }

    fn with_ack(&mut self, text: &str) -> String {
        self.told = self.taken;
        format!(r#"{{"ack":{},{}"#, self.taken, &text[1..])
    }

    fn violate(&mut self, kind: Kind, words: impl Into<String>) {
        let words = format!("client {}: {}", self.index, words.into());
        self.seen.violations.push(Violation { kind, words });
    }

    /// A frame came: what to send.
    pub fn received(&mut self, text: &str) -> Vec<String> {
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            self.violate(Kind::Protocol, format!("not JSON: {text}"));
            return Vec::new();
        };
        if message["type"] == "welcome" {
            return self.welcomed(&message);
        }
        if self.phase != Phase::Up {
            return Vec::new(); // an error before a close
        }
        if let Some(ack) = message["ack"].as_u64() {
            self.acknowledged_up_to(ack);
        }
        let Some(seq) = message["seq"].as_u64() else { return Vec::new() };
        if seq > self.taken + 1 {
            self.violate(Kind::Gap, format!("{seq} after {}", self.taken));
        }
        if seq <= self.taken && !self.acts_on_repeats {
            return Vec::new();
        }
        self.taken = self.taken.max(seq);
        let peer = self.session.as_ref().map(|session| session.peer.clone()).unwrap_or_default();
        self.seen.taken.push((peer, seq, text.to_owned()));
        self.act(&message);
        if self.untold() >= 32 { self.acknowledge().into_iter().collect() } else { Vec::new() }
    }

    fn acknowledged_up_to(&mut self, ack: u64) {
        if ack > self.last {
            self.violate(Kind::Protocol, format!("ack {ack}, of {} that were said", self.last));
        }
        let peer = self.session.as_ref().map(|session| session.peer.clone()).unwrap_or_default();
        for seq in self.acknowledged + 1..=ack {
            if let Some(id) = self.seen.ids.remove(&seq) {
                self.seen.acknowledged.push((peer.clone(), seq, id));
            }
        }
        self.acknowledged = self.acknowledged.max(ack);
        while self.kept.front().is_some_and(|(seq, _)| *seq <= ack) {
            self.kept.pop_front();
        }
    }

    fn welcomed(&mut self, welcome: &Value) -> Vec<String> {
        let string = |name: &str| welcome[name].as_str().unwrap_or_default().to_owned();
        let (ack, seq) = (welcome["ack"].as_u64().unwrap_or(0), welcome["seq"].as_u64().unwrap_or(0));
        self.phase = Phase::Up;
        match string("resumed").as_str() {
            "new" => {
                self.entered += u32::from(self.session.is_some());
                self.begin();
                let (secret, consult) = (string("secret"), string("consult"));
                self.session = Some(Session { peer: string("peer"), secret, consult, epoch: string("epoch") });
            }
            "snapshot" => {
                self.seen.snapshots += 1;
                self.seen.skipped.push((string("peer"), self.taken + 1, seq));
                (self.taken, self.told) = (seq, seq);
                if self.reloaded {
                    // Numbers that the page before gave out and that were not taken are used anew.
                    self.last = ack;
                    self.seen.ids.retain(|number, _| *number <= ack);
                }
                self.acknowledged_up_to(ack);
            }
            _ => {
                self.seen.resumes += 1;
                if seq != self.taken {
                    self.violate(Kind::Gap, format!("resumed at {seq} instead of {}", self.taken));
                }
                self.acknowledged_up_to(ack);
            }
        }
        self.reloaded = false;
        if string("resumed") != "exact" {
            self.at(&string("place"), welcome);
        }
        if welcome["room"].is_object() {
            self.view(&welcome["room"]);
        }
        let kept: Vec<String> = self.kept.iter().map(|(_, text)| text.clone()).collect();
        kept.iter().map(|text| self.with_ack(text)).collect()
    }

    /// Where it is. Of an exact resume this is how it will be after all that follows, so that it is no news.
    fn at(&mut self, place: &str, welcome: &Value) {
        self.place = match place {
            "inside" => Place::Inside,
            "lobby" => Place::Lobby,
            _ => Place::Hall,
        };
        self.permitted(&welcome["you"]["permissions"]);
        self.seen.joined |= self.place == Place::Inside;
    }

    fn permitted(&mut self, permissions: &Value) {
        self.room.controls = permissions.as_array().is_some_and(|list| list.iter().any(|p| p == "control"));
    }

    fn view(&mut self, room: &Value) {
        let list = |name: &str| room[name].as_array().cloned().unwrap_or_default();
        let peer = |view: &Value| view["peer"].as_str().unwrap_or_default().to_owned();
        self.room.peers = list("peers").iter().map(|view| (peer(view), consent(&view["consent"]))).collect();
        self.room.waiting = list("waiting").iter().map(peer).collect();
        self.room.removed = list("removed").iter().filter_map(|removed| removed["removal"].as_u64()).collect();
        self.room.recording = room["recording"]["on"] == true;
        self.room.transcription = room["transcription"]["on"] == true;
        self.check_consent();
    }

    fn act(&mut self, message: &Value) {
        let peer = message["peer"].as_str().unwrap_or_default().to_owned();
        let kind = message["type"].as_str().unwrap_or_default();
        match kind {
            "joined" => {
                (self.place, self.seen.joined) = (Place::Inside, true);
                self.view(&message["room"]);
            }
            "lobby" => {
                self.place = Place::Lobby;
                let controls = self.room.controls;
                self.room = Room { controls, ..Room::default() };
            }
            "peer_joined" => {
                self.room.peers.insert(peer, consent(&message["consent"]));
            }
            "peer_left" => {
                self.room.peers.remove(&peer);
            }
            "consent" => {
                self.room.peers.insert(peer, consent(message));
            }
            "recording" => self.room.recording = message["on"] == true,
            "transcription" => self.room.transcription = message["on"] == true,
            "ring" => {
                self.room.waiting.insert(peer);
            }
            "ring_over" => {
                self.room.waiting.remove(&peer);
            }
            "removed_list" => {
                let removed = message["removed"].as_array().cloned().unwrap_or_default();
                self.room.removed = removed.iter().filter_map(|removed| removed["removal"].as_u64()).collect();
            }
            "permissions" if self.session.as_ref().is_some_and(|session| session.peer == peer) => {
                self.permitted(&message["permissions"]);
            }
            "message" | "offer" => self.passed_on(message),
            _ => {}
        }
        let outside = ["message", "offer", "chat", "state", "peer_joined", "peer_left", "recording", "transcription"];
        if self.place != Place::Inside && outside.contains(&kind) {
            self.violate(Kind::Admission, format!("got {kind} without being inside"));
        }
        self.check_consent();
    }

    fn passed_on(&mut self, message: &Value) {
        let data = message["data"].as_str().or(message["sdp"].as_str()).unwrap_or_default().to_owned();
        if !self.seen.data.insert(data.clone()) {
            self.violate(Kind::Twice, data);
        }
    }

    /// At every message: what is on, everybody inside consents to.
    fn check_consent(&mut self) {
        if self.place != Place::Inside {
            return;
        }
        let Room { peers, recording, transcription, .. } = &self.room;
        let missing = peers.values().any(|(r, t)| (*recording && !r) || (*transcription && !t));
        let own = self.session.as_ref().and_then(|session| peers.get(&session.peer)).copied().unwrap_or_default();
        let forged = (own.0 && !self.seen.consented.0) || (own.1 && !self.seen.consented.1);
        if missing || forged {
            self.violate(Kind::Consent, format!("{:?}", self.room));
        }
    }
}

fn consent(value: &Value) -> (bool, bool) {
    (value["recording"] == true, value["transcription"] == true)
}
