//! Over any sequence of commands: nobody inside without admission, nothing kept without consent, nothing to
//! anybody it is not for. Judged by an onlooker who sees commands and outputs and never looks into the room.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
pub(super) enum Step {
    Enter(u8),
    Resume(u8, bool, bool),
    Lose(u8),
    NodeGone(u8),
    Revoke(u8, bool),
    Pass(u16),
    Say(u8, Say),
}

#[derive(Clone, Debug)]
pub(super) enum Say {
    Join(bool, u8),
    Admit(u8),
    Refuse(u8),
    PutBack(u8),
    Ring,
    Offer(u8),
    Message,
    State(bool),
    Mute(u8),
    Chat,
    Consent(bool, bool),
    Record(bool),
    Transcribe(bool),
    Permit(u8, u8),
    Kick(u8),
    Lift(u8),
    Leave,
    Finish,
}

fn say() -> impl Strategy<Value = Say> {
    prop_oneof![
        12 => (any::<bool>(), any::<u8>()).prop_map(|(c, e)| Say::Join(c, e)),
        8 => any::<u8>().prop_map(Say::Admit),
        1 => any::<u8>().prop_map(Say::Refuse),
        2 => any::<u8>().prop_map(Say::PutBack),
        1 => Just(Say::Ring),
        8 => any::<u8>().prop_map(Say::Offer),
        2 => Just(Say::Message),
        1 => any::<bool>().prop_map(Say::State),
        1 => any::<u8>().prop_map(Say::Mute),
        1 => Just(Say::Chat),
        5 => (any::<bool>(), any::<bool>()).prop_map(|(r, t)| Say::Consent(r, t)),
        4 => any::<bool>().prop_map(Say::Record),
        3 => any::<bool>().prop_map(Say::Transcribe),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(p, f)| Say::Permit(p, f)),
        1 => any::<u8>().prop_map(Say::Kick),
        1 => any::<u8>().prop_map(Say::Lift),
        2 => Just(Say::Leave),
        1 => prop_oneof![9 => Just(Say::Ring), 1 => Just(Say::Finish)],
    ]
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => any::<u8>().prop_map(Step::Enter),
        3 => (any::<u8>(), any::<bool>(), any::<bool>()).prop_map(|(p, s, t)| Step::Resume(p, s, t)),
        2 => any::<u8>().prop_map(Step::Lose),
        1 => any::<u8>().prop_map(Step::NodeGone),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(p, t)| Step::Revoke(p, t)),
        3 => any::<u16>().prop_map(Step::Pass),
        40 => (any::<u8>(), say()).prop_map(|(peer, say)| Step::Say(peer, say)),
    ];
    proptest::collection::vec(step, 1..160)
}

/// Nine people: three of staff, an observer, an interpreter, four guests.
fn somebody(n: u8) -> Profile {
    let roles = [Role::Host, Role::Host, Role::Clinician, Role::Observer, Role::Interpreter];
    profile(u128::from(n % 9), roles.get(usize::from(n % 9)).copied().unwrap_or(Role::Guest))
}

/// Turns steps into commands.
#[derive(Default)]
pub(super) struct Script {
    entrants: Vec<Entrant>,
    seqs: BTreeMap<PeerId, u64>,
    sockets: u64,
    pub(super) now: DateTime<Utc>,
}

impl Script {
    fn pick(&self, n: u8) -> Option<&Entrant> {
        self.entrants.get(usize::from(n) % self.entrants.len().max(1))
    }

    fn socket(&mut self) -> Socket {
        self.sockets += 1;
        socket(self.sockets % 3, self.sockets)
    }

    /// The command, and whether a resume finds its messages trimmed.
    pub(super) fn command(&mut self, step: &Step, room: &Room) -> Option<(Command, bool)> {
        let command = match step {
            Step::Enter(n) => {
                let peer = PeerId(Uuid::from_u128(1000 + self.entrants.len() as u128));
                let ticket = Uuid::from_u128(5000 + u128::from(n % 40));
                let device = device(&format!("{}", n % 18));
                let (secret, issued_at) = (secret(peer), Some(self.now));
                let entrant = Entrant { peer, secret, device, ticket, issued_at, profile: somebody(*n) };
                self.entrants.push(entrant.clone());
                Command::Enter { socket: self.socket(), entrant: Box::new(entrant) }
            }
            Step::Resume(n, snapshot, trimmed) => {
                let Entrant { peer, secret, device, .. } = *self.pick(*n)?;
                let (socket, epoch, snapshot) = (self.socket(), epoch(), *snapshot);
                let (received, attached_times, fallback) = (0, room.attached_times(peer), None);
                let command = Command::Resume {
                    socket,
                    peer,
                    secret,
                    device,
                    epoch,
                    received,
                    snapshot,
                    attached_times,
                    fallback,
                };
                return Some((command, *trimmed));
            }
            Step::Lose(n) => {
                let peer = self.pick(*n)?.peer;
                Command::Away { peer, socket: room.socket(peer)? }
            }
            Step::NodeGone(n) => Command::NodeGone { node: NodeId(u64::from(n % 3)) },
            Step::Revoke(n, whole) => {
                let entrant = self.pick(*n)?;
                let person = whole.then_some(entrant.profile.person);
                Command::Revoke { ticket: (!whole).then_some(entrant.ticket), person, at: Some(self.now) }
            }
            Step::Pass(seconds) => {
                self.now += TimeDelta::seconds(i64::from(seconds % 200));
                Command::Tick
            }
            Step::Say(n, say) => {
                let peer = self.pick(*n)?.peer;
                let request = self.request(peer, say)?;
                let socket = room.socket(peer)?;
                let seq = self.seqs.entry(peer).or_default();
                *seq += 1;
                Command::Request { peer, socket, seq: *seq, ack: 0, id: None, request }
            }
        };
        Some((command, false))
    }

    fn request(&self, from: PeerId, say: &Say) -> Option<RoomRequest> {
        let peer = |n: &u8| self.pick(*n).map(|entrant| entrant.peer);
        Some(match say {
            Say::Join(consents, elsewhere) => {
                let elsewhere = [None, Some(Elsewhere::TakeOver), Some(Elsewhere::Both)][usize::from(elsewhere % 3)];
                let consent = if *consents { BOTH } else { Consent::default() };
                RoomRequest::Join { media: MEDIA, consent, elsewhere }
            }
            Say::Admit(n) => RoomRequest::Admit(peer(n)?),
            Say::Refuse(n) => RoomRequest::Refuse(peer(n)?),
            Say::PutBack(n) => RoomRequest::PutBack(peer(n)?),
            Say::Ring => RoomRequest::Ring,
            Say::Offer(n) => offer(from, peer(n)?),
            Say::Message => RoomRequest::Message { body: Body::passed_on("message", from, "data", "1") },
            Say::State(on) => RoomRequest::State(Media { audio: *on, video: *on, screen: false }),
            Say::Mute(n) => RoomRequest::Mute(peer(n)?),
            Say::Chat => RoomRequest::Chat { text: "x".into() },
            Say::Consent(recording, transcription) => {
                RoomRequest::Consent(Consent { recording: *recording, transcription: *transcription })
            }
            Say::Record(on) => RoomRequest::Record { on: *on },
            Say::Transcribe(on) => RoomRequest::Transcribe { on: *on },
            Say::Permit(n, flags) => {
                let all = [Permissions::ALL, Permissions::TALK, Permissions::CHAT, Permissions::OBSERVE];
                RoomRequest::Permit { peer: peer(n)?, permissions: all[usize::from(flags % 4)] }
            }
            Say::Kick(n) => RoomRequest::Kick(peer(n)?),
            Say::Lift(n) => RoomRequest::Lift { removal: u32::from(n % 4) },
            Say::Leave => RoomRequest::Leave,
            Say::Finish => RoomRequest::Finish,
        })
    }
}

/// An onlooker's knowledge from commands and outputs alone.
#[derive(Default)]
struct Onlooker {
    entrants: BTreeMap<PeerId, Entrant>,
    inside: BTreeSet<PeerId>,
    consents: BTreeMap<PeerId, Consent>,
    control: BTreeSet<PeerId>,
    /// The last word of staff about a person: in, or not.
    let_in: BTreeMap<PersonId, bool>,
    recording: bool,
    transcription: bool,
    finished: bool,
}

type Checked = Result<(), TestCaseError>;

impl Onlooker {
    fn person(&self, peer: PeerId) -> PersonId {
        self.entrants[&peer].profile.person
    }

    fn hear(&mut self, command: &Command, outputs: &[RoomOutput]) {
        match command {
            Command::Enter { entrant, .. } => {
                self.entrants.insert(entrant.peer, (**entrant).clone());
            }
            Command::Request { peer, request, .. } => {
                let denied = error_to(outputs, *peer).is_some() || outputs.is_empty();
                match request {
                    RoomRequest::Join { consent, .. } if !denied => {
                        self.consents.insert(*peer, *consent);
                    }
                    RoomRequest::Consent(consent) if !denied => {
                        self.consents.insert(*peer, *consent);
                    }
                    RoomRequest::Admit(whom) if self.control.contains(peer) && !denied => {
                        self.let_in.insert(self.person(*whom), true);
                    }
                    RoomRequest::PutBack(whom) if self.control.contains(peer) && !denied => {
                        self.let_in.insert(self.person(*whom), false);
                        self.inside.remove(whom);
                    }
                    RoomRequest::Kick(whom) if self.control.contains(peer) && !denied => {
                        self.let_in.remove(&self.person(*whom));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn see(&mut self, said: Option<(PeerId, &RoomRequest)>, outputs: &[RoomOutput]) -> Checked {
        for output in outputs {
            match output {
                RoomOutput::Send { to, body } => {
                    let message: Value = serde_json::from_str(body.as_str()).unwrap();
                    self.see_message(said, *to, &message)?;
                }
                RoomOutput::Ended { peer, .. } => {
                    self.inside.remove(peer);
                    self.control.remove(peer);
                }
                RoomOutput::Welcome(greeting) if greeting.you.permissions.has(Permissions::CONTROL) => {
                    self.control.insert(greeting.peer);
                }
                RoomOutput::Fact(Fact::Captured { capture, on, .. }) => match capture {
                    Capture::Recording => self.recording = *on,
                    Capture::Transcription => self.transcription = *on,
                },
                RoomOutput::Fact(Fact::Finished { .. }) => self.finished = true,
                _ => {}
            }
        }
        let everybody = |of: fn(&Consent) -> bool| self.inside.iter().all(|peer| of(&self.consents[peer]));
        prop_assert!(!self.recording || everybody(|consent| consent.recording), "recorded without consent");
        prop_assert!(!self.transcription || everybody(|consent| consent.transcription), "written down without consent");
        prop_assert!(self.inside.len() <= 6);
        prop_assert!(facts(outputs).len() <= FACTS_PER_COMMAND_MAX);
        Ok(())
    }

    fn see_message(&mut self, said: Option<(PeerId, &RoomRequest)>, to: PeerId, message: &Value) -> Checked {
        match message["type"].as_str().unwrap() {
            "offer" => {
                let Some((by, RoomRequest::Relay { to: named, .. })) = said else {
                    return Err(TestCaseError::fail("relayed without a request"));
                };
                prop_assert_eq!(&message["from"], &Value::from(by.to_string()));
                prop_assert_eq!(*named, to);
                prop_assert!(self.inside.contains(&to) && self.inside.contains(&by));
            }
            "joined" => {
                let (person, lobby) = (self.person(to), self.entrants[&to].profile.lobby);
                prop_assert!(self.let_in.get(&person).copied().unwrap_or(!lobby), "in without admission");
                prop_assert!(!self.finished);
                self.inside.insert(to);
            }
            "permissions" if message["peer"] == to.to_string() => {
                let permissions: Permissions = serde_json::from_value(message["permissions"].clone()).unwrap();
                if permissions.has(Permissions::CONTROL) {
                    self.control.insert(to);
                } else {
                    self.control.remove(&to);
                }
            }
            "ring" | "ring_over" | "removed_list" | "quality" | "precheck" => {
                prop_assert!(self.control.contains(&to) && self.inside.contains(&to), "{message}");
            }
            "message" | "state" | "chat" | "peer_joined" | "peer_left" | "peer_away" | "peer_back" | "peer_reset"
            | "recording" | "transcription" => {
                prop_assert!(self.inside.contains(&to), "told of others without being inside: {message}");
            }
            _ => {}
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn nobody_in_without_admission_nothing_kept_without_consent_nothing_for_others(steps in steps()) {
        let mut room = World::new().room;
        let (mut script, mut onlooker) = (Script::default(), Onlooker::default());
        for step in &steps {
            let Some((command, trimmed)) = script.command(step, &room) else { continue };
            let mut outputs = Vec::new();
            room.apply_into(script.now, &command, trimmed, &mut outputs);
            onlooker.hear(&command, &outputs);
            let said = match &command {
                Command::Request { peer, request, .. } => Some((*peer, request)),
                _ => None,
            };
            onlooker.see(said, &outputs)?;
        }
    }
}
