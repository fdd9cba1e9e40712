//! The views that somebody gets of others and of the room.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{ConsultId, PeerId};
use crate::permissions::Permissions;
use crate::role::Role;

/// Whether somebody's sound, picture and screen are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// The microphone is on.
    pub audio: bool,
    /// The camera is on.
    pub video: bool,
    pub screen: bool,
}

/// To what somebody consents now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// That sound and picture are kept.
    #[serde(default)]
    pub recording: bool,
    /// That what is said is written down.
    #[serde(default)]
    pub transcription: bool,
}

/// Somebody in the room, as the others see them.
#[expect(clippy::struct_excessive_bools, reason = "five independent facts of the wire protocol")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerView {
    /// Their session's id.
    pub peer: PeerId,
    pub name: Box<str>,
    pub role: Role,
    pub permissions: Permissions,
    /// Whether their sound is on.
    pub audio: bool,
    /// Whether their picture is on.
    pub video: bool,
    /// Whether their screen is shown.
    pub screen: bool,
    /// Whether their hand is up.
    pub hand: bool,
    /// Whether their connection is broken at the moment.
    pub away: bool,
    /// To what they consent.
    pub consent: Consent,
}

/// Somebody in the lobby, as those with `control` see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitingView {
    /// Their session's id.
    pub peer: PeerId,
    pub name: Box<str>,
    pub role: Role,
    /// Since when they wait.
    pub since: DateTime<Utc>,
    /// How often they have rung.
    pub times: u32,
    /// Whether a colleague was called.
    pub escalated: bool,
}

/// Whether something is kept of what is seen and said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CaptureView {
    /// Whether it is on from now on.
    pub on: bool,
    /// The peer who turned it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<PeerId>,
    /// Since then, by the room's time, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
}

/// A chat message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatLine {
    /// Its number in the consult.
    pub n: u32,
    /// From whom; a session that may be over. None when it was written before this room was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<PeerId>,
    /// The name in their ticket, at most 64 characters.
    pub name: Box<str>,
    /// The room's time at which it happened, UTC.
    pub at: DateTime<Utc>,
    /// The words as they were sent.
    pub text: Box<str>,
}

/// Somebody who was sent away until lifted, as those with `control` see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemovedView {
    /// The number by which it is lifted.
    pub removal: u32,
    /// The name in their ticket, at most 64 characters.
    pub name: Box<str>,
    /// The room's time at which it happened, UTC.
    pub at: DateTime<Utc>,
}

/// The room as one person may see it: a person who is not admitted sees numbers, not people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoomView {
    pub consult: ConsultId,
    /// How many are inside.
    pub people: usize,
    /// How many fit inside.
    pub people_max: usize,
    /// Whether somebody is there who can admit.
    pub staff_present: bool,
    /// Since when host and clinician have first been together.
    pub started_at: Option<DateTime<Utc>>,
    /// The people who are inside.
    pub peers: Vec<PeerView>,
    /// The name of the person who waits; only for those with `control`.
    pub waiting: Vec<WaitingView>,
    /// Whether sound and picture are kept.
    pub recording: CaptureView,
    /// Whether what is said is written down.
    pub transcription: CaptureView,
    /// The last chat messages, oldest first; only for those inside.
    pub chat: Vec<ChatLine>,
    /// The people who were sent away; only for those with `control`.
    pub removed: Vec<RemovedView>,
}
