//! STUN messages (RFC 8489 §5, §14) read without copying and written into a buffer of the caller.

mod attribute;
mod integrity;
mod writer;

#[cfg(test)]
mod vectors;

use std::net::SocketAddr;

pub(super) use attribute::xor_address;
pub use attribute::{attr, code, read_xor_address};
pub use integrity::{Key, fingerprint};
pub use writer::StunWriter;

/// The fixed part of a message.
pub const HEADER_BYTES: usize = 20;
/// Marks a message as STUN (RFC 8489 §5).
pub const MAGIC_COOKIE: u32 = 0x2112_a442;
/// Attributes of one message; a request of TURN needs a dozen, and one permission each for a few peers.
pub const ATTRIBUTES_MAX: usize = 64;
/// Unknown attributes that an answer lists.
pub const UNKNOWN_MAX: usize = 8;

/// The method of a message (RFC 8489 §5, RFC 8656 §17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Tells the address that it came from.
    Binding,
    /// Asks for a relayed address.
    Allocate,
    /// Prolongs or ends an allocation.
    Refresh,
    /// Data from a client to a peer.
    Send,
    /// Data from a peer to a client.
    Data,
    /// Lets peers in.
    CreatePermission,
    /// Gives a peer a short name.
    ChannelBind,
    /// Some other method.
    Other(u16),
}

impl Method {
    fn from_number(number: u16) -> Self {
        match number {
            1 => Self::Binding,
            3 => Self::Allocate,
            4 => Self::Refresh,
            6 => Self::Send,
            7 => Self::Data,
            8 => Self::CreatePermission,
            9 => Self::ChannelBind,
            other => Self::Other(other),
        }
    }

    fn number(self) -> u16 {
        match self {
            Self::Binding => 1,
            Self::Allocate => 3,
            Self::Refresh => 4,
            Self::Send => 6,
            Self::Data => 7,
            Self::CreatePermission => 8,
            Self::ChannelBind => 9,
            Self::Other(number) => number,
        }
    }
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// The good answer.
    Success,
    /// The bad one.
    Error,
}

/// The 14 bits of class and method, interleaved as RFC 8489 §5 draws them.
pub(crate) fn message_type(method: Method, class: Class) -> u16 {
    let (m, c) = (method.number(), class as u16);
    (m & 0xf) | (m & 0x70) << 1 | (m & 0xf80) << 2 | (c & 1) << 4 | (c & 2) << 7
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No STUN header with the magic cookie, or a length that is not that of the bytes.
    #[error("no STUN header")]
    Header,
    /// An attribute reaches beyond the message, or there are more than [`ATTRIBUTES_MAX`].
    #[error("the attributes do not fit")]
    Attributes,
    /// FINGERPRINT is wrong, or something follows it.
    #[error("the fingerprint is wrong")]
    Fingerprint,
}

/// A well-formed message. Attributes behind MESSAGE-INTEGRITY are ignored (RFC 8489 §14.5), and of several
/// of one type the first counts (§14).
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub method: Method,
    /// Which way it goes.
    pub class: Class,
    /// Joins answer and request.
    pub transaction: [u8; 12],
    /// Whether it carries a FINGERPRINT (and it was right).
    pub fingerprint: bool,
    bytes: &'a [u8],
    /// Where the attributes end that count: before MESSAGE-INTEGRITY, if there is one.
    covered: usize,
    integrity: Option<[u8; 20]>,
}

impl<'a> Message<'a> {
    /// Reads one whole message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let header = bytes.first_chunk::<HEADER_BYTES>().ok_or(ParseError::Header)?;
        let kind = u16::from_be_bytes([header[0], header[1]]);
        let body = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let cookie = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        if kind & 0xc000 != 0 || cookie != MAGIC_COOKIE || body % 4 != 0 || bytes.len() != HEADER_BYTES + body {
            return Err(ParseError::Header);
        }
        let mut transaction = [0; 12];
        transaction.copy_from_slice(&header[8..]);
        let class = match (kind >> 4 & 1, kind >> 8 & 1) {
            (0, 0) => Class::Request,
            (1, 0) => Class::Indication,
            (0, _) => Class::Success,
            _ => Class::Error,
        };
        let method = Method::from_number(kind & 0xf | kind >> 1 & 0x70 | kind >> 2 & 0xf80);
        let mut message =
            Self { method, class, transaction, fingerprint: false, bytes, covered: bytes.len(), integrity: None };
        message.walk()?;
        Ok(message)
    }

    /// Checks every attribute's bounds and finds the two that are about the message itself.
    fn walk(&mut self) -> Result<(), ParseError> {
        let (mut at, mut count) = (HEADER_BYTES, 0);
        while at < self.bytes.len() {
            let (kind, value, next) = attribute_at(self.bytes, at).ok_or(ParseError::Attributes)?;
            count += 1;
            if count > ATTRIBUTES_MAX {
                return Err(ParseError::Attributes);
            }
            match kind {
                attr::MESSAGE_INTEGRITY if self.integrity.is_none() => {
                    self.integrity = Some(value.try_into().map_err(|_| ParseError::Attributes)?);
                    self.covered = at;
                }
                attr::FINGERPRINT => {
                    let right = fingerprint(&self.bytes[..at], next);
                    if next != self.bytes.len() || value != right.to_be_bytes() {
                        return Err(ParseError::Fingerprint);
                    }
                    self.fingerprint = true;
                    self.covered = self.covered.min(at);
                }
                _ => {}
            }
            at = next;
        }
        Ok(())
    }

    /// The attributes that count, in order.
    pub fn attributes(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let covered = &self.bytes[..self.covered];
        let mut at = HEADER_BYTES;
        std::iter::from_fn(move || {
            let (kind, value, next) = attribute_at(covered, at)?;
            at = next;
            Some((kind, value))
        })
    }

    /// The first attribute of a type.
    pub fn get(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes().find(|(k, _)| *k == kind).map(|(_, value)| value)
    }

    /// A text attribute, such as USERNAME.
    pub fn text(&self, kind: u16) -> Option<&'a str> {
        std::str::from_utf8(self.get(kind)?).ok()
    }

    /// A four-byte attribute, such as LIFETIME.
    pub fn number(&self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(kind)?.try_into().ok()?))
    }

    /// Every XOR-PEER-ADDRESS; `None` for one that cannot be read.
    pub fn peers(&self) -> impl Iterator<Item = Option<SocketAddr>> + use<'a> {
        let transaction = self.transaction;
        self.attributes()
            .filter(|(kind, _)| *kind == attr::XOR_PEER_ADDRESS)
            .map(move |(_, value)| read_xor_address(value, transaction))
    }

    /// Whether it is signed at all.
    pub fn is_signed(&self) -> bool {
        self.integrity.is_some()
    }

    /// Whether it is signed with `key` (RFC 8489 §14.5).
    pub fn is_signed_by(&self, key: &Key) -> bool {
        self.integrity.is_some_and(|tag| key.verifies(&self.bytes[..self.covered], &tag))
    }

    /// Types that must be understood (below 0x8000) and are not among `known`; RFC 8489 §6.3.1.
    pub fn unknown(&self, known: &[u16]) -> ([u16; UNKNOWN_MAX], usize) {
        let (mut list, mut len) = ([0; UNKNOWN_MAX], 0);
        for (kind, _) in self.attributes() {
            if kind < 0x8000 && !known.contains(&kind) && len < UNKNOWN_MAX && !list[..len].contains(&kind) {
                list[len] = kind;
                len += 1;
            }
        }
        (list, len)
    }
}

/// Type, value and where the next one begins.
fn attribute_at(bytes: &[u8], at: usize) -> Option<(u16, &[u8], usize)> {
    let head = bytes.get(at..at + 4)?;
    let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let value = bytes.get(at + 4..at + 4 + len)?;
    let next = at + 4 + len.next_multiple_of(4);
    (next <= bytes.len()).then_some((u16::from_be_bytes([head[0], head[1]]), value, next))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn binding() -> Vec<u8> {
        let mut bytes = Vec::new();
        StunWriter::new(&mut bytes, Method::Binding, Class::Request, [7; 12]).finish(None, false);
        bytes
    }

    #[test]
    fn types_survive_their_interleaving() {
        for class in [Class::Request, Class::Indication, Class::Success, Class::Error] {
            for number in [1, 3, 9, 0x0f, 0x70, 0xf80, 0xfff] {
                let mut bytes = Vec::new();
                StunWriter::new(&mut bytes, Method::from_number(number), class, [1; 12]).finish(None, false);
                let read = Message::parse(&bytes).unwrap();
                assert_eq!((read.method.number(), read.class), (number, class));
            }
        }
    }

    #[test]
    fn headers_that_lie_are_no_messages() {
        let good = binding();
        assert!(Message::parse(&good).is_ok());
        let changed = |at: usize, to: u8| {
            let mut bytes = good.clone();
            bytes[at] = to;
            Message::parse(&bytes).unwrap_err()
        };
        assert_eq!(changed(0, 0x40), ParseError::Header, "channel data");
        assert_eq!(changed(3, 4), ParseError::Header, "longer than it is");
        assert_eq!(changed(3, 1), ParseError::Header, "not of whole words");
        assert_eq!(changed(4, 0), ParseError::Header, "no magic cookie");
        for len in 0..HEADER_BYTES {
            assert_eq!(Message::parse(&good[..len]).unwrap_err(), ParseError::Header);
        }
    }

    #[test]
    fn attributes_stay_inside_the_message_and_within_their_number() {
        let mut bytes = Vec::new();
        let mut writer = StunWriter::new(&mut bytes, Method::Binding, Class::Request, [7; 12]);
        for _ in 0..ATTRIBUTES_MAX {
            writer.attribute(0x8022, b"x");
        }
        writer.finish(None, false);
        assert_eq!(Message::parse(&bytes).unwrap().attributes().count(), ATTRIBUTES_MAX);
        bytes[HEADER_BYTES + 3] = 255;
        bytes[HEADER_BYTES + 2] = 2;
        assert_eq!(Message::parse(&bytes).unwrap_err(), ParseError::Attributes);
        let mut writer = StunWriter::new(&mut bytes, Method::Binding, Class::Request, [7; 12]);
        for _ in 0..=ATTRIBUTES_MAX {
            writer.attribute(0x8022, b"x");
        }
        writer.finish(None, false);
        assert_eq!(Message::parse(&bytes).unwrap_err(), ParseError::Attributes);
    }

    #[test]
    fn what_follows_the_signature_does_not_count() {
        let mut bytes = Vec::new();
        let key = Key::short_term("secret");
        StunWriter::new(&mut bytes, Method::Refresh, Class::Request, [7; 12]).finish(Some(&key), false);
        let unsigned_lifetime = [0, 0x0d, 0, 4, 0, 0, 0, 0];
        bytes.extend_from_slice(&unsigned_lifetime);
        let body = u16::try_from(bytes.len() - HEADER_BYTES).unwrap();
        bytes[2..4].copy_from_slice(&body.to_be_bytes());
        let read = Message::parse(&bytes).unwrap();
        assert!(read.is_signed_by(&key) && read.number(attr::LIFETIME).is_none());
    }

    #[test]
    fn only_types_below_half_must_be_known() {
        let mut bytes = Vec::new();
        let mut writer = StunWriter::new(&mut bytes, Method::Binding, Class::Request, [7; 12]);
        for kind in [0x0024, 0x7fff, 0x7fff, 0x8022, attr::USERNAME] {
            writer.attribute(kind, b"abcd");
        }
        writer.finish(None, false);
        let (unknown, len) = Message::parse(&bytes).unwrap().unknown(&[attr::USERNAME]);
        assert_eq!(unknown[..len], [0x0024, 0x7fff]);
    }
}
