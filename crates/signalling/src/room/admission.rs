//! Who gets in: connecting, joining, the lobby, admitting and refusing.

use chrono::{DateTime, Utc};

use super::{Denied, Outcome, Output, Place, Profile, Room, Seat, send};
use crate::id::PeerId;
use crate::protocol::{CloseCode, ErrorCode, LeftBecause, Media, RingOver, ServerMessage, WaitingView};

impl Room {
    pub(super) fn connected(&mut self, peer: PeerId, profile: Profile) -> Vec<Output> {
        let turned_away = if self.finished {
            Some((ErrorCode::Finished, "the visit is over", CloseCode::Finished))
        } else if self.seats.len() >= self.limits.seats_max {
            Some((ErrorCode::Busy, "too many connections to this room", CloseCode::Busy))
        } else {
            None
        };
        if let Some((error, words, code)) = turned_away {
            return vec![send(peer, ServerMessage::error(error, words, None)), Output::Close { peer, code }];
        }
        let room = self.view_for(&profile, false);
        let you = super::view::peer_view(peer, &profile, Media::default());
        let lobby = self.must_wait(&profile);
        self.seats.insert(peer, Seat { profile, place: Place::Hall });
        vec![Output::Welcome { to: peer, you, lobby, room }]
    }

    fn must_wait(&self, profile: &Profile) -> bool {
        profile.lobby && !self.admitted.contains(&profile.person)
    }

    pub(super) fn join(&mut self, now: DateTime<Utc>, peer: PeerId, media: Media) -> Outcome {
        let Some(seat) = self.seats.get(&peer) else { return Ok(Vec::new()) };
        if seat.place != Place::Hall {
            return Err(Denied(ErrorCode::AlreadyJoined, "`join` was already said"));
        }
        let profile = seat.profile.clone();
        let media = permitted(&profile, media);
        let mut outputs = Vec::new();
        if self.must_wait(&profile) {
            let others = self.waiting().filter(|(_, p, _)| p.person != profile.person).count();
            if others >= self.limits.lobby_max {
                return Err(Denied(ErrorCode::LobbyFull, "too many wait already; try again later"));
            }
            outputs.extend(self.replace_others_of(now, peer, &profile));
            outputs.extend(self.enter_lobby(now, peer, profile, media));
        } else {
            let others = self.joined().filter(|(_, p, _)| p.person != profile.person).count();
            if others >= self.limits.people_max {
                return Err(Denied(ErrorCode::RoomFull, "the room is full; try again later"));
            }
            outputs.extend(self.replace_others_of(now, peer, &profile));
            outputs.extend(self.enter(now, peer, media));
        }
        Ok(outputs)
    }

    /// The same person has one place: an older connection of theirs gives way.
    fn replace_others_of(&mut self, now: DateTime<Utc>, peer: PeerId, profile: &Profile) -> Vec<Output> {
        let older: Vec<PeerId> = self
            .seats
            .iter()
            .filter(|(id, s)| **id != peer && s.profile.person == profile.person && s.place != Place::Hall)
            .map(|(id, _)| *id)
            .collect();
        let mut outputs = Vec::new();
        for old in older {
            outputs.extend(self.remove(now, old, LeftBecause::Replaced));
            outputs.push(Output::Close { peer: old, code: CloseCode::Replaced });
        }
        outputs
    }

    fn enter_lobby(&mut self, now: DateTime<Utc>, peer: PeerId, profile: Profile, media: Media) -> Vec<Output> {
        if let Some(seat) = self.seats.get_mut(&peer) {
            seat.place = Place::Lobby { since: now, media };
        }
        let lobby = ServerMessage::Lobby { since: now, lobby_wait_ms_max: self.limits.lobby_wait_ms_max };
        let mut outputs = vec![send(peer, lobby)];
        let ring = WaitingView { peer, name: profile.name, role: profile.role, since: now };
        outputs.extend(self.tell_control(&ServerMessage::Ring(ring)));
        outputs
    }

    /// Puts a connected peer inside and tells all. Capacity was checked by the caller.
    fn enter(&mut self, now: DateTime<Utc>, peer: PeerId, media: Media) -> Vec<Output> {
        let Some(seat) = self.seats.get_mut(&peer) else { return Vec::new() };
        seat.place = Place::Joined { media };
        let profile = seat.profile.clone();
        let joined = ServerMessage::Joined { room: self.view_for(&profile, true) };
        let mut outputs = vec![send(peer, joined)];
        let view = super::view::peer_view(peer, &profile, media);
        outputs.extend(self.tell_joined(peer, &ServerMessage::PeerJoined(view)));
        outputs.extend(self.note_joined(now, &profile));
        outputs
    }

    pub(super) fn admit(&mut self, now: DateTime<Utc>, by: PeerId, whom: PeerId) -> Outcome {
        self.controlling(by)?;
        let (person, media) = match self.seats.get(&whom) {
            Some(Seat { profile, place: Place::Lobby { media, .. } }) => (profile.person, *media),
            _ => return Err(Denied(ErrorCode::NotWaiting, "nobody of that id waits in the lobby")),
        };
        if self.joined().count() >= self.limits.people_max {
            return Err(Denied(ErrorCode::RoomFull, "the room is full"));
        }
        self.admitted.insert(person);
        let mut outputs = self.tell_control(&ServerMessage::RingOver { peer: whom, because: RingOver::Admitted });
        outputs.extend(self.enter(now, whom, media));
        Ok(outputs)
    }

    pub(super) fn refuse(&mut self, by: PeerId, whom: PeerId) -> Outcome {
        self.controlling(by)?;
        match self.seats.get(&whom) {
            Some(Seat { place: Place::Lobby { .. }, .. }) => {}
            _ => return Err(Denied(ErrorCode::NotWaiting, "nobody of that id waits in the lobby")),
        }
        self.seats.remove(&whom);
        let mut outputs = self.tell_control(&ServerMessage::RingOver { peer: whom, because: RingOver::Refused });
        outputs.push(send(whom, ServerMessage::Refused));
        outputs.push(Output::Close { peer: whom, code: CloseCode::Refused });
        Ok(outputs)
    }

    pub(super) fn tick(&mut self, now: DateTime<Utc>) -> Vec<Output> {
        let wait = self.lobby_wait();
        let expired: Vec<PeerId> =
            self.waiting().filter(|(_, _, since)| now >= *since + wait).map(|(id, ..)| id).collect();
        let mut outputs = Vec::new();
        for peer in expired {
            self.seats.remove(&peer);
            outputs.extend(self.tell_control(&ServerMessage::RingOver { peer, because: RingOver::Expired }));
            let error = ServerMessage::error(ErrorCode::LobbyTimeout, "nobody let you in", None);
            outputs.push(send(peer, error));
            outputs.push(Output::Close { peer, code: CloseCode::LobbyTimeout });
        }
        outputs
    }
}

/// Who may not publish has sound and picture off, whatever they say on entering.
fn permitted(profile: &Profile, media: Media) -> Media {
    if profile.publish { media } else { Media::default() }
}
