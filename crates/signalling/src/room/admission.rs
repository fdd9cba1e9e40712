//! The rules of entry: joining, the lobby, ringing, admitting, refusing, putting back.

use super::capture::consent_fact;
use super::session::LobbyWait;
use super::{AdmissionState, Denied, Fact, RequestResult, Room, RoomOutput, Session, deny, ms, send};
use crate::id::PeerId;
use crate::permissions::Permissions;
use crate::protocol::{
    CaptureBecause, CloseCode, Consent, Elsewhere, ErrorCode, ErrorDetail, LeftBecause, Media, RingOver, ServerMessage,
};

impl Room {
    pub(super) fn join(
        &mut self,
        peer: PeerId,
        media: Media,
        consent: Consent,
        elsewhere: Option<Elsewhere>,
        outputs: &mut Vec<RoomOutput>,
    ) -> RequestResult {
        let Some(session) = self.find(peer).filter(|session| session.is_in_hall()) else {
            return deny(ErrorCode::AlreadyJoined, "`join` was already said");
        };
        let waits = self.must_wait(&session.profile);
        let media = session.permitted(media);
        let replaced = self.give_way(session, elsewhere)?;
        let stays = |session: &&Session| !replaced.contains(&session.peer);
        if waits {
            let waiting = self.sessions.iter().filter(stays).filter(|session| session.waiting().is_some());
            if waiting.count() >= self.limits.lobby_max {
                return deny(ErrorCode::LobbyFull, "too many wait already; try again later");
            }
        } else if self.inside().filter(stays).count() >= self.limits.people_max {
            return deny(ErrorCode::RoomFull, "the room is full; try again later");
        }
        for older in replaced {
            self.end(older, LeftBecause::Replaced, None, CloseCode::Replaced, outputs);
        }
        if let Some(session) = self.find_mut(peer) {
            (session.media, session.consent) = (media, consent);
        }
        if waits {
            self.wait(peer, false, outputs);
        } else {
            self.come_in(peer, outputs);
        }
        Ok(())
    }

    /// The other sessions of the same person that end when this one joins. The same device takes over; about
    /// another device the person decides.
    fn give_way(&self, session: &Session, elsewhere: Option<Elsewhere>) -> Result<Vec<PeerId>, Denied> {
        let same = |other: &&Session| other.profile.person == session.profile.person && !other.is_in_hall();
        let mut replaced = Vec::new();
        for other in self.sessions.iter().filter(same) {
            match elsewhere {
                _ if other.device == session.device => replaced.push(other.peer),
                Some(Elsewhere::TakeOver) => replaced.push(other.peer),
                Some(Elsewhere::Both) => {}
                None => {
                    let words = "you are here on another device: say `take_over` or `both`";
                    let detail = Some(ErrorDetail { since: other.here_since(), wait_ms: None });
                    return Err(Denied { code: ErrorCode::Elsewhere, words, detail });
                }
            }
        }
        Ok(replaced)
    }

    /// Puts somebody into the lobby and rings.
    fn wait(&mut self, peer: PeerId, put_back: bool, outputs: &mut Vec<RoomOutput>) {
        let now = self.now;
        let waiting = LobbyWait { since: now, rung_at: now, times: 1, escalated: false, put_back };
        outputs.push(send(peer, &self.lobby_message(&waiting)));
        if let Some(session) = self.find_mut(peer) {
            session.place = AdmissionState::Lobby(Box::new(waiting));
        }
        self.tell_ring(peer, outputs);
        self.tell_precheck(peer, outputs);
    }

    fn tell_ring(&self, peer: PeerId, outputs: &mut Vec<RoomOutput>) {
        if let Some(view) = self.find(peer).and_then(Session::waiting_view) {
            self.tell_control(&ServerMessage::Ring(&view), outputs);
        }
    }

    /// Puts somebody inside and tells all. Capacity was checked by the caller.
    fn come_in(&mut self, peer: PeerId, outputs: &mut Vec<RoomOutput>) {
        let since = self.now;
        let Some(session) = self.find(peer) else { return };
        let (consent, person, view) = (session.consent, session.profile.person, session.view());
        if consent != Consent::default() {
            outputs.push(consent_fact(person, consent, since));
        }
        // Before the newcomer is inside: nothing of them may be kept.
        self.hold_captures_to(consent, Some((peer, person)), CaptureBecause::SomebodyJoined, outputs);
        if let Some(session) = self.find_mut(peer) {
            session.place = AdmissionState::Inside { since };
        }
        if let Some(session) = self.find(peer) {
            let room = self.view_for(session);
            outputs.push(send(peer, &ServerMessage::Joined { room: &room }));
        }
        self.tell_inside(Some(peer), &ServerMessage::PeerJoined(&view), outputs);
        self.note_joined(peer, outputs);
        self.tell_precheck(peer, outputs);
        self.send_prechecks(peer, outputs);
    }

    pub(super) fn admit(&mut self, by: PeerId, whom: PeerId, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        self.controlling(by)?;
        let waited = self.in_lobby(whom)?.clone();
        if self.inside().count() >= self.limits.people_max {
            return deny(ErrorCode::RoomFull, "the room is full");
        }
        self.standing_mut(waited.profile.person).waits = Some(false);
        self.tell_control(&ServerMessage::RingOver { peer: whom, because: RingOver::Admitted }, outputs);
        self.come_in(whom, outputs);
        self.note_wait_over(&waited, RingOver::Admitted, outputs);
        Ok(())
    }

    pub(super) fn refuse(&mut self, by: PeerId, whom: PeerId, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        self.controlling(by)?;
        self.in_lobby(whom)?;
        self.end_wait(whom, RingOver::Refused, &ServerMessage::Refused, CloseCode::Refused, outputs);
        Ok(())
    }

    pub(super) fn put_back(&mut self, by: PeerId, whom: PeerId, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        self.controlling(by)?;
        let target = self.other_inside(by, whom)?;
        if target.may(Permissions::CONTROL) {
            return deny(ErrorCode::NotPermitted, "a person with `control` needs nobody to be let in");
        }
        if self.sessions.iter().filter(|session| session.waiting().is_some()).count() >= self.limits.lobby_max {
            return deny(ErrorCode::LobbyFull, "too many wait already");
        }
        let gone = target.clone();
        self.standing_mut(gone.profile.person).waits = Some(true);
        if let Some(session) = self.find_mut(whom) {
            (session.place, session.hand) = (AdmissionState::Hall, false);
        }
        self.note_left(&gone, self.now, LeftBecause::PutBack, outputs);
        self.wait(whom, true, outputs);
        Ok(())
    }

    pub(super) fn ring(&mut self, peer: PeerId, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        let (now, pause) = (self.now, ms(self.limits.ring_again_ms_min));
        let Some(waiting) = self.find_mut(peer).and_then(Session::waiting_mut) else {
            return deny(ErrorCode::NotWaiting, "you do not wait");
        };
        let again_at = waiting.rung_at + pause;
        if now < again_at {
            let wait_ms = u64::try_from((again_at - now).num_milliseconds()).ok();
            let (code, words) = (ErrorCode::TooSoon, "the last ring is not long enough ago");
            return Err(Denied { code, words, detail: Some(ErrorDetail { since: None, wait_ms }) });
        }
        waiting.rung_at = now;
        waiting.times = waiting.times.saturating_add(1);
        self.tell_ring(peer, outputs);
        Ok(())
    }

    /// Ends the waits that nobody answered.
    pub(super) fn end_waits(&mut self, outputs: &mut Vec<RoomOutput>) {
        let words = ServerMessage::error(ErrorCode::LobbyTimeout, "nobody let you in", None);
        for peer in self.waiting_longer_than(self.limits.lobby_wait_ms_max, |_| true) {
            self.end_wait(peer, RingOver::Expired, &words, CloseCode::LobbyTimeout, outputs);
        }
    }

    /// Calls a colleague for those who have waited for long, once for each wait.
    pub(super) fn escalate(&mut self, outputs: &mut Vec<RoomOutput>) {
        let at = self.now;
        for peer in self.waiting_longer_than(self.limits.lobby_escalate_ms, |waiting| !waiting.escalated) {
            let Some(session) = self.find_mut(peer) else { continue };
            let (person, role) = (session.profile.person, session.profile.role);
            let Some(waiting) = session.waiting_mut() else { continue };
            waiting.escalated = true;
            let since = waiting.since;
            self.tell_ring(peer, outputs);
            outputs.push(RoomOutput::Fact(Fact::Escalated { person, role, since, at }));
        }
    }

    /// Records that nobody need come any more for somebody who has waited, if a colleague was called for them.
    pub(super) fn note_wait_over(&self, waited: &Session, because: RingOver, outputs: &mut Vec<RoomOutput>) {
        let person = waited.profile.person;
        let escalated = |session: &Session| session.waiting().is_some_and(|waiting| waiting.escalated);
        let still = self.sessions.iter().any(|other| other.profile.person == person && escalated(other));
        if escalated(waited) && !still {
            outputs.push(RoomOutput::Fact(Fact::WaitOver { person, because, at: self.now }));
        }
    }

    fn waiting_longer_than(&self, wait_ms: u64, which: impl Fn(&LobbyWait) -> bool) -> Vec<PeerId> {
        let due = |waiting: &LobbyWait| self.now >= waiting.since + ms(wait_ms) && which(waiting);
        self.sessions.iter().filter(|session| session.waiting().is_some_and(due)).map(|session| session.peer).collect()
    }

    fn end_wait(
        &mut self,
        peer: PeerId,
        because: RingOver,
        last_words: &ServerMessage<'_>,
        code: CloseCode,
        outputs: &mut Vec<RoomOutput>,
    ) {
        let Ok(position) = self.position(peer) else { return };
        let gone = self.sessions.remove(position);
        self.tell_control(&ServerMessage::RingOver { peer, because }, outputs);
        outputs.push(send(peer, last_words));
        outputs.push(RoomOutput::Ended { peer, socket: gone.socket(), code });
        self.note_wait_over(&gone, because, outputs);
    }

    fn in_lobby(&self, peer: PeerId) -> Result<&Session, Denied> {
        match self.find(peer) {
            Some(session) if session.waiting().is_some() => Ok(session),
            _ => deny(ErrorCode::NotWaiting, "nobody of that id waits in the lobby"),
        }
    }
}
