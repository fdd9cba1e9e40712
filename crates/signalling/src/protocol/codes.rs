//! Error codes and close codes. Clients branch on these, never on a message's words.

use serde::{Deserialize, Serialize};

/// The fault of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// Not a JSON object with a `type`, or a field is missing or of the wrong kind.
    BadMessage,
    /// A `type` that this version does not know.
    UnknownType,
    /// The message is longer than `limits.message_bytes_max`.
    MessageTooLarge,
    /// More messages or bytes than the limits allow.
    RateLimited,
    /// `hello` asked for a version that is not spoken here.
    UnsupportedVersion,
    /// The first message must be `hello`, and in time.
    HelloExpected,
    /// The ticket cannot be read.
    TicketMalformed,
    /// The ticket's signature does not fit.
    TicketWrongKey,
    /// The ticket is for somewhere else.
    TicketForeign,
    /// The ticket's window has not opened.
    TicketNotYetValid,
    /// The ticket's window has closed.
    TicketExpired,
    /// Only after `joined`.
    NotJoined,
    /// `join` was already said.
    AlreadyJoined,
    /// The ticket does not permit this.
    NotPermitted,
    /// Nobody of that id is in the room.
    NoSuchPeer,
    /// Nobody of that id waits in the lobby.
    NotWaiting,
    /// All places in the room are taken.
    RoomFull,
    /// All places in the lobby are taken.
    LobbyFull,
    /// Nobody let you in within `lobby_wait_ms_max`.
    LobbyTimeout,
    /// The visit is over.
    Finished,
    /// A `seq` was left out.
    SequenceGap,
    /// The session cannot be resumed, and there was no ticket for a new one.
    ResumeImpossible,
    /// The same person is here on another device: say what to do about it.
    Elsewhere,
    /// The ticket belongs to another device.
    TicketBound,
    /// The ticket was revoked.
    TicketRevoked,
    /// Staff sent this person away, and nobody lifted it.
    Removed,
    /// Somebody inside does not consent.
    ConsentMissing,
    /// The last ring is not long enough ago.
    TooSoon,
    /// Nobody was sent away under that number.
    NoSuchRemoval,
    /// Too many bad tickets or secrets from this address.
    Throttled,
    /// The room's log cannot be reached.
    Unavailable,
    /// The relay has no room for another room or connection.
    Busy,
    /// The relay failed; it is recorded.
    Internal,
}

/// Why the relay closes a connection: 4000–4099 "try again", 4100–4199 "do not".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// You left.
    Normal = 1000,
    /// The relay restarts.
    Restarting = 4000,
    /// No `hello` in time.
    HelloTimeout = 4001,
    /// Nothing was heard from you for too long.
    HeartbeatLost = 4002,
    /// You read too slowly, and your queue ran over.
    TooSlow = 4003,
    /// No place for another room or connection here now.
    Busy = 4004,
    /// Nobody admitted you in time.
    LobbyTimeout = 4005,
    /// The relay failed.
    Internal = 4006,
    /// Too many bad tickets or secrets from your address: wait.
    Throttled = 4007,
    /// The session cannot be resumed: say `hello` with a ticket.
    ResumeImpossible = 4008,
    /// The room's log cannot be reached.
    Unavailable = 4009,
    /// The visit was finished.
    Finished = 4100,
    /// Staff refused you.
    Refused = 4101,
    /// The ticket does not open anything here.
    TicketInvalid = 4102,
    /// The ticket's window has closed: get a fresh one.
    TicketExpired = 4103,
    /// The ticket's window has not opened.
    TicketNotYetValid = 4104,
    /// The same person joined from somewhere else.
    Replaced = 4105,
    /// The client does not follow the protocol.
    ProtocolError = 4106,
    /// A frame longer than the limit, or not valid UTF-8.
    Unreadable = 4107,
    /// More messages or bytes than the limits allow.
    RateLimited = 4108,
    BinaryFrame = 4109,
    /// Staff sent you away.
    Removed = 4110,
    /// The ticket was revoked.
    TicketRevoked = 4111,
    /// The ticket belongs to another device.
    TicketBound = 4112,
}

impl CloseCode {
    /// The number on the wire.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The reason on the wire, at most 123 bytes (RFC 6455 §5.5).
    pub fn reason(self) -> &'static str {
        match self {
            Self::Normal => "bye",
            Self::Restarting => "restarting",
            Self::HelloTimeout => "hello-timeout",
            Self::HeartbeatLost => "heartbeat-lost",
            Self::TooSlow => "too-slow",
            Self::Busy => "busy",
            Self::LobbyTimeout => "lobby-timeout",
            Self::Internal => "internal",
            Self::Throttled => "throttled",
            Self::ResumeImpossible => "resume-impossible",
            Self::Unavailable => "unavailable",
            Self::Finished => "finished",
            Self::Refused => "refused",
            Self::TicketInvalid => "ticket-invalid",
            Self::TicketExpired => "ticket-expired",
            Self::TicketNotYetValid => "ticket-not-yet-valid",
            Self::Replaced => "replaced",
            Self::ProtocolError => "protocol-error",
            Self::Unreadable => "unreadable",
            Self::RateLimited => "rate-limited",
            Self::BinaryFrame => "binary-frame",
            Self::Removed => "removed",
            Self::TicketRevoked => "ticket-revoked",
            Self::TicketBound => "ticket-bound",
        }
    }

    /// Every code, for the document's table and its test.
    pub const ALL: [Self; 24] = [
        Self::Normal,
        Self::Restarting,
        Self::HelloTimeout,
        Self::HeartbeatLost,
        Self::TooSlow,
        Self::Busy,
        Self::LobbyTimeout,
        Self::Internal,
        Self::Throttled,
        Self::ResumeImpossible,
        Self::Unavailable,
        Self::Finished,
        Self::Refused,
        Self::TicketInvalid,
        Self::TicketExpired,
        Self::TicketNotYetValid,
        Self::Replaced,
        Self::ProtocolError,
        Self::Unreadable,
        Self::RateLimited,
        Self::BinaryFrame,
        Self::Removed,
        Self::TicketRevoked,
        Self::TicketBound,
    ];
}

#[cfg(test)]
mod tests {
    use super::CloseCode;

    #[test]
    fn the_document_lists_every_close_code_with_its_reason() {
        let document = include_str!("../../README.md");
        for code in CloseCode::ALL {
            let row = format!("| {} | `{}` |", code.number(), code.reason());
            assert!(document.contains(&row), "README.md lacks the row {row}");
        }
    }

    #[test]
    fn codes_are_either_try_again_or_do_not() {
        for code in CloseCode::ALL {
            assert!(code == CloseCode::Normal || (4000..4200).contains(&code.number()), "{code:?}");
        }
    }
}
