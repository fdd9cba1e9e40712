//! What a client says.

use serde::{Deserialize, Serialize};

use super::codes::ErrorCode;
use crate::id::PeerId;

/// The longest `id` a client may give a message, in bytes.
const ID_BYTES_MAX: usize = 64;

/// The part that every message has. `seq` and `ack` are reserved for resume and ignored in version 1.
#[derive(Debug, Default, Deserialize)]
pub struct Envelope {
    /// The message's type.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// The client's name for this message, echoed as `re`.
    #[serde(default)]
    pub id: Option<String>,
}

/// A session description or a candidate on its way to one peer; the relay does not look inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Signal {
    /// An SDP offer (RFC 9429).
    Offer {
        /// The description.
        sdp: String,
    },
    /// An SDP answer.
    Answer {
        /// The description.
        sdp: String,
    },
    /// A trickled ICE candidate (RFC 8838); `null` says that there are no more.
    Candidate {
        /// As `RTCIceCandidate.toJSON()` gives it.
        candidate: Option<Candidate>,
    },
}

/// An ICE candidate, with the browser's own names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The candidate line, without `a=`.
    pub candidate: String,
    /// The media section by name.
    #[serde(default)]
    pub sdp_mid: Option<String>,
    /// The media section by number.
    #[serde(default)]
    pub sdp_m_line_index: Option<u16>,
    /// The ICE generation it belongs to.
    #[serde(default)]
    pub username_fragment: Option<String>,
}

/// A message, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// The first message.
    Hello {
        /// The protocol version the client speaks.
        v: u32,
        /// The signed ticket.
        ticket: String,
    },
    /// Enter the room, or the lobby if the ticket says so.
    Join {
        /// Whether sound is on.
        audio: bool,
        /// Whether the picture is on.
        video: bool,
    },
    /// Let somebody in from the lobby.
    Admit {
        /// Who.
        peer: PeerId,
    },
    /// Send somebody away from the lobby.
    Refuse {
        /// Who.
        peer: PeerId,
    },
    /// To one peer.
    Relay {
        /// To whom.
        to: PeerId,
        /// What.
        signal: Signal,
    },
    /// Own sound and picture went on or off.
    State {
        /// Whether sound is on.
        audio: bool,
        /// Whether the picture is on.
        video: bool,
    },
    /// Hang up: I go, the visit goes on.
    Leave,
    /// The visit is over, for all.
    Finish,
    /// Are you there?
    Ping,
    /// I am here.
    Pong,
}

/// A message that could not be read, with the `id` it carried, if that much could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The message's `id`.
    pub id: Option<String>,
    /// What kind of error.
    pub code: ErrorCode,
    /// For the client's developer.
    pub message: String,
}

#[derive(Deserialize)]
struct HelloFields {
    v: u32,
    ticket: String,
}

#[derive(Deserialize)]
struct MediaFields {
    #[serde(default)]
    audio: bool,
    #[serde(default)]
    video: bool,
}

#[derive(Deserialize)]
struct StateFields {
    audio: bool,
    video: bool,
}

#[derive(Deserialize)]
struct PeerFields {
    peer: PeerId,
}

#[derive(Deserialize)]
struct SdpFields {
    to: PeerId,
    sdp: String,
}

#[derive(Deserialize)]
struct CandidateFields {
    to: PeerId,
    #[serde(deserialize_with = "Option::deserialize")]
    candidate: Option<Candidate>,
}

fn fields<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, (ErrorCode, String)> {
    serde_json::from_str(text).map_err(|e| (ErrorCode::BadMessage, e.to_string()))
}

fn body(kind: &str, text: &str) -> Result<ClientMessage, (ErrorCode, String)> {
    Ok(match kind {
        "hello" => {
            let HelloFields { v, ticket } = fields(text)?;
            ClientMessage::Hello { v, ticket }
        }
        "join" => {
            let MediaFields { audio, video } = fields(text)?;
            ClientMessage::Join { audio, video }
        }
        "state" => {
            let StateFields { audio, video } = fields(text)?;
            ClientMessage::State { audio, video }
        }
        "admit" => ClientMessage::Admit { peer: fields::<PeerFields>(text)?.peer },
        "refuse" => ClientMessage::Refuse { peer: fields::<PeerFields>(text)?.peer },
        "offer" => {
            let SdpFields { to, sdp } = fields(text)?;
            ClientMessage::Relay { to, signal: Signal::Offer { sdp } }
        }
        "answer" => {
            let SdpFields { to, sdp } = fields(text)?;
            ClientMessage::Relay { to, signal: Signal::Answer { sdp } }
        }
        "candidate" => {
            let CandidateFields { to, candidate } = fields(text)?;
            ClientMessage::Relay { to, signal: Signal::Candidate { candidate } }
        }
        "leave" => ClientMessage::Leave,
        "finish" => ClientMessage::Finish,
        "ping" => ClientMessage::Ping,
        "pong" => ClientMessage::Pong,
        other => {
            let shown: String = other.chars().take(32).collect();
            return Err((ErrorCode::UnknownType, format!("this version knows no message of type {shown:?}")));
        }
    })
}

/// Reads one text frame.
pub fn read(text: &str) -> Result<(Option<String>, ClientMessage), Rejected> {
    let envelope: Envelope = serde_json::from_str(text).map_err(|e| Rejected {
        id: None,
        code: ErrorCode::BadMessage,
        message: e.to_string(),
    })?;
    let reject = |id, code, message: String| Rejected { id, code, message };
    if envelope.id.as_ref().is_some_and(|id| id.len() > ID_BYTES_MAX) {
        return Err(reject(None, ErrorCode::BadMessage, format!("id is longer than {ID_BYTES_MAX} bytes")));
    }
    let Some(kind) = envelope.kind else {
        return Err(reject(envelope.id, ErrorCode::BadMessage, "missing field `type`".to_owned()));
    };
    match body(&kind, text) {
        Ok(message) => Ok((envelope.id, message)),
        Err((code, message)) => Err(reject(envelope.id, code, message)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn refusal(text: &str) -> (Option<String>, ErrorCode) {
        let rejected = read(text).unwrap_err();
        (rejected.id, rejected.code)
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let (id, message) = read(r#"{"type":"leave","id":"7","seq":3,"ack":2,"mood":"fine"}"#).unwrap();
        assert_eq!((id.as_deref(), message), (Some("7"), ClientMessage::Leave));
    }

    #[test]
    fn each_unreadable_message_has_its_typed_error_and_echoes_the_id() {
        let id = || Some("a".to_owned());
        for (text, expected) in [
            (r#"{"type":"dance","id":"a"}"#, (id(), ErrorCode::UnknownType)),
            (r#"{"type":"admit","id":"a"}"#, (id(), ErrorCode::BadMessage)),
            (r#"{"type":"admit","id":"a","peer":"nobody"}"#, (id(), ErrorCode::BadMessage)),
            (r#"{"type":"state","id":"a","audio":"yes","video":true}"#, (id(), ErrorCode::BadMessage)),
            (r#"{"id":"a"}"#, (id(), ErrorCode::BadMessage)),
            (r#"{"type":5,"id":"a"}"#, (None, ErrorCode::BadMessage)),
            ("[1,2]", (None, ErrorCode::BadMessage)),
            ("", (None, ErrorCode::BadMessage)),
            (r#"{"type":"leave""#, (None, ErrorCode::BadMessage)),
        ] {
            assert_eq!(refusal(text), expected, "{text}");
        }
        let long = format!(r#"{{"type":"leave","id":"{}"}}"#, "x".repeat(65));
        assert_eq!(refusal(&long), (None, ErrorCode::BadMessage));
    }

    #[test]
    fn a_candidate_may_be_null_but_not_absent() {
        let to = "01890a5d-ac96-774b-bcce-b302099a8057";
        let (_, end) = read(&format!(r#"{{"type":"candidate","to":"{to}","candidate":null}}"#)).unwrap();
        assert!(matches!(end, ClientMessage::Relay { signal: Signal::Candidate { candidate: None }, .. }));
        assert_eq!(refusal(&format!(r#"{{"type":"candidate","to":"{to}"}}"#)).1, ErrorCode::BadMessage);
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let deep = format!("{}{}", "[".repeat(60_000), "]".repeat(60_000));
        assert_eq!(refusal(&deep).1, ErrorCode::BadMessage);
        assert_eq!(refusal(&format!(r#"{{"type":"hello","v":{deep}}}"#)).1, ErrorCode::BadMessage);
        assert_eq!(read(&format!(r#"{{"type":"leave","x":{deep}}}"#)), Ok((None, ClientMessage::Leave)));
    }
}
