//! The user who asks: the long-term credential mechanism (RFC 8489 §9.2), and answers that say no.

use super::{AMPLIFICATION_MAX, Client, Engine, Now, TurnOutput};
use crate::turn::credentials::TurnUser;
use crate::turn::stun::code::{self, Code};
use crate::turn::stun::{Class, Key, Message, Method, StunWriter, UNKNOWN_MAX, attr};

/// The attributes below 0x8000 that requests here may carry. DONT-FRAGMENT is none: 420 is what RFC 8656
/// §7.2 asks of a server that cannot set that bit for single datagrams.
const KNOWN: &[u16] = &[
    attr::USERNAME,
    attr::MESSAGE_INTEGRITY,
    attr::CHANNEL_NUMBER,
    attr::LIFETIME,
    attr::XOR_PEER_ADDRESS,
    attr::DATA,
    attr::REALM,
    attr::NONCE,
    attr::REQUESTED_ADDRESS_FAMILY,
    attr::EVEN_PORT,
    attr::REQUESTED_TRANSPORT,
    attr::RESERVATION_TOKEN,
    attr::PRIORITY,
];

/// A request whose sender is known.
#[derive(Debug)]
pub(super) struct TurnRequest<'r, 'm> {
    pub(super) client: Client,
    pub(super) message: &'r Message<'m>,
    pub(super) username: &'m str,
    pub(super) key: Key,
}

impl TurnRequest<'_, '_> {
    /// Begins the good answer.
    pub(super) fn success<'b>(&self, answer: &'b mut Vec<u8>) -> StunWriter<'b> {
        StunWriter::new(answer, self.message.method, Class::Success, self.message.transaction)
    }

    /// Ends it.
    pub(super) fn signed(&self, writer: StunWriter<'_>) -> TurnOutput<'static> {
        writer.finish(Some(&self.key), self.message.fingerprint);
        TurnOutput::Answer
    }

    /// The bad answer, signed: clients drop one that is not (RFC 8489 §9.2.5).
    pub(super) fn refuse(&self, code: Code, answer: &mut Vec<u8>) -> TurnOutput<'static> {
        let mut writer = StunWriter::new(answer, self.message.method, Class::Error, self.message.transaction);
        writer.error(code);
        self.signed(writer)
    }
}

/// Whether Send indications and requests hold only what is known here; what is not otherwise.
pub(super) fn unknown(message: &Message<'_>) -> Option<([u16; UNKNOWN_MAX], usize)> {
    Some(message.unknown(KNOWN)).filter(|(_, len)| *len > 0)
}

/// ERROR-CODE 420 and the list (RFC 8489 §6.3.1).
fn list_unknown(writer: &mut StunWriter<'_>, (list, len): ([u16; UNKNOWN_MAX], usize)) {
    let mut value = [0; UNKNOWN_MAX * 2];
    for (place, kind) in value.chunks_exact_mut(2).zip(list) {
        place.copy_from_slice(&kind.to_be_bytes());
    }
    writer.error(code::UNKNOWN_ATTRIBUTE);
    writer.attribute(attr::UNKNOWN_ATTRIBUTES, &value[..len * 2]);
}

/// A request as it came: from whom, how long, and what it says.
pub(super) struct StunRequest<'a> {
    pub(super) client: Client,
    /// Its length, which the answer to a sender unknown so far must not exceed by much.
    pub(super) bytes: usize,
    pub(super) message: Message<'a>,
}

impl Engine {
    /// A Binding request (RFC 8489 §12): anybody may ask which address they come from.
    pub(super) fn binding(&mut self, now: Now, asked: &StunRequest<'_>, answer: &mut Vec<u8>) -> TurnOutput<'static> {
        let StunRequest { client, message, .. } = asked;
        if let Some(unknown) = unknown(message) {
            let mut writer = StunWriter::new(answer, Method::Binding, Class::Error, message.transaction);
            list_unknown(&mut writer, unknown);
            writer.finish(None, message.fingerprint);
        } else {
            let mut writer = StunWriter::new(answer, Method::Binding, Class::Success, message.transaction);
            let remote = client.remote();
            writer.address(attr::XOR_MAPPED_ADDRESS, (remote.ip().to_canonical(), remote.port()).into());
            writer.finish(None, message.fingerprint);
        }
        self.unproved(now, asked, answer)
    }

    /// A request that needs a credential.
    pub(super) fn request(&mut self, now: Now, asked: &StunRequest<'_>, answer: &mut Vec<u8>) -> TurnOutput<'static> {
        let &StunRequest { client, ref message, .. } = asked;
        let (username, key) = match self.authenticate(now, client, message) {
            Ok(known) => known,
            Err(code) => {
                let mut writer = StunWriter::new(answer, message.method, Class::Error, message.transaction);
                writer.error(code);
                if code != code::BAD_REQUEST {
                    writer.attribute(attr::REALM, self.realm.as_bytes());
                    writer.attribute(attr::NONCE, &self.nonces.make(now.ms, client));
                }
                writer.finish(None, message.fingerprint);
                return self.unproved(now, asked, answer);
            }
        };
        let request = TurnRequest { client, message, username, key };
        if let Some(unknown) = unknown(message) {
            let mut writer = StunWriter::new(answer, message.method, Class::Error, message.transaction);
            list_unknown(&mut writer, unknown);
            return request.signed(writer);
        }
        match message.method {
            Method::Allocate => self.allocate(now, &request, answer),
            Method::Refresh => self.refresh(now, &request, answer),
            Method::CreatePermission => self.create_permission(now, &request, answer),
            Method::ChannelBind => self.channel_bind(now, &request, answer),
            _ => TurnOutput::Nothing,
        }
    }

    /// The checks in the order of RFC 5389 §10.2.2, nonce before signature: what a forged address sends
    /// costs one hash. A nonce proves that its sender receives at its address.
    fn authenticate<'m>(&self, now: Now, client: Client, message: &Message<'m>) -> Result<(&'m str, Key), Code> {
        if !message.is_signed() {
            return Err(code::UNAUTHENTICATED);
        }
        let (Some(username), Some(realm), Some(nonce)) =
            (message.text(attr::USERNAME), message.text(attr::REALM), message.get(attr::NONCE))
        else {
            return Err(code::BAD_REQUEST);
        };
        if !self.nonces.is_good(now.ms, client, nonce) {
            return Err(code::STALE_NONCE);
        }
        if realm != self.realm {
            return Err(code::UNAUTHENTICATED);
        }
        if self.orders.is_over(username) {
            return Err(code::UNAUTHENTICATED);
        }
        let standing = message.method != Method::Allocate
            && !TurnUser::of(username).ticket.is_empty()
            && self.allocation(now, client).is_some_and(|(_, allocation)| allocation.username == username);
        let password = if standing {
            self.credentials.check_standing(username, now.utc)
        } else {
            self.credentials.check(username, now.utc)
        };
        let password = password.map_err(|_| code::UNAUTHENTICATED)?;
        let key = Key::long_term(username, realm, &password);
        if message.is_signed_by(&key) { Ok((username, key)) } else { Err(code::UNAUTHENTICATED) }
    }

    /// Lets an answer go to a sender that has not shown that it receives there: only so many, and over UDP
    /// only if it is not much longer than what was asked.
    fn unproved(&mut self, now: Now, asked: &StunRequest<'_>, answer: &[u8]) -> TurnOutput<'static> {
        let &StunRequest { client, bytes: request_bytes, .. } = asked;
        let amplifies = !client.is_stream() && answer.len() > AMPLIFICATION_MAX * request_bytes;
        let throttle = if client.is_stream() { &mut self.stream_throttle } else { &mut self.throttle };
        if amplifies || !throttle.take(now.ms, client.remote().ip()) { TurnOutput::Nothing } else { TurnOutput::Answer }
    }
}
