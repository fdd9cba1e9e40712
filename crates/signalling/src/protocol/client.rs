//! The messages of a client.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::body::Body;
use super::codes::ErrorCode;
use super::opaque;
use super::view::{Consent, Media};
use crate::id::{ConsultId, Epoch, PeerId};
use crate::room::RoomRequest;

/// The longest `id` a client may give a message, in bytes.
pub const ID_BYTES_MAX: usize = 64;
/// The longest text about a message that could not be read, in bytes: what was wrong may be as long as the message.
pub const REJECTED_BYTES_MAX: usize = 256;
/// The longest chat message, in characters.
pub const CHAT_CHARS_MAX: usize = 2000;
/// How long a device's name is, in characters.
pub const DEVICE_CHARS: std::ops::RangeInclusive<usize> = 16..=64;

/// One text frame of a client, read.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientFrame<'a> {
    /// The client's name for the message, echoed as `re`.
    pub id: Option<Box<str>>,
    /// The client's number; a [`ClientMessage::Request`] must have one.
    pub seq: Option<u64>,
    /// The last number of the relay's that the client has.
    pub ack: Option<u64>,
    /// The message itself.
    pub message: ClientMessage<'a>,
}

/// The messages of a client.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientMessage<'a> {
    /// The first message.
    Hello(Box<Hello>),
    /// Are you there?
    Ping,
    /// I am here.
    Pong,
    /// Only the `ack`.
    Ack,
    /// `getStats` samples: the frame as it came.
    Quality(&'a str),
    /// The outcome of the check before the visit: the frame as it came.
    Precheck(&'a str),
    /// Everything else, which is numbered.
    Request(RoomRequest),
}

/// The first message. When `v` is not this version, the rest is not looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The protocol version the client speaks.
    pub v: u32,
    /// The signed ticket.
    pub ticket: Option<String>,
    /// The client's name for the device it runs on.
    pub device: String,
    /// The session to go on with.
    pub resume: Option<Resume>,
}

/// The session to go on with.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Resume {
    /// The consult, as in `welcome`: a session without a ticket is looked for there.
    pub consult: ConsultId,
    /// The session, `peer` in `welcome`.
    pub session: PeerId,
    pub secret: String,
    /// The log that `seq` is of.
    pub epoch: Epoch,
    /// The last number of the relay's that the client has.
    pub seq: u64,
    /// The client kept nothing but the secret.
    #[serde(default)]
    pub snapshot: bool,
}

/// A message that could not be read, with as much of its envelope as could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The message's `id`.
    pub id: Option<Box<str>>,
    /// The message's `seq`: when it is the next one, the message uses it up.
    pub seq: Option<u64>,
    /// The message's `ack`.
    pub ack: Option<u64>,
    /// The kind of error.
    pub code: ErrorCode,
    /// For the client's developer.
    pub message: String,
}

/// Every field of every message, none of them looked into yet: so no field of the wrong kind hides another,
/// and a message does not fail for a field that is not its own.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    seq: Option<&'a RawValue>,
    #[serde(borrow)]
    ack: Option<&'a RawValue>,
    #[serde(borrow)]
    to: Option<&'a RawValue>,
    #[serde(borrow)]
    sdp: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "or_null")]
    candidate: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "or_null")]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    peer: Option<&'a RawValue>,
    #[serde(borrow)]
    audio: Option<&'a RawValue>,
    #[serde(borrow)]
    video: Option<&'a RawValue>,
    #[serde(borrow)]
    screen: Option<&'a RawValue>,
    #[serde(borrow)]
    consent: Option<&'a RawValue>,
    #[serde(borrow)]
    elsewhere: Option<&'a RawValue>,
    #[serde(borrow)]
    recording: Option<&'a RawValue>,
    #[serde(borrow)]
    transcription: Option<&'a RawValue>,
    #[serde(borrow)]
    on: Option<&'a RawValue>,
    #[serde(borrow)]
    up: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    permissions: Option<&'a RawValue>,
    #[serde(borrow)]
    removal: Option<&'a RawValue>,
    #[serde(borrow)]
    v: Option<&'a RawValue>,
    #[serde(borrow)]
    ticket: Option<&'a RawValue>,
    #[serde(borrow)]
    device: Option<&'a RawValue>,
    #[serde(borrow)]
    resume: Option<&'a RawValue>,
}

/// For a field in which `null` is a value.
fn or_null<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&'a RawValue>::deserialize(deserializer).map(Some)
}

/// An error about one message, in words.
type ReadResult<T> = Result<T, (ErrorCode, String)>;

fn bad<T>(words: String) -> ReadResult<T> {
    Err((ErrorCode::BadMessage, words))
}

/// A string's content, borrowed unless it has escapes.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(raw.get()).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

fn required<'a>(field: Option<&'a RawValue>, name: &str) -> ReadResult<&'a RawValue> {
    field.map_or_else(|| bad(format!("missing field `{name}`")), Ok)
}

fn parsed<T: DeserializeOwned>(raw: &RawValue, name: &str) -> ReadResult<T> {
    serde_json::from_str(raw.get()).or_else(|e| bad(format!("field `{name}`: {e}")))
}

fn field<T: DeserializeOwned>(field: Option<&RawValue>, name: &str) -> ReadResult<T> {
    parsed(required(field, name)?, name)
}

fn optional<T: DeserializeOwned>(field: Option<&RawValue>, name: &str) -> ReadResult<Option<T>> {
    field.map(|raw| parsed(raw, name)).transpose()
}

fn peer(field: Option<&RawValue>, name: &str) -> ReadResult<PeerId> {
    let id = string(required(field, name)?).and_then(|text| text.parse().ok());
    id.map_or_else(|| bad(format!("field `{name}`: not the id of a peer")), Ok)
}

fn number(raw: &RawValue) -> Option<u64> {
    raw.get().parse().ok()
}

/// A field that is passed on as it came, in the words that the receiver gets.
fn passed_on(kind: &str, from: PeerId, name: &str, raw: &RawValue) -> ReadResult<Body> {
    opaque::check(raw.get()).or_else(|unfit| bad(format!("field `{name}` {unfit}")))?;
    Ok(Body::passed_on(kind, from, name, raw.get()))
}

impl<'a> Fields<'a> {
    fn media(&self) -> ReadResult<Media> {
        let is_on = |raw, name| Ok(optional(raw, name)?.unwrap_or(false));
        Ok(Media {
            audio: is_on(self.audio, "audio")?,
            video: is_on(self.video, "video")?,
            screen: is_on(self.screen, "screen")?,
        })
    }

    fn description(&self, kind: &str, from: PeerId) -> ReadResult<RoomRequest> {
        let (to, sdp) = (peer(self.to, "to")?, required(self.sdp, "sdp")?);
        if !sdp.get().starts_with('"') {
            return bad("field `sdp`: not a string".to_owned());
        }
        Ok(RoomRequest::Relay { to, body: passed_on(kind, from, "sdp", sdp)? })
    }

    fn candidate(&self, from: PeerId) -> ReadResult<RoomRequest> {
        let (to, candidate) = (peer(self.to, "to")?, required(self.candidate, "candidate")?);
        if !candidate.get().starts_with('{') && candidate.get() != "null" {
            return bad("field `candidate`: neither an object nor null".to_owned());
        }
        Ok(RoomRequest::Relay { to, body: passed_on("candidate", from, "candidate", candidate)? })
    }

    fn message(&self, from: PeerId) -> ReadResult<RoomRequest> {
        let body = passed_on("message", from, "data", required(self.data, "data")?)?;
        Ok(match self.to {
            Some(_) => RoomRequest::Relay { to: peer(self.to, "to")?, body },
            None => RoomRequest::Message { body },
        })
    }

    fn chat(&self) -> ReadResult<RoomRequest> {
        let Some(text) = required(self.text, "text").map(string)? else {
            return bad("field `text`: not a string".to_owned());
        };
        // They mean nothing in a chat, and no PostgreSQL keeps a NUL.
        let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        let text = text.trim();
        match text.chars().count() {
            0 => bad("field `text`: empty".to_owned()),
            n if n > CHAT_CHARS_MAX => bad(format!("field `text`: longer than {CHAT_CHARS_MAX} characters")),
            _ => Ok(RoomRequest::Chat { text: text.into() }),
        }
    }

    fn hello(&self) -> ReadResult<Hello> {
        let v = field(self.v, "v")?;
        if v != super::VERSION {
            return Ok(Hello { v, ..Hello::default() });
        }
        let device: String = field(self.device, "device")?;
        let url_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !DEVICE_CHARS.contains(&device.len()) || !device.chars().all(url_safe) {
            return bad("field `device`: not 16 to 64 of A–Z a–z 0–9 - _".to_owned());
        }
        let (ticket, resume) = (optional(self.ticket, "ticket")?, optional(self.resume, "resume")?);
        if ticket.is_none() && resume.is_none() {
            return bad("missing field `ticket`".to_owned());
        }
        Ok(Hello { v, ticket, device, resume })
    }

    fn body(&self, kind: &str, from: PeerId, text: &'a str) -> ReadResult<ClientMessage<'a>> {
        Ok(ClientMessage::Request(match kind {
            "message" => self.message(from)?,
            "candidate" => self.candidate(from)?,
            "offer" | "answer" => self.description(kind, from)?,
            "ping" => return Ok(ClientMessage::Ping),
            "pong" => return Ok(ClientMessage::Pong),
            "ack" => return Ok(ClientMessage::Ack),
            "quality" => return Ok(ClientMessage::Quality(text)),
            "precheck" => return Ok(ClientMessage::Precheck(text)),
            "hello" => return self.hello().map(|hello| ClientMessage::Hello(Box::new(hello))),
            "join" => RoomRequest::Join {
                media: self.media()?,
                consent: optional(self.consent, "consent")?.unwrap_or_default(),
                elsewhere: optional(self.elsewhere, "elsewhere")?,
            },
            "state" => RoomRequest::State(Media {
                audio: field(self.audio, "audio")?,
                video: field(self.video, "video")?,
                screen: optional(self.screen, "screen")?.unwrap_or(false),
            }),
            "consent" => RoomRequest::Consent(Consent {
                recording: field(self.recording, "recording")?,
                transcription: field(self.transcription, "transcription")?,
            }),
            "chat" => self.chat()?,
            "hand" => RoomRequest::Hand { up: field(self.up, "up")? },
            "ring" => RoomRequest::Ring,
            "admit" => RoomRequest::Admit(peer(self.peer, "peer")?),
            "refuse" => RoomRequest::Refuse(peer(self.peer, "peer")?),
            "put_back" => RoomRequest::PutBack(peer(self.peer, "peer")?),
            "mute" => RoomRequest::Mute(peer(self.peer, "peer")?),
            "kick" => RoomRequest::Kick(peer(self.peer, "peer")?),
            "lift" => RoomRequest::Lift { removal: field(self.removal, "removal")? },
            "permit" => RoomRequest::Permit {
                peer: peer(self.peer, "peer")?,
                permissions: field(self.permissions, "permissions")?,
            },
            "record" => RoomRequest::Record { on: field(self.on, "on")? },
            "transcribe" => RoomRequest::Transcribe { on: field(self.on, "on")? },
            "leave" => RoomRequest::Leave,
            "finish" => RoomRequest::Finish,
            other => {
                let shown: String = other.chars().take(32).collect();
                return Err((ErrorCode::UnknownType, format!("this version knows no message of type {shown:?}")));
            }
        }))
    }

    /// The `id`, or why it cannot be echoed.
    fn id(&self) -> ReadResult<Option<Box<str>>> {
        let Some(raw) = self.id else { return Ok(None) };
        match string(raw) {
            Some(id) if id.len() <= ID_BYTES_MAX => Ok(Some(id.into())),
            _ => bad(format!("field `id`: not a string of at most {ID_BYTES_MAX} bytes")),
        }
    }

    fn message_of(&self, from: PeerId, text: &'a str) -> ReadResult<ClientMessage<'a>> {
        for (field, name) in [(self.seq, "seq"), (self.ack, "ack")] {
            if field.is_some_and(|raw| number(raw).is_none()) {
                return bad(format!("field `{name}`: not a number"));
            }
        }
        let Some(kind) = required(self.kind, "type").map(string)? else {
            return bad("field `type`: not a string".to_owned());
        };
        let message = self.body(&kind, from, text)?;
        if matches!(message, ClientMessage::Request(_)) && self.seq.is_none() {
            return bad("missing field `seq`".to_owned());
        }
        Ok(message)
    }
}

/// Reads one text frame of the session `from`, whose id stands in what is passed on. The frame of a `hello`
/// is of no session yet; any id does.
pub fn read(from: PeerId, text: &str) -> Result<ClientFrame<'_>, Rejected> {
    let unread = |words: String| {
        let (code, message) = (ErrorCode::BadMessage, in_short(words));
        Rejected { id: None, seq: None, ack: None, code, message }
    };
    // A list would be taken for the fields in their order.
    if !text.trim_start().starts_with('{') {
        return Err(unread("not an object".to_owned()));
    }
    let fields: Fields<'_> = serde_json::from_str(text).map_err(|e| unread(e.to_string()))?;
    let (seq, ack) = (fields.seq.and_then(number), fields.ack.and_then(number));
    let (id, id_error) = match fields.id() {
        Ok(id) => (id, None),
        Err(error) => (None, Some(error)),
    };
    let message = id_error.map_or_else(|| fields.message_of(from, text), Err);
    match message {
        Ok(message) => Ok(ClientFrame { id, seq, ack, message }),
        Err((code, message)) => Err(Rejected { id, seq, ack, code, message: in_short(message) }),
    }
}

fn in_short(mut words: String) -> String {
    words.truncate(words.floor_char_boundary(REJECTED_BYTES_MAX));
    words
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
