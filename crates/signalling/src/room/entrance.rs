//! At the door: a new session by a ticket, or an old one that goes on at another socket.

use super::chat::Chat;
use super::tickets::Tickets;
use super::{
    AdmissionState, Attachment, Binding, CloseCode, Command, Entrant, ErrorCode, Fact, Greeting, Past, Profile, Room,
    RoomLimits, RoomOutput, Session, Together, send,
};
use crate::id::{Digest, Epoch, PeerId, Socket};
use crate::protocol::{Consent, LeftBecause, LobbyBecause, Media, NewBecause, Resumed, ServerMessage, SnapshotBecause};

impl Room {
    /// The log begins; a repeat has no effect.
    pub(super) fn opened(&mut self, epoch: Epoch, past: &Past, limits: &RoomLimits) {
        if self.epoch.is_some() {
            return;
        }
        self.epoch = Some(epoch);
        self.limits = *limits;
        self.finished = past.finished;
        self.started_at = past.started_at;
        self.together = Together::of_past(past.together_seconds);
        self.tickets = Tickets::of_past(past);
        self.chat = Chat::of_past(&past.chat, limits);
    }

    /// Whether `join` leads to the lobby: what was decided about the person here, or else what the ticket says.
    pub(super) fn must_wait(&self, profile: &Profile) -> bool {
        self.standing(profile.person).and_then(|standing| standing.waits).unwrap_or(profile.lobby)
    }

    pub(super) fn enter(
        &mut self,
        socket: Socket,
        entrant: &Entrant,
        because: Option<NewBecause>,
        outputs: &mut Vec<RoomOutput>,
    ) {
        let Err(position) = self.position(entrant.peer) else { return };
        let turn_away = |error, words, code| RoomOutput::TurnAway { socket, error, words, code };
        if self.finished {
            return outputs.push(turn_away(ErrorCode::Finished, "the visit is over", CloseCode::Finished));
        }
        let first_use = match self.tickets.check(entrant, self.limits.tickets_max) {
            Ok(first_use) => first_use,
            Err((error, words, code)) => return outputs.push(turn_away(error, words, code)),
        };
        let stale = |old: &Session| {
            let same = old.profile.person == entrant.profile.person && old.device == entrant.device;
            same && old.is_in_hall() && old.socket().is_none()
        };
        let stale = self.sessions.iter().find(|old| stale(old)).map(|old| old.peer);
        if self.sessions.len() >= self.limits.seats_max && stale.is_none() {
            return outputs.push(turn_away(ErrorCode::Busy, "too many connections to this room", CloseCode::Busy));
        }
        if first_use {
            let (binding, person) =
                (Binding { ticket: entrant.ticket, device: entrant.device }, entrant.profile.person);
            self.tickets.bind(binding);
            outputs.push(RoomOutput::Fact(Fact::Bound { binding, person, at: self.now }));
        }
        self.sessions.insert(position, self.seat(socket, entrant));
        // Of a page that was loaded again before `join`: nobody has seen that session. Where its node was only taken for
        // gone, its socket may be the one that its client goes on with: that one comes again rather than giving up.
        if let Some(stale) = stale {
            self.end(stale, LeftBecause::Replaced, None, CloseCode::Unavailable, outputs);
        }
        self.greet(entrant.peer, socket, Resumed::New(because), outputs);
    }

    fn seat(&self, socket: Socket, entrant: &Entrant) -> Session {
        let mut profile = entrant.profile.clone();
        if let Some(permissions) = self.standing(profile.person).and_then(|standing| standing.permissions) {
            profile.permissions = permissions;
        }
        Session {
            peer: entrant.peer,
            line: Attachment::Attached(socket),
            attached_times: 1,
            received: 0,
            secret: entrant.secret,
            device: entrant.device,
            ticket: entrant.ticket,
            issued_at: entrant.issued_at,
            profile,
            place: AdmissionState::Hall,
            media: Media::default(),
            hand: false,
            consent: Consent::default(),
            precheck: None,
        }
    }

    pub(super) fn resume(&mut self, command: &Command, trimmed: bool, outputs: &mut Vec<RoomOutput>) {
        let Command::Resume { socket, peer, secret, device, epoch, received: _, snapshot, attached_times, fallback } =
            command
        else {
            return;
        };
        let (socket, peer) = (*socket, *peer);
        let turn_away = |error, words, code| RoomOutput::TurnAway { socket, error, words, code };
        if self.finished {
            return outputs.push(turn_away(ErrorCode::Finished, "the visit is over", CloseCode::Finished));
        }
        if let Some(because) = self.why_new(peer, *secret, *device, *epoch) {
            return match fallback {
                Some(entrant) => self.enter(socket, entrant, Some(because), outputs),
                None => outputs.push(turn_away(
                    ErrorCode::ResumeImpossible,
                    "the session cannot be resumed, and there is no ticket",
                    CloseCode::ResumeImpossible,
                )),
            };
        }
        let resumed = match (snapshot, trimmed) {
            (true, _) => Resumed::Snapshot(SnapshotBecause::Asked),
            (false, true) => Resumed::Snapshot(SnapshotBecause::LogTrimmed),
            (false, false) => Resumed::Exact,
        };
        // The session went on elsewhere since this was asked. Of two that the client asked for, nobody can tell which one
        // it has given up while the log was slow: so neither may let go of what the other has not received, nor is the
        // one that loses its socket told that it is for good.
        let crossed = *attached_times != self.attached_times(peer);
        if crossed && resumed != Resumed::Exact {
            let words = "the session went on elsewhere meanwhile; try again";
            return outputs.push(turn_away(ErrorCode::Unavailable, words, CloseCode::Unavailable));
        }
        self.attach(peer, socket, if crossed { CloseCode::Unavailable } else { CloseCode::Replaced }, outputs);
        self.greet(peer, socket, resumed, outputs);
        if resumed != Resumed::Exact {
            self.reset(peer, outputs);
        }
    }

    fn why_new(&self, peer: PeerId, secret: Digest, device: Digest, epoch: Epoch) -> Option<NewBecause> {
        if self.epoch != Some(epoch) {
            return Some(NewBecause::EpochChanged);
        }
        match self.find(peer) {
            None => Some(NewBecause::UnknownSession),
            Some(session) if session.secret == secret && session.device == device => None,
            Some(_) => Some(NewBecause::ResumeRefused),
        }
    }

    /// Moves a session to a socket; an older socket is closed with `code`.
    fn attach(&mut self, peer: PeerId, socket: Socket, code: CloseCode, outputs: &mut Vec<RoomOutput>) {
        let Some(session) = self.find_mut(peer) else { return };
        let before = std::mem::replace(&mut session.line, Attachment::Attached(socket));
        session.attached_times += 1;
        let inside = session.is_inside();
        match before {
            Attachment::Attached(older) if older != socket => {
                outputs.push(RoomOutput::CloseSocket { socket: older, code });
            }
            Attachment::Away { .. } if inside => {
                self.tell_inside(Some(peer), &ServerMessage::PeerBack { peer }, outputs);
            }
            _ => {}
        }
    }

    fn greet(&self, peer: PeerId, socket: Socket, resumed: Resumed, outputs: &mut Vec<RoomOutput>) {
        let (Some(session), Some(epoch)) = (self.find(peer), self.epoch) else { return };
        let room = (resumed != Resumed::Exact).then(|| Box::new(self.view_for(session)));
        outputs.push(RoomOutput::Welcome(Box::new(Greeting {
            peer,
            socket,
            epoch,
            resumed,
            ack: session.received,
            you: session.view(),
            place: session.place_view(),
            lobby: self.must_wait(&session.profile),
            room,
        })));
    }

    /// After a snapshot: what the room's view does not say, and the others' connections with somebody who kept nothing.
    fn reset(&self, peer: PeerId, outputs: &mut Vec<RoomOutput>) {
        let Some(session) = self.find(peer) else { return };
        if session.is_inside() {
            self.tell_inside(Some(peer), &ServerMessage::PeerReset { peer }, outputs);
            self.send_prechecks(peer, outputs);
        }
        if let Some(waiting) = session.waiting() {
            outputs.push(send(peer, &self.lobby_message(waiting)));
        }
    }

    pub(super) fn lobby_message(&self, waiting: &super::session::LobbyWait) -> ServerMessage<'static> {
        ServerMessage::Lobby {
            since: waiting.since,
            lobby_wait_ms_max: self.limits.lobby_wait_ms_max,
            ring_again_ms_min: self.limits.ring_again_ms_min,
            because: waiting.put_back.then_some(LobbyBecause::PutBack),
        }
    }
}
