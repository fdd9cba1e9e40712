//! The room as one person may see it.

use super::{Profile, Room};
use crate::id::PeerId;
use crate::protocol::{Media, PeerView, RoomView, WaitingView};

/// Somebody as the others see them; the person's id stays with the relay.
pub(crate) fn peer_view(peer: PeerId, profile: &Profile, media: Media) -> PeerView {
    PeerView {
        peer,
        name: profile.name.clone(),
        role: profile.role,
        publish: profile.publish,
        control: profile.control,
        audio: media.audio,
        video: media.video,
    }
}

impl Room {
    /// What `profile` may see. Before they are inside (`joined`), somebody who has to wait sees no names.
    pub(super) fn view_for(&self, profile: &Profile, joined: bool) -> RoomView {
        let sees_people = joined || !profile.lobby || self.admitted.contains(&profile.person);
        let peers = self.joined().filter(|_| sees_people).map(|(id, p, m)| peer_view(id, p, m)).collect();
        let waiting = self
            .waiting()
            .filter(|_| sees_people && profile.control)
            .map(|(peer, p, since)| WaitingView { peer, name: p.name.clone(), role: p.role, since })
            .collect();
        RoomView {
            consult: self.consult,
            people: self.joined().count(),
            people_max: self.limits.people_max,
            staff_present: self.joined().any(|(_, p, _)| p.control),
            started_at: self.started_at,
            peers,
            waiting,
        }
    }
}
