//! The messages of the relay.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::codes::ErrorCode;
use super::view::{ChatLine, Consent, PeerView, RemovedView, RoomView, WaitingView};
use crate::id::{ConsultId, Epoch, PeerId};
use crate::permissions::Permissions;
use crate::turn::IceServer;

/// How the two sides know that the other is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    /// A client sends `ping` this often.
    pub interval_ms: u64,
    /// A side that hears nothing for this long gives the connection up.
    pub timeout_ms: u64,
}

/// The limits of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClientLimits {
    /// The longest message, bytes.
    pub message_bytes_max: usize,
    /// Messages a second, on average.
    pub messages_per_s_max: u32,
    /// The most messages at once.
    pub messages_burst_max: u32,
    /// Bytes a second, on average.
    pub bytes_per_s_max: u32,
    /// The most bytes at once.
    pub bytes_burst_max: u32,
}

/// Whether a session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumedAs {
    /// Everything that was missed follows.
    Exact,
    /// The state of the room is in `room`; what was missed is not sent.
    Snapshot,
    /// Another session, by the ticket.
    New,
}

/// Whether a session goes on, and why it is not exactly where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// Everything that was missed follows.
    Exact,
    /// The same session, from the room's state on.
    Snapshot(SnapshotBecause),
    /// A new session; with a reason when another was to be resumed.
    New(Option<NewBecause>),
}

/// Why a session goes on from the room's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotBecause {
    /// The client asked for it.
    Asked,
    /// Too much was missed to keep all of it.
    LogTrimmed,
}

/// Why a session could not be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NewBecause {
    /// It is over, or never was.
    UnknownSession,
    /// The room's log is another one by now.
    EpochChanged,
    /// The secret or the device does not fit.
    ResumeRefused,
}

/// Why a session goes on from the state, or is new, in `welcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum WelcomeBecause {
    /// It goes on from the state.
    Snapshot(SnapshotBecause),
    New(NewBecause),
}

/// Where somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Connected, and has not said `join`.
    Hall,
    /// Waits to be admitted.
    Lobby,
    Inside,
}

/// The answer to the same person on another device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Elsewhere {
    /// The other device gives way.
    TakeOver,
    /// Both stay.
    Both,
}

/// Why somebody is no longer in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftBecause {
    /// They hung up.
    Left,
    /// Their connection broke, and they did not come back in time.
    Dropped,
    /// They joined again from somewhere else, as another peer.
    Replaced,
    /// They wait in the lobby again.
    PutBack,
    /// They were sent away.
    Removed,
    /// Their ticket was revoked.
    Revoked,
}

/// Why somebody no longer waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RingOver {
    /// They are in.
    Admitted,
    /// They were sent away.
    Refused,
    /// They went.
    Left,
    /// Nobody answered in time.
    Expired,
}

/// Why a person who was inside waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LobbyBecause {
    /// They were put back.
    PutBack,
}

/// Why recording or transcription went on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureBecause {
    /// Somebody with `control` asked.
    Asked,
    /// Somebody inside does not consent any more.
    ConsentWithdrawn,
    /// A person who does not consent came in.
    SomebodyJoined,
    /// The person who turned it on is gone.
    AskerLeft,
    /// The visit is over.
    Finished,
}

/// More about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorDetail {
    /// For `elsewhere`: since when the other device is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// For `too-soon`: after how many milliseconds it is soon enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

/// The answer to `hello`. Not numbered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "welcome")]
pub struct Welcome<'a> {
    /// The protocol's version: 1.
    pub v: u32,
    /// The message's `id`, if `hello` had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub re: Option<&'a str>,
    /// Your session's id.
    pub peer: PeerId,
    /// The proof that the session is yours; only when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<&'a str>,
    pub consult: ConsultId,
    /// The life of the room's log.
    pub epoch: Epoch,
    /// Whether the session goes on.
    pub resumed: ResumedAs,
    /// The reason why it was not resumed exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<WelcomeBecause>,
    /// Your last `seq` that was taken: send again what comes after it.
    pub ack: u64,
    /// The relay's last `seq` before what follows.
    pub seq: u64,
    /// You, as the others see you.
    pub you: &'a PeerView,
    pub place: Place,
    /// Whether `join` leads to the lobby.
    pub lobby: bool,
    /// The room, unless all you missed follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<&'a RoomView>,
    /// STUN and TURN.
    pub ice_servers: &'a [IceServer],
    /// How the two sides know that the other is there.
    pub heartbeat: Heartbeat,
    /// The limits of the connection.
    pub limits: ClientLimits,
    /// A telephone number to fall back on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<&'a str>,
}

impl Resumed {
    /// In the words of `welcome`.
    pub fn in_welcome(self) -> (ResumedAs, Option<WelcomeBecause>) {
        match self {
            Self::Exact => (ResumedAs::Exact, None),
            Self::Snapshot(because) => (ResumedAs::Snapshot, Some(WelcomeBecause::Snapshot(because))),
            Self::New(because) => (ResumedAs::New, because.map(WelcomeBecause::New)),
        }
    }
}

/// A message to a client besides `welcome`, the relayed ones and the notes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage<'a> {
    /// You wait in the lobby.
    Lobby {
        /// Since then, by the room's time, UTC.
        since: DateTime<Utc>,
        /// How long at most.
        lobby_wait_ms_max: u64,
        /// How long after one ring the next may come.
        ring_again_ms_min: u64,
        /// Why, when you were inside.
        #[serde(skip_serializing_if = "Option::is_none")]
        because: Option<LobbyBecause>,
    },
    /// Somebody waits in the lobby, and you can admit them.
    Ring(&'a WaitingView),
    /// Somebody no longer waits.
    RingOver {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// The cause, as the protocol names it.
        because: RingOver,
    },
    /// You are in.
    Joined { room: &'a RoomView },
    /// You were sent away; the connection closes.
    Refused,
    /// Somebody came in.
    PeerJoined(&'a PeerView),
    /// Somebody is gone.
    PeerLeft {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// The cause, as the protocol names it.
        because: LeftBecause,
    },
    /// Somebody's connection broke; they may come back.
    PeerAway {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// Since then, by the room's time, UTC.
        since: DateTime<Utc>,
    },
    /// Somebody is back.
    PeerBack {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
    },
    /// Somebody lost what they had: drop the peer connection with them and await their offer.
    PeerReset {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
    },
    /// Somebody's sound, picture, screen or hand changed.
    State {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// The microphone is on.
        audio: bool,
        /// The camera is on.
        video: bool,
        screen: bool,
        hand: bool,
    },
    /// Your sound was turned off; only you can turn it on.
    Muted {
        /// The peer who did it.
        by: PeerId,
    },
    /// Somebody wrote to all.
    Chat(&'a ChatLine),
    /// Somebody may do other things than before.
    Permissions {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// All that the person may do from now on.
        permissions: Permissions,
    },
    /// Somebody consents, or no longer.
    Consent {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        #[serde(flatten)]
        consent: Consent,
    },
    /// Recording went on or off.
    Recording {
        /// Whether it is on from now on.
        on: bool,
        /// The person who did it.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<PeerId>,
        /// The cause, as the protocol names it.
        because: CaptureBecause,
    },
    /// Transcription went on or off.
    Transcription {
        /// Whether it is on from now on.
        on: bool,
        /// The person who did it.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<PeerId>,
        /// The cause, as the protocol names it.
        because: CaptureBecause,
    },
    /// The people who were sent away.
    RemovedList {
        /// The removals that still hold, in the order in which they were made.
        removed: &'a [RemovedView],
    },
    /// The visit is over; the connection closes.
    Finished {
        /// The name of the person who finished it.
        by: &'a str,
        /// The room's time at which it happened, UTC.
        at: DateTime<Utc>,
        /// How long host and clinician were together.
        together_seconds: u64,
    },
    /// The message with this id was carried out.
    Ok {
        /// The message's `id`.
        re: &'a str,
    },
    /// A message was not carried out.
    Error {
        /// The kind of error.
        code: ErrorCode,
        /// For the client's developer.
        message: &'a str,
        /// The message's `id`, if it had one.
        #[serde(skip_serializing_if = "Option::is_none")]
        re: Option<&'a str>,
        /// More about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<ErrorDetail>,
    },
    /// Your messages have arrived up to here. Not numbered.
    Ack {
        /// The last `seq` of yours.
        ack: u64,
    },
    /// The answer to `ping`. Not numbered.
    Pong,
    /// This node is going: connect again and resume. Not numbered.
    Move {
        /// How long this connection stays.
        within_ms: u64,
    },
}

impl<'a> ServerMessage<'a> {
    /// An error about the message `re`.
    pub fn error(code: ErrorCode, message: &'a str, re: Option<&'a str>) -> Self {
        Self::Error { code, message, re, detail: None }
    }

    /// The text frame of a message that is not numbered.
    pub fn to_text(&self) -> String {
        // Plain structs with string keys: serialising them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_without_an_id_has_no_re() {
        let text = ServerMessage::error(ErrorCode::UnknownType, "x", None).to_text();
        assert_eq!(text, r#"{"type":"error","code":"unknown-type","message":"x"}"#);
    }
}
