//! Between peers inside: session descriptions, candidates, and whose sound and picture are on.

use super::{Denied, Outcome, Place, Room, send};
use crate::id::PeerId;
use crate::protocol::{ErrorCode, Media, ServerMessage, Signal};

impl Room {
    pub(super) fn relay(&mut self, from: PeerId, to: PeerId, signal: Signal) -> Outcome {
        self.joined_profile(from)?;
        // Somebody in the lobby is as good as absent: nothing reaches them, and nobody learns of them.
        if from == to || self.joined_profile(to).is_err() {
            return Err(Denied(ErrorCode::NoSuchPeer, "nobody of that id is in the room"));
        }
        Ok(vec![send(to, ServerMessage::Relayed { from, signal })])
    }

    pub(super) fn set_media(&mut self, peer: PeerId, media: Media) -> Outcome {
        let profile = self.joined_profile(peer)?;
        if !profile.publish && media != Media::default() {
            return Err(Denied(ErrorCode::NotPermitted, "your ticket has no `publish`"));
        }
        if let Some(seat) = self.seats.get_mut(&peer) {
            seat.place = Place::Joined { media };
        }
        Ok(self.tell_joined(peer, &ServerMessage::State { peer, audio: media.audio, video: media.video }))
    }
}
