//! Between peers inside: what is passed on unread, and whose sound, picture, screen and hand are up.

use super::{Denied, RequestResult, Room, RoomOutput, Session, deny, send};
use crate::id::PeerId;
use crate::protocol::{Body, ErrorCode, Media, ServerMessage};

const ON_HOLD: &str = "a person who may neither send nor observe has nobody to connect to";

fn connecting(session: &Session) -> Result<(), Denied> {
    if session.may_connect() { Ok(()) } else { deny(ErrorCode::NotPermitted, ON_HOLD) }
}

impl Room {
    pub(super) fn relay(&self, from: PeerId, to: PeerId, body: &Body, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        connecting(self.insider(from)?)?;
        connecting(self.other_inside(from, to)?)?;
        outputs.push(RoomOutput::Send { to, body: body.clone() });
        Ok(())
    }

    /// As [`Self::relay`], but there is nothing to pass on.
    pub(super) fn withheld(&self, from: PeerId, to: PeerId) -> RequestResult {
        connecting(self.insider(from)?)?;
        connecting(self.other_inside(from, to)?)
    }

    pub(super) fn message(&self, from: PeerId, body: &Body, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        connecting(self.insider(from)?)?;
        let others = self.inside().filter(|session| session.peer != from && session.may_connect());
        outputs.extend(others.map(|session| RoomOutput::Send { to: session.peer, body: body.clone() }));
        Ok(())
    }

    pub(super) fn set_media(&mut self, peer: PeerId, media: Media, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        if self.insider(peer)?.permitted(media) != media {
            return deny(ErrorCode::NotPermitted, "you may not send all of that");
        }
        if let Some(session) = self.find_mut(peer) {
            session.media = media;
        }
        self.tell_state(peer, outputs);
        Ok(())
    }

    pub(super) fn hand(&mut self, peer: PeerId, up: bool, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        if self.insider(peer)?.hand == up {
            return Ok(());
        }
        if let Some(session) = self.find_mut(peer) {
            session.hand = up;
        }
        self.tell_state(peer, outputs);
        Ok(())
    }

    /// Turns somebody's sound off. There is no request that turns it on: only they can, by `state`.
    pub(super) fn mute(&mut self, by: PeerId, whom: PeerId, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        self.controlling(by)?;
        if !self.other_inside(by, whom)?.media.audio {
            return Ok(());
        }
        if let Some(session) = self.find_mut(whom) {
            session.media.audio = false;
        }
        outputs.push(send(whom, &ServerMessage::Muted { by }));
        self.tell_state(whom, outputs);
        Ok(())
    }

    /// Tells the others what of somebody is on.
    pub(super) fn tell_state(&self, peer: PeerId, outputs: &mut Vec<RoomOutput>) {
        if let Some(Session { media: Media { audio, video, screen }, hand, .. }) = self.find(peer) {
            let (audio, video, screen, hand) = (*audio, *video, *screen, *hand);
            self.tell_inside(Some(peer), &ServerMessage::State { peer, audio, video, screen, hand }, outputs);
        }
    }
}
