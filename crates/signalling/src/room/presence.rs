//! Being there and going: leaving, dropping out, finishing, and how long host and clinician were together.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{AdmissionState, Attachment, Fact, RequestResult, Room, RoomOutput, Session, ms, send};
use crate::id::{NodeId, PeerId, Socket};
use crate::protocol::{CaptureBecause, CloseCode, Consent, LeftBecause, RingOver, ServerMessage};
use crate::role::Role;

/// A stopwatch that runs while host and clinician are both inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Together {
    since: Option<DateTime<Utc>>,
    total_ms: u64,
}

impl Together {
    pub(super) fn of_past(seconds: u64) -> Self {
        Self { since: None, total_ms: seconds.saturating_mul(1000) }
    }

    /// Starts or stops at `at`; says whether it stopped.
    fn set(&mut self, at: DateTime<Utc>, running: bool) -> bool {
        match (self.since, running) {
            (None, true) => self.since = Some(at),
            (Some(since), false) => {
                // Somebody who dropped out may have done so before the other came.
                self.total_ms += millis(at - since);
                self.since = None;
                return true;
            }
            _ => {}
        }
        false
    }

    /// Whole seconds, while it stands still.
    fn seconds(self) -> u64 {
        self.total_ms / 1000
    }
}

fn millis(delta: TimeDelta) -> u64 {
    u64::try_from(delta.num_milliseconds()).unwrap_or(0)
}

impl Room {
    fn both_present(&self) -> bool {
        let has = |role| self.inside().any(|session| session.profile.role == role);
        has(Role::Host) && has(Role::Clinician)
    }

    /// Records that somebody came in; the first meeting of host and clinician starts the visit.
    pub(super) fn note_joined(&mut self, peer: PeerId, outputs: &mut Vec<RoomOutput>) {
        let (at, both) = (self.now, self.both_present());
        if let Some(session) = self.find(peer) {
            outputs.push(attendance(at, session, true));
        }
        self.together.set(at, both);
        if both && self.started_at.is_none() {
            self.started_at = Some(at);
            outputs.push(RoomOutput::Fact(Fact::Started { at }));
        }
    }

    /// Tells and records that somebody, whose session is not inside any more, has gone.
    pub(super) fn note_left(
        &mut self,
        gone: &Session,
        at: DateTime<Utc>,
        because: LeftBecause,
        outputs: &mut Vec<RoomOutput>,
    ) {
        self.end_captures_of(gone, outputs);
        self.tell_inside(None, &ServerMessage::PeerLeft { peer: gone.peer, because }, outputs);
        outputs.push(attendance(at, gone, false));
        let both = self.both_present();
        if self.together.set(at, both) {
            outputs.push(RoomOutput::Fact(Fact::Together { together_seconds: self.together.seconds(), at }));
        }
    }

    /// Ends a session: tells those who could see it, then what it hears last, then the end.
    pub(super) fn end(
        &mut self,
        peer: PeerId,
        because: LeftBecause,
        last_words: Option<&ServerMessage<'_>>,
        code: CloseCode,
        outputs: &mut Vec<RoomOutput>,
    ) {
        let Ok(position) = self.position(peer) else { return };
        let gone = self.sessions.remove(position);
        match (&gone.place, gone.line) {
            (AdmissionState::Hall, _) => {}
            (AdmissionState::Lobby(_), _) => {
                let over = if because == LeftBecause::Removed { RingOver::Refused } else { RingOver::Left };
                self.tell_control(&ServerMessage::RingOver { peer, because: over }, outputs);
                self.note_wait_over(&gone, over, outputs);
            }
            (AdmissionState::Inside { since }, Attachment::Away { since: away }) if because == LeftBecause::Dropped => {
                // They were gone from when their connection broke, not from when that was given up on.
                self.note_left(&gone, away.max(*since), because, outputs);
            }
            (AdmissionState::Inside { .. }, _) => self.note_left(&gone, self.now, because, outputs),
        }
        if let Some(words) = last_words {
            outputs.push(send(peer, words));
        }
        outputs.push(RoomOutput::Ended { peer, socket: gone.socket(), code });
    }

    pub(super) fn leave(&mut self, peer: PeerId, outputs: &mut Vec<RoomOutput>) {
        self.end(peer, LeftBecause::Left, None, CloseCode::Normal, outputs);
    }

    pub(super) fn finish(&mut self, by: PeerId, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        let finisher = self.controlling(by)?.profile.clone();
        let at = self.now;
        self.hold_captures_to(Consent::default(), Some((by, finisher.person)), CaptureBecause::Finished, outputs);
        self.together.set(at, false);
        // Before host and clinician have met there is no visit to finish: all hang up, and a late person finds the room.
        self.finished = self.started_at.is_some();
        let together_seconds = self.together.seconds();
        let message = ServerMessage::Finished { by: &finisher.name, at, together_seconds };
        let body = crate::protocol::Body::render(&message);
        for session in std::mem::take(&mut self.sessions) {
            if session.is_inside() {
                outputs.push(attendance(at, &session, false));
            }
            outputs.push(RoomOutput::Send { to: session.peer, body: body.clone() });
            outputs.push(RoomOutput::Ended { peer: session.peer, socket: session.socket(), code: CloseCode::Finished });
            self.note_wait_over(&session, RingOver::Left, outputs);
        }
        if self.finished {
            outputs.push(RoomOutput::Fact(Fact::Finished { by: finisher.person, at, together_seconds }));
        }
        Ok(())
    }

    /// A session's socket is gone; the session stays for a while.
    pub(super) fn away(&mut self, peer: PeerId, socket: Socket, outputs: &mut Vec<RoomOutput>) {
        let since = self.now;
        let Some(session) = self.find_mut(peer).filter(|session| session.socket() == Some(socket)) else { return };
        session.line = Attachment::Away { since };
        if session.is_inside() {
            self.tell_inside(Some(peer), &ServerMessage::PeerAway { peer, since }, outputs);
        }
    }

    pub(super) fn node_gone(&mut self, node: NodeId, outputs: &mut Vec<RoomOutput>) {
        let theirs = |(peer, socket): (PeerId, Option<Socket>)| Some((peer, socket.filter(|s| s.node == node)?));
        for (peer, socket) in self.sessions().filter_map(theirs).collect::<Vec<_>>() {
            self.away(peer, socket, outputs);
        }
    }

    /// Ends the sessions that have been away for too long.
    pub(super) fn end_absences(&mut self, outputs: &mut Vec<RoomOutput>) {
        let (now, wait) = (self.now, ms(self.limits.away_ms_max));
        let over = |session: &&Session| matches!(session.line, Attachment::Away { since } if now >= since + wait);
        for peer in self.sessions.iter().filter(over).map(|session| session.peer).collect::<Vec<_>>() {
            self.end(peer, LeftBecause::Dropped, None, CloseCode::HeartbeatLost, outputs);
        }
    }
}

fn attendance(at: DateTime<Utc>, session: &Session, joined: bool) -> RoomOutput {
    let (person, role) = (session.profile.person, session.profile.role);
    RoomOutput::Fact(Fact::Attendance { person, role, joined, at })
}
