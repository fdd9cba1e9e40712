//! The room as one person may see it, and what is passed on to those who can do something about it.

use super::{Room, RoomOutput, Session};
use crate::id::PeerId;
use crate::permissions::Permissions;
use crate::protocol::{Body, RoomView};

/// The longest note about somebody's line or check, in bytes; a longer one is dropped.
pub(super) const NOTE_BYTES_MAX: usize = 4096;

impl Room {
    /// The view of a session. Before they are inside, somebody who has to wait sees no names.
    pub(super) fn view_for(&self, session: &Session) -> RoomView {
        let inside = session.is_inside();
        let sees_people = inside || (session.is_in_hall() && !self.must_wait(&session.profile));
        let controls = sees_people && session.may(Permissions::CONTROL);
        RoomView {
            consult: self.consult,
            people: self.inside().count(),
            people_max: self.limits.people_max,
            staff_present: self.controllers().next().is_some(),
            started_at: self.started_at,
            peers: self.inside().filter(|_| sees_people).map(Session::view).collect(),
            waiting: self.sessions.iter().filter(|_| controls).filter_map(Session::waiting_view).collect(),
            recording: self.captures.recording.as_deref().map(super::capture::Captured::view).unwrap_or_default(),
            transcription: self
                .captures
                .transcription
                .as_deref()
                .map(super::capture::Captured::view)
                .unwrap_or_default(),
            chat: if inside { self.chat.lines() } else { Vec::new() },
            removed: if controls { self.tickets.removed_views() } else { Vec::new() },
        }
    }

    /// How good somebody's line is.
    pub(super) fn quality(&self, peer: PeerId, note: &Body, outputs: &mut Vec<RoomOutput>) {
        if note.len() <= NOTE_BYTES_MAX && self.find(peer).is_some_and(|session| !session.is_in_hall()) {
            self.pass_to_control(Some(peer), &Body::note("quality", peer, note), outputs);
        }
    }

    /// The outcome of somebody's check; kept for those who come later.
    pub(super) fn precheck(&mut self, peer: PeerId, note: &Body, outputs: &mut Vec<RoomOutput>) {
        let Some(session) = self.find_mut(peer) else { return };
        if note.len() > NOTE_BYTES_MAX {
            return;
        }
        session.precheck = Some(note.clone());
        if !session.is_in_hall() {
            self.tell_precheck(peer, outputs);
        }
    }

    /// Tells those with `control` what came of somebody's check, if there was one.
    pub(super) fn tell_precheck(&self, peer: PeerId, outputs: &mut Vec<RoomOutput>) {
        if let Some(note) = self.find(peer).and_then(|session| session.precheck.as_ref()) {
            self.pass_to_control(Some(peer), &Body::note("precheck", peer, note), outputs);
        }
    }

    /// Tells somebody what came of everybody else's check, if they have `control`.
    pub(super) fn send_prechecks(&self, to: PeerId, outputs: &mut Vec<RoomOutput>) {
        if !self.controllers().any(|session| session.peer == to) {
            return;
        }
        let others = self.sessions.iter().filter(|session| session.peer != to && !session.is_in_hall());
        for session in others {
            if let Some(note) = &session.precheck {
                outputs.push(RoomOutput::Send { to, body: Body::note("precheck", session.peer, note) });
            }
        }
    }
}
