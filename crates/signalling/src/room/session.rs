//! One session: its person, its socket, and its place in the room.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::limits::RoomLimits;
use super::{Profile, ms};
use crate::id::{Digest, PeerId, Socket};
use crate::permissions::Permissions;
use crate::protocol::{self, Body, Consent, Media, PeerView, WaitingView};

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) peer: PeerId,
    pub(super) line: Attachment,
    /// How often it was given a socket.
    #[serde(default)]
    pub(super) attached_times: u64,
    /// The client's last number that was taken.
    pub(super) received: u64,
    pub(super) secret: Digest,
    pub(super) device: Digest,
    pub(super) ticket: Uuid,
    pub(super) issued_at: Option<DateTime<Utc>>,
    pub(super) profile: Profile,
    pub(super) place: AdmissionState,
    pub(super) media: Media,
    pub(super) hand: bool,
    pub(super) consent: Consent,
    pub(super) precheck: Option<Body>,
}

/// Whether a session has a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Attachment {
    /// It has.
    Attached(Socket),
    /// It has none.
    Away { since: DateTime<Utc> },
}

/// Where a session is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AdmissionState {
    /// Has not said `join`.
    Hall,
    /// Waits to be admitted.
    Lobby(Box<LobbyWait>),
    /// In.
    Inside { since: DateTime<Utc> },
}

/// A wait in the lobby.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LobbyWait {
    pub(super) since: DateTime<Utc>,
    pub(super) rung_at: DateTime<Utc>,
    pub(super) times: u32,
    pub(super) escalated: bool,
    pub(super) put_back: bool,
}

impl Session {
    pub(super) fn socket(&self) -> Option<Socket> {
        match self.line {
            Attachment::Attached(socket) => Some(socket),
            Attachment::Away { .. } => None,
        }
    }

    pub(super) fn is_inside(&self) -> bool {
        matches!(self.place, AdmissionState::Inside { .. })
    }

    pub(super) fn is_in_hall(&self) -> bool {
        matches!(self.place, AdmissionState::Hall)
    }

    pub(super) fn waiting(&self) -> Option<&LobbyWait> {
        match &self.place {
            AdmissionState::Lobby(waiting) => Some(waiting),
            _ => None,
        }
    }

    pub(super) fn waiting_mut(&mut self) -> Option<&mut LobbyWait> {
        match &mut self.place {
            AdmissionState::Lobby(waiting) => Some(waiting),
            _ => None,
        }
    }

    /// Since when they are where they are.
    pub(super) fn here_since(&self) -> Option<DateTime<Utc>> {
        match &self.place {
            AdmissionState::Hall => None,
            AdmissionState::Lobby(waiting) => Some(waiting.since),
            AdmissionState::Inside { since } => Some(*since),
        }
    }

    pub(super) fn may(&self, permissions: Permissions) -> bool {
        self.profile.permissions.has(permissions)
    }

    /// Whether a connection with others has any use: a person who may neither send nor receive media is on hold.
    pub(super) fn may_connect(&self) -> bool {
        let any = Permissions::AUDIO | Permissions::VIDEO | Permissions::SCREEN | Permissions::OBSERVE;
        self.profile.permissions.has_any(any)
    }

    /// The permitted part of `media`.
    pub(super) fn permitted(&self, media: Media) -> Media {
        Media {
            audio: media.audio && self.may(Permissions::AUDIO),
            video: media.video && self.may(Permissions::VIDEO),
            screen: media.screen && self.may(Permissions::SCREEN),
        }
    }

    /// When time next changes something about it.
    pub(super) fn deadline(&self, limits: &RoomLimits) -> Option<DateTime<Utc>> {
        let absence = match self.line {
            Attachment::Away { since } => Some(since + ms(limits.away_ms_max)),
            Attachment::Attached(_) => None,
        };
        let wait = self.waiting().map(|waiting| {
            let end = waiting.since + ms(limits.lobby_wait_ms_max);
            if waiting.escalated { end } else { end.min(waiting.since + ms(limits.lobby_escalate_ms)) }
        });
        absence.into_iter().chain(wait).min()
    }

    /// Where they are, for themselves.
    pub(super) fn place_view(&self) -> protocol::Place {
        match self.place {
            AdmissionState::Hall => protocol::Place::Hall,
            AdmissionState::Lobby(_) => protocol::Place::Lobby,
            AdmissionState::Inside { .. } => protocol::Place::Inside,
        }
    }

    /// As the others see them; the person's id stays with the relay.
    pub(super) fn view(&self) -> PeerView {
        PeerView {
            peer: self.peer,
            name: self.profile.name.clone(),
            role: self.profile.role,
            permissions: self.profile.permissions,
            audio: self.media.audio,
            video: self.media.video,
            screen: self.media.screen,
            hand: self.hand,
            away: self.socket().is_none(),
            consent: self.consent,
        }
    }

    /// As those with `control` see them in the lobby.
    pub(super) fn waiting_view(&self) -> Option<WaitingView> {
        let waiting = self.waiting()?;
        Some(WaitingView {
            peer: self.peer,
            name: self.profile.name.clone(),
            role: self.profile.role,
            since: waiting.since,
            times: waiting.times,
            escalated: waiting.escalated,
        })
    }
}
