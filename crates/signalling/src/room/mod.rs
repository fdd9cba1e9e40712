//! The room of one consult as a pure, replicated state machine: `apply(at, &Command) -> Vec<Output>`.
//!
//! Invariants (each has a test; the first four also a property test):
//! - Every node that applies the same commands in the same order has the same room and the same outputs: no clock, no
//!   chance, no order of a hash table, no task, lock or socket is in here.
//! - Nobody whose ticket says `lobby`, or who was put back, is inside unless somebody with `control` admitted them.
//! - Nobody receives a relayed message before they are inside, and only the named peer receives it.
//! - Nothing is recorded or transcribed without the current consent of everybody inside.
//! - A removed person stays out until lifted; a revoked ticket opens nothing; a finished room stays finished.
//! - All that is decided is decided here, in the order of the log; nothing is decided before the log.

mod admission;
mod capture;
mod chat;
mod command;
mod control;
mod entrance;
mod fact;
mod limits;
mod output;
mod presence;
mod relay;
mod session;
#[cfg(test)]
mod tests;
mod tickets;
mod view;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use command::{Command, ENTRY_VERSION, ENTRY_VERSION_MIN, Entrant, Entry, Profile, RoomRequest};
pub use fact::{Binding, Capture, FACTS_PER_COMMAND_MAX, Fact, Past, PastChat, Removal, Revocation};
pub use limits::RoomLimits;
pub use output::{Greeting, RoomOutput};

use crate::id::{ConsultId, Epoch, PeerId, PersonId, Socket};
use crate::permissions::Permissions;
use crate::protocol::{Body, CloseCode, ErrorCode, ErrorDetail, ServerMessage};
use capture::Captures;
use chat::Chat;
use presence::Together;
use session::{AdmissionState, Attachment, Session};
use tickets::Tickets;

/// The room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    consult: ConsultId,
    epoch: Option<Epoch>,
    limits: RoomLimits,
    now: DateTime<Utc>,
    finished: bool,
    /// In the order of their ids.
    sessions: Vec<Session>,
    standings: Vec<Standing>,
    tickets: Tickets,
    started_at: Option<DateTime<Utc>>,
    together: Together,
    captures: Captures,
    chat: Chat,
}

/// The decisions about a person, whatever session or ticket they come with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    person: PersonId,
    /// Whether they wait, if that was decided.
    waits: Option<bool>,
    /// Their permissions, if that was decided.
    permissions: Option<Permissions>,
}

/// A request that is not carried out.
struct Denied {
    code: ErrorCode,
    words: &'static str,
    detail: Option<ErrorDetail>,
}

type RequestResult = Result<(), Denied>;

fn denied(code: ErrorCode, words: &'static str) -> Denied {
    Denied { code, words, detail: None }
}

fn deny<T>(code: ErrorCode, words: &'static str) -> Result<T, Denied> {
    Err(denied(code, words))
}

fn send(to: PeerId, message: &ServerMessage<'_>) -> RoomOutput {
    RoomOutput::Send { to, body: Body::render(message) }
}

impl Room {
    /// A room before its first entry.
    pub fn open(consult: ConsultId) -> Self {
        Self {
            consult,
            epoch: None,
            limits: RoomLimits::default(),
            now: DateTime::UNIX_EPOCH,
            finished: false,
            sessions: Vec::new(),
            standings: Vec::new(),
            tickets: Tickets::default(),
            started_at: None,
            together: Together::default(),
            captures: Captures::default(),
            chat: Chat::default(),
        }
    }

    /// Takes one command; the outputs are to be done in order. Inside a room time never goes back: an `at`
    /// before the last one counts as the last one.
    pub fn apply(&mut self, at: DateTime<Utc>, command: &Command) -> Vec<RoomOutput> {
        let mut outputs = Vec::new();
        self.apply_into(at, command, false, &mut outputs);
        outputs
    }

    /// As [`Room::apply`], but appends to `outputs`. `trimmed` says of a [`Command::Resume`] that what follows
    /// its `received` is no longer kept in full (or was never sent), so that the session goes on from a snapshot;
    /// for other commands it has no meaning. All replicas must say the same.
    pub fn apply_into(&mut self, at: DateTime<Utc>, command: &Command, trimmed: bool, outputs: &mut Vec<RoomOutput>) {
        self.now = self.now.max(at);
        if self.epoch.is_none() && !matches!(command, Command::Open { .. }) {
            return;
        }
        match command {
            Command::Request { peer, socket, seq, ack: _, id, request } => {
                self.take_request((*peer, *socket), *seq, id.as_deref(), request, outputs);
            }
            Command::Open { epoch, past, limits } => self.opened(*epoch, past, limits),
            Command::Enter { socket, entrant } => self.enter(*socket, entrant, None, outputs),
            Command::Resume { .. } => self.resume(command, trimmed, outputs),
            Command::Acked { .. } => {}
            Command::Away { peer, socket } => self.away(*peer, *socket, outputs),
            Command::NodeGone { node } => self.node_gone(*node, outputs),
            Command::Revoke { ticket, person, at } => {
                self.revoke(Revocation { ticket: *ticket, person: *person, at: at.unwrap_or(self.now) }, outputs);
            }
            Command::Quality { peer, note } => self.quality(*peer, note, outputs),
            Command::Precheck { peer, note } => self.precheck(*peer, note, outputs),
            Command::Tick => self.tick(outputs),
        }
    }

    /// The consult.
    pub fn consult(&self) -> ConsultId {
        self.consult
    }

    /// This log's life; none before the first entry.
    pub fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    /// The bounds that hold for this room.
    pub fn limits(&self) -> &RoomLimits {
        &self.limits
    }

    /// The room's time: the latest of all commands so far.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Whether the visit was finished.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether there is no session.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Every session, in the order of their ids, and where it is attached.
    pub fn sessions(&self) -> impl Iterator<Item = (PeerId, Option<Socket>)> {
        self.sessions.iter().map(|session| (session.peer, session.socket()))
    }

    /// Whether there is a session of this id.
    pub fn knows(&self, peer: PeerId) -> bool {
        self.find(peer).is_some()
    }

    /// Where a session is attached.
    pub fn socket(&self, peer: PeerId) -> Option<Socket> {
        self.find(peer)?.socket()
    }

    /// How often a session was given a socket; none when there is no such session.
    pub fn attached_times(&self, peer: PeerId) -> Option<u64> {
        self.find(peer).map(|session| session.attached_times)
    }

    /// The person of a session.
    pub fn profile(&self, peer: PeerId) -> Option<&Profile> {
        self.find(peer).map(|session| &session.profile)
    }

    /// The ticket with which a session was begun.
    pub fn ticket(&self, peer: PeerId) -> Option<Uuid> {
        self.find(peer).map(|session| session.ticket)
    }

    /// Whether a session is inside.
    pub fn is_inside(&self, peer: PeerId) -> bool {
        self.find(peer).is_some_and(Session::is_inside)
    }

    /// Whether a revocation, or a later one of the same, has taken effect.
    pub fn has_revoked(&self, revocation: &Revocation) -> bool {
        self.tickets.has_revoked(revocation)
    }

    /// The people who may not come, and the tickets that open nothing.
    pub fn turned_away(&self) -> (&[Removal], &[Revocation]) {
        self.tickets.turned_away()
    }

    /// The last number of a client's that was taken; none when there is no such session.
    pub fn received(&self, peer: PeerId) -> Option<u64> {
        self.find(peer).map(|session| session.received)
    }

    /// When a [`Command::Tick`] has something to do next.
    pub fn next_deadline(&self) -> Option<DateTime<Utc>> {
        self.sessions.iter().filter_map(|session| session.deadline(&self.limits)).min()
    }

    fn take_request(
        &mut self,
        (peer, socket): (PeerId, Socket),
        seq: u64,
        id: Option<&str>,
        request: &RoomRequest,
        outputs: &mut Vec<RoomOutput>,
    ) {
        let Some(session) = self.find_mut(peer) else { return };
        if session.socket() != Some(socket) || seq <= session.received {
            return; // the client says it again elsewhere, or a repeat
        }
        if seq != session.received + 1 {
            return self.gap(peer, socket, outputs);
        }
        session.received = seq;
        if let RoomRequest::Unreadable { code, message } = request {
            return outputs.push(send(peer, &ServerMessage::error(*code, message, id)));
        }
        let answer_at = outputs.len();
        match (self.carry_out(peer, request, outputs), id) {
            // The answer to a message comes before what the message causes.
            (Ok(()), Some(re)) => outputs.insert(answer_at, send(peer, &ServerMessage::Ok { re })),
            (Ok(()), None) => {}
            (Err(Denied { code, words, detail }), re) => {
                debug_assert_eq!(answer_at, outputs.len(), "a denied request has no effect");
                outputs.push(send(peer, &ServerMessage::Error { code, message: words, re, detail }));
            }
        }
    }

    /// A number was left out: what it stood for is lost, and nothing after it may be taken.
    fn gap(&mut self, peer: PeerId, socket: Socket, outputs: &mut Vec<RoomOutput>) {
        let words = "a `seq` was left out";
        outputs.push(RoomOutput::TurnAway {
            socket,
            error: ErrorCode::SequenceGap,
            words,
            code: CloseCode::ProtocolError,
        });
        self.away(peer, socket, outputs);
    }

    fn carry_out(&mut self, peer: PeerId, request: &RoomRequest, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        match request {
            RoomRequest::Relay { to, body } => self.relay(peer, *to, body, outputs),
            RoomRequest::Withheld { to } => self.withheld(peer, *to),
            RoomRequest::Message { body } => self.message(peer, body, outputs),
            RoomRequest::Join { media, consent, elsewhere } => self.join(peer, *media, *consent, *elsewhere, outputs),
            RoomRequest::Admit(whom) => self.admit(peer, *whom, outputs),
            RoomRequest::Refuse(whom) => self.refuse(peer, *whom, outputs),
            RoomRequest::PutBack(whom) => self.put_back(peer, *whom, outputs),
            RoomRequest::Ring => self.ring(peer, outputs),
            RoomRequest::State(media) => self.set_media(peer, *media, outputs),
            RoomRequest::Hand { up } => self.hand(peer, *up, outputs),
            RoomRequest::Mute(whom) => self.mute(peer, *whom, outputs),
            RoomRequest::Chat { text } => self.say(peer, text, outputs),
            RoomRequest::Consent(consent) => self.consent(peer, *consent, outputs),
            RoomRequest::Record { on } => self.capture(peer, Capture::Recording, *on, outputs),
            RoomRequest::Transcribe { on } => self.capture(peer, Capture::Transcription, *on, outputs),
            RoomRequest::Permit { peer: whom, permissions } => self.permit(peer, *whom, *permissions, outputs),
            RoomRequest::Kick(whom) => self.kick(peer, *whom, outputs),
            RoomRequest::Lift { removal } => self.lift(peer, *removal, outputs),
            RoomRequest::Leave => {
                self.leave(peer, outputs);
                Ok(())
            }
            RoomRequest::Finish => self.finish(peer, outputs),
            // Answered by the caller, in the words that came with it.
            RoomRequest::Unreadable { .. } => Ok(()),
        }
    }

    fn tick(&mut self, outputs: &mut Vec<RoomOutput>) {
        self.end_waits(outputs);
        self.escalate(outputs);
        self.end_absences(outputs);
    }

    fn position(&self, peer: PeerId) -> Result<usize, usize> {
        self.sessions.binary_search_by_key(&peer, |session| session.peer)
    }

    fn find(&self, peer: PeerId) -> Option<&Session> {
        self.position(peer).ok().map(|at| &self.sessions[at])
    }

    fn find_mut(&mut self, peer: PeerId) -> Option<&mut Session> {
        self.position(peer).ok().map(|at| &mut self.sessions[at])
    }

    fn inside(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(|session| session.is_inside())
    }

    fn controllers(&self) -> impl Iterator<Item = &Session> {
        self.inside().filter(|session| session.may(Permissions::CONTROL))
    }

    /// Sends one text to everybody inside but `except`.
    fn pass_to_inside(&self, except: Option<PeerId>, body: &Body, outputs: &mut Vec<RoomOutput>) {
        let to = self.inside().filter(|session| Some(session.peer) != except);
        outputs.extend(to.map(|session| RoomOutput::Send { to: session.peer, body: body.clone() }));
    }

    fn tell_inside(&self, except: Option<PeerId>, message: &ServerMessage<'_>, outputs: &mut Vec<RoomOutput>) {
        if self.inside().any(|session| Some(session.peer) != except) {
            self.pass_to_inside(except, &Body::render(message), outputs);
        }
    }

    /// Sends one text to everybody inside who has `control`, but `except`.
    fn pass_to_control(&self, except: Option<PeerId>, body: &Body, outputs: &mut Vec<RoomOutput>) {
        let to = self.controllers().filter(|session| Some(session.peer) != except);
        outputs.extend(to.map(|session| RoomOutput::Send { to: session.peer, body: body.clone() }));
    }

    fn tell_control(&self, message: &ServerMessage<'_>, outputs: &mut Vec<RoomOutput>) {
        if self.controllers().next().is_some() {
            self.pass_to_control(None, &Body::render(message), outputs);
        }
    }

    /// The session of somebody inside, or the reason why not.
    fn insider(&self, peer: PeerId) -> Result<&Session, Denied> {
        match self.find(peer) {
            Some(session) if session.is_inside() => Ok(session),
            _ => deny(ErrorCode::NotJoined, "say `join` first and wait for `joined`"),
        }
    }

    /// The session of somebody inside with `control`.
    fn controlling(&self, peer: PeerId) -> Result<&Session, Denied> {
        let session = self.insider(peer)?;
        if session.may(Permissions::CONTROL) {
            Ok(session)
        } else {
            deny(ErrorCode::NotPermitted, "you have no `control`")
        }
    }

    /// Another one inside. Somebody in the lobby is as good as absent: nothing reaches them from the others.
    fn other_inside(&self, peer: PeerId, other: PeerId) -> Result<&Session, Denied> {
        match self.find(other) {
            Some(session) if session.is_inside() && peer != other => Ok(session),
            _ => deny(ErrorCode::NoSuchPeer, "nobody else of that id is inside"),
        }
    }

    fn standing(&self, person: PersonId) -> Option<&Standing> {
        self.standings.iter().find(|standing| standing.person == person)
    }

    fn standing_mut(&mut self, person: PersonId) -> &mut Standing {
        let at = self.standings.iter().position(|standing| standing.person == person).unwrap_or_else(|| {
            self.standings.push(Standing { person, waits: None, permissions: None });
            self.standings.len() - 1
        });
        &mut self.standings[at]
    }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
