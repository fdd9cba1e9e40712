//! What the relay says.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::client::Signal;
use super::codes::ErrorCode;
use crate::id::{ConsultId, PeerId};
use crate::ticket::Role;

/// Whether somebody's sound and picture are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Media {
    /// Sound.
    pub audio: bool,
    /// Picture.
    pub video: bool,
}

/// Somebody in the room, as the others see them.
#[expect(clippy::struct_excessive_bools, reason = "four independent facts of the wire protocol")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerView {
    /// Their connection.
    pub peer: PeerId,
    /// Their name.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// Whether they may send sound and picture.
    pub publish: bool,
    /// Whether they may admit, refuse and finish.
    pub control: bool,
    /// Whether their sound is on.
    pub audio: bool,
    /// Whether their picture is on.
    pub video: bool,
}

/// Somebody in the lobby, as those who can admit see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitingView {
    /// Their connection.
    pub peer: PeerId,
    /// Their name.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// Since when they wait.
    pub since: DateTime<Utc>,
}

/// The room as one person may see it: who is not admitted sees numbers, not people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoomView {
    /// The consult.
    pub consult: ConsultId,
    /// How many are inside.
    pub people: usize,
    /// How many fit inside.
    pub people_max: usize,
    /// Whether somebody is there who can admit.
    pub staff_present: bool,
    /// Since when host and clinician have first been together.
    pub started_at: Option<DateTime<Utc>>,
    /// Who is inside.
    pub peers: Vec<PeerView>,
    /// Who waits; only for those who can admit.
    pub waiting: Vec<WaitingView>,
}

/// One entry of `RTCConfiguration.iceServers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IceServer {
    /// STUN or TURN addresses (RFC 7064, RFC 7065).
    pub urls: Vec<String>,
    /// For TURN: `expiry:user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// For TURN: the password that goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// How the two sides know that the other is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    /// The relay sends a WebSocket ping this often.
    pub interval_ms: u64,
    /// A side that hears nothing for this long gives the connection up.
    pub timeout_ms: u64,
}

/// What the relay takes from one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// The longest message.
    pub message_bytes_max: usize,
    /// Messages a second, on average.
    pub messages_per_s_max: u32,
    /// Messages at once.
    pub messages_burst_max: u32,
    /// Bytes a second, on average.
    pub bytes_per_s_max: u32,
    /// Bytes at once.
    pub bytes_burst_max: u32,
}

/// Why somebody is no longer in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftBecause {
    /// They hung up.
    Left,
    /// Their connection broke; they may come back.
    Dropped,
    /// They joined again from somewhere else, as another peer.
    Replaced,
}

/// Why somebody no longer waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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

/// A message to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The answer to `hello`.
    Welcome {
        /// The protocol version.
        v: u32,
        /// Your connection's id.
        peer: PeerId,
        /// You, as the others will see you.
        you: PeerView,
        /// Whether `join` leads to the lobby.
        lobby: bool,
        /// The room.
        room: RoomView,
        /// STUN and TURN.
        ice_servers: Vec<IceServer>,
        /// How the two sides know that the other is there.
        heartbeat: Heartbeat,
        /// What the relay takes.
        limits: Limits,
        /// A telephone number to fall back on.
        #[serde(skip_serializing_if = "Option::is_none")]
        phone: Option<String>,
    },
    /// You wait in the lobby.
    Lobby {
        /// Since when.
        since: DateTime<Utc>,
        /// How long at most.
        lobby_wait_ms_max: u64,
    },
    /// Somebody waits in the lobby, and you can admit them.
    Ring(WaitingView),
    /// Somebody no longer waits.
    RingOver {
        /// Who.
        peer: PeerId,
        /// Why.
        because: RingOver,
    },
    /// You are in.
    Joined {
        /// The room.
        room: RoomView,
    },
    /// You were sent away; the connection closes.
    Refused,
    /// Somebody came in.
    PeerJoined(PeerView),
    /// Somebody is gone.
    PeerLeft {
        /// Who.
        peer: PeerId,
        /// Why.
        because: LeftBecause,
    },
    /// Somebody's sound or picture went on or off.
    State {
        /// Who.
        peer: PeerId,
        /// Sound.
        audio: bool,
        /// Picture.
        video: bool,
    },
    /// The visit is over; the connection closes.
    Finished {
        /// Who finished it.
        by: String,
        /// When.
        at: DateTime<Utc>,
        /// How long host and clinician were together.
        together_seconds: u64,
    },
    /// The message with this id was carried out.
    Ok {
        /// The message's `id`.
        re: String,
    },
    /// A message was not carried out.
    Error {
        /// What kind of error.
        code: ErrorCode,
        /// For the client's developer.
        message: String,
        /// The message's `id`, if it had one.
        #[serde(skip_serializing_if = "Option::is_none")]
        re: Option<String>,
    },
    /// The answer to `ping`.
    Pong,
    /// From a peer.
    #[serde(untagged)]
    Relayed {
        /// From whom.
        from: PeerId,
        /// What.
        #[serde(flatten)]
        signal: Signal,
    },
}

impl ServerMessage {
    /// An error about the message `re`.
    pub fn error(code: ErrorCode, message: impl Into<String>, re: Option<String>) -> Self {
        Self::Error { code, message: message.into(), re }
    }

    /// The text frame.
    pub fn to_text(&self) -> String {
        // Plain structs with string keys: serialising them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::protocol::Candidate;

    #[test]
    fn a_relayed_message_keeps_its_type_and_names_its_sender() {
        let from: PeerId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let candidate = Candidate {
            candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ relay".to_owned(),
            sdp_mid: Some("0".to_owned()),
            sdp_m_line_index: Some(0),
            username_fragment: None,
        };
        let text = ServerMessage::Relayed { from, signal: Signal::Candidate { candidate: Some(candidate) } }.to_text();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["type"], "candidate");
        assert_eq!(value["from"], from.to_string());
        assert_eq!(value["candidate"]["sdpMLineIndex"], 0);
    }

    #[test]
    fn an_error_without_an_id_has_no_re() {
        let text = ServerMessage::error(ErrorCode::UnknownType, "x", None).to_text();
        assert_eq!(text, r#"{"type":"error","code":"unknown-type","message":"x"}"#);
    }
}
