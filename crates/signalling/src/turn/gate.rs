//! What the `turn` crate does not check of a request: peers (403), quota (486), address family (440).
//!
//! A request whose peer is refused never reaches the crate with its credentials, whatever else is
//! true of it; that keeps the boundary here even where the two would read a message differently.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use stun::attributes::{ATTR_MESSAGE_INTEGRITY, ATTR_USERNAME, ATTR_XOR_PEER_ADDRESS};
use stun::error_code::{
    CODE_ADDR_FAMILY_NOT_SUPPORTED, CODE_ALLOC_QUOTA_REACHED, CODE_BAD_REQUEST, CODE_FORBIDDEN, ErrorCode,
    ErrorCodeAttribute,
};
use stun::integrity::MessageIntegrity;
use stun::message::{
    CLASS_ERROR_RESPONSE, CLASS_REQUEST, METHOD_ALLOCATE, METHOD_CHANNEL_BIND, METHOD_CREATE_PERMISSION, Message,
    MessageType, Setter,
};
use stun::textattrs::TextAttribute;
use stun::xoraddr::XorMappedAddress;
use turn::auth::generate_auth_key;
use turn::proto::reqfamily::{REQUESTED_FAMILY_IPV4, REQUESTED_FAMILY_IPV6, RequestedAddressFamily};

use super::credentials::Credentials;
use super::peers::PeerFilter;

/// What to do with a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The crate handles it.
    Pass,
    /// The crate handles it if this user has fewer allocations than the quota.
    PassUnderQuota {
        /// The whole username.
        username: String,
    },
    /// Answer this and no more.
    Answer(Vec<u8>),
    /// Not a message; no answer.
    Drop,
}

/// Looks at requests before the crate does.
pub(super) struct Gate {
    pub(super) filter: std::sync::Arc<PeerFilter>,
    pub(super) credentials: Credentials,
    pub(super) realm: String,
    pub(super) relays_ipv4: bool,
}

impl Gate {
    pub(super) fn look(&self, datagram: &[u8], now: DateTime<Utc>) -> Verdict {
        if datagram.first().is_some_and(|b| b & 0xc0 == 0x40) {
            return Verdict::Pass; // channel data: its channel was bound through here
        }
        let mut message = Message::new();
        message.raw = datagram.to_vec();
        if message.decode().is_err() {
            return Verdict::Drop;
        }
        if message.typ.class != CLASS_REQUEST || !message.contains(ATTR_MESSAGE_INTEGRITY) {
            return Verdict::Pass; // indications meet the filter at the socket; the rest is asked to authenticate
        }
        match message.typ.method {
            METHOD_CREATE_PERMISSION | METHOD_CHANNEL_BIND => self.look_at_peers(&message, now),
            METHOD_ALLOCATE => self.look_at_allocation(&message, now),
            _ => Verdict::Pass,
        }
    }

    fn look_at_peers(&self, message: &Message, now: DateTime<Utc>) -> Verdict {
        let mut peers = 0;
        for attribute in message.attributes.0.iter().filter(|a| a.typ == ATTR_XOR_PEER_ADDRESS) {
            peers += 1;
            match peer_address(message, &attribute.value) {
                Some(address) if self.filter.permits(address) => {}
                Some(_) => return self.answer(message, CODE_FORBIDDEN, now),
                None => return self.answer(message, CODE_BAD_REQUEST, now),
            }
        }
        // The crate reads only the first of several (and gives one permission); one a request is what clients send.
        if peers == 0 { self.answer(message, CODE_BAD_REQUEST, now) } else { Verdict::Pass }
    }

    fn look_at_allocation(&self, message: &Message, now: DateTime<Utc>) -> Verdict {
        let mut family = RequestedAddressFamily::default();
        if stun::message::Getter::get_from(&mut family, message).is_ok() {
            let wanted = if self.relays_ipv4 { REQUESTED_FAMILY_IPV4 } else { REQUESTED_FAMILY_IPV6 };
            if family != wanted {
                return self.answer(message, CODE_ADDR_FAMILY_NOT_SUPPORTED, now);
            }
        }
        match TextAttribute::get_from_as(message, ATTR_USERNAME) {
            Ok(username) => Verdict::PassUnderQuota { username: username.text },
            Err(_) => Verdict::Pass,
        }
    }

    /// The answer to a user who has all the allocations they may have.
    pub(super) fn over_quota(&self, datagram: &[u8], now: DateTime<Utc>) -> Verdict {
        let mut message = Message::new();
        message.raw = datagram.to_vec();
        if message.decode().is_err() { Verdict::Drop } else { self.answer(&message, CODE_ALLOC_QUOTA_REACHED, now) }
    }

    /// An error answer, signed when the request was: clients drop an unsigned one (RFC 8489 §9.2.5).
    fn answer(&self, request: &Message, code: ErrorCode, now: DateTime<Utc>) -> Verdict {
        let typ = MessageType::new(request.typ.method, CLASS_ERROR_RESPONSE);
        let mut parts: Vec<Box<dyn Setter>> = vec![
            Box::new(request.transaction_id),
            Box::new(typ),
            Box::new(ErrorCodeAttribute { code, reason: Vec::new() }),
        ];
        if let Some(integrity) = self.integrity_of(request, now) {
            parts.push(Box::new(integrity));
        }
        let mut answer = Message::new();
        match answer.build(&parts) {
            Ok(()) => Verdict::Answer(answer.raw),
            Err(_) => Verdict::Drop,
        }
    }

    /// The key that signed the request, if it is one of ours.
    fn integrity_of(&self, request: &Message, now: DateTime<Utc>) -> Option<MessageIntegrity> {
        let username = TextAttribute::get_from_as(request, ATTR_USERNAME).ok()?.text;
        let password = self.credentials.check(&username, now).ok()?;
        let integrity = MessageIntegrity(generate_auth_key(&username, &self.realm, &password));
        integrity.check(&mut request.clone()).ok()?;
        Some(integrity)
    }
}

/// One XOR-PEER-ADDRESS; the library reads only the first of a message, so each is put into its own.
fn peer_address(message: &Message, value: &[u8]) -> Option<IpAddr> {
    let mut alone = Message::new();
    alone.transaction_id = message.transaction_id;
    alone.add(ATTR_XOR_PEER_ADDRESS, value);
    let mut address = XorMappedAddress::default();
    address.get_from_as(&alone, ATTR_XOR_PEER_ADDRESS).ok()?;
    Some(address.ip)
}
