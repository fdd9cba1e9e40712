//! The way of the media: Send and Data indications (RFC 8656 §11) and channel data (§12).

use std::net::SocketAddr;

use rand::RngExt as _;

use super::allocation::{CHANNELS, Sender};
use super::auth::unknown;
use super::permit::same_family;
use super::{Client, Engine, Now, PayloadHead, RelayPort, TurnOutput};
use crate::turn::credentials::TurnScope;
use crate::turn::stun::{Class, HEADER_BYTES, MAGIC_COOKIE, Message, Method, attr, message_type, xor_address};

/// A channel's header: number and length.
pub(in crate::turn) const CHANNEL_HEAD_BYTES: usize = 4;

impl Engine {
    pub(super) fn channel_data<'a>(&mut self, now: Now, client: Client, bytes: &'a [u8]) -> TurnOutput<'a> {
        let Some((head, rest)) = bytes.split_first_chunk::<CHANNEL_HEAD_BYTES>() else { return TurnOutput::Nothing };
        let number = u16::from_be_bytes([head[0], head[1]]);
        // Padding may follow (§12.5).
        let Some(payload) = rest.get(..usize::from(u16::from_be_bytes([head[2], head[3]]))) else {
            return TurnOutput::Nothing;
        };
        if !CHANNELS.contains(&number) {
            return TurnOutput::Nothing;
        }
        let Some((_, allocation)) = self.allocation(now, client) else { return TurnOutput::Nothing };
        let Some(peer) = allocation.peer_of(now.ms, number) else { return TurnOutput::Nothing };
        let sender = allocation.sender();
        self.relay(now, sender, peer, payload)
    }

    pub(super) fn send_indication<'a>(&mut self, now: Now, client: Client, message: &Message<'a>) -> TurnOutput<'a> {
        let Some((_, allocation)) = self.allocation(now, client) else { return TurnOutput::Nothing };
        let (Some(Some(peer)), Some(payload)) = (message.peers().next(), message.get(attr::DATA)) else {
            return TurnOutput::Nothing;
        };
        let may = allocation.lets_in(now.ms, peer.ip())
            && same_family(allocation.relayed, peer.ip())
            && self.filter.passes(peer)
            && unknown(message).is_none();
        if !may {
            return TurnOutput::Nothing;
        }
        let sender = allocation.sender();
        self.relay(now, sender, peer, payload)
    }

    /// A datagram that arrived at a relayed port.
    pub fn peer_sent<'a>(&mut self, now: Now, relay: RelayPort, from: SocketAddr, payload: &'a [u8]) -> TurnOutput<'a> {
        let may = self.filter.passes(from) && (self.relayed_by(from).is_some() || self.is_elsewhere(from));
        if may { self.deliver(now, relay, from, payload) } else { TurnOutput::Nothing }
    }

    /// The relayed port of ours that an address is, if somebody has it.
    fn relayed_by(&self, address: SocketAddr) -> Option<RelayPort> {
        let relay = RelayPort { ipv6: address.is_ipv6(), port: address.port() };
        let ours = Some(address.ip()) == self.public_ip(relay.ipv6) && self.by_relay.contains_key(&relay);
        ours.then_some(relay)
    }

    /// Whether an address is none of ours, or the operator opened ours: at a port of this machine that nobody here
    /// has, some other program may listen.
    fn is_elsewhere(&self, address: SocketAddr) -> bool {
        !self.filter.is_relay(address.ip()) || self.filter.reaches(address.ip())
    }

    /// Whether an address is the server's peer of a check before the call, here or at another server of the house.
    pub(super) fn is_echo(&self, now: Now, address: SocketAddr) -> bool {
        let index = self.relayed_by(address).and_then(|relay| self.by_relay.get(&relay));
        let allocation = index.and_then(|index| self.allocations.get(*index)?.as_ref());
        match allocation {
            Some(allocation) => allocation.scope == TurnScope::Echo,
            None => self.orders.is_echo(now.ms, address),
        }
    }

    /// From a relayed address to a peer, which may be a relayed address of this same server.
    fn relay<'a>(&mut self, now: Now, sender: Sender, to: SocketAddr, payload: &'a [u8]) -> TurnOutput<'a> {
        let Sender { relay, from, user, scope } = sender;
        let may = scope != TurnScope::Check || self.is_echo(now, to);
        if !may || !self.users.take(now.ms, user, payload.len()) {
            return TurnOutput::Nothing;
        }
        match self.relayed_by(to) {
            Some(other) => self.deliver(now, other, from, payload),
            None if self.is_elsewhere(to) => TurnOutput::ToPeer { relay, to, payload },
            None => TurnOutput::Nothing,
        }
    }

    /// To the client of an allocation, if it let the sender in.
    fn deliver<'a>(&mut self, now: Now, relay: RelayPort, from: SocketAddr, payload: &'a [u8]) -> TurnOutput<'a> {
        let allocation = self.by_relay.get(&relay).and_then(|index| self.allocations.get(*index)?.as_ref());
        let Some(allocation) = allocation.filter(|a| a.until_ms > now.ms && a.lets_in(now.ms, from.ip())) else {
            return TurnOutput::Nothing;
        };
        if allocation.scope == TurnScope::Check && !self.is_echo(now, from) {
            return TurnOutput::Nothing;
        }
        if !self.users.take(now.ms, allocation.user, payload.len()) {
            return TurnOutput::Nothing;
        }
        let Ok(len) = u16::try_from(payload.len()) else { return TurnOutput::Nothing };
        let client = allocation.client;
        let to_words = usize::from(len).next_multiple_of(4) - usize::from(len);
        match allocation.channel_of(now.ms, from) {
            Some(number) => {
                // Over UDP padding is not needed, and none is sent (§12.5).
                let padding = if client.is_stream() { to_words } else { 0 };
                TurnOutput::ToClient { client, head: channel_head(number, len), payload, padding }
            }
            None => match data_head(self.random.random(), from, len, to_words) {
                Some(head) => TurnOutput::ToClient { client, head, payload, padding: to_words },
                None => TurnOutput::Nothing,
            },
        }
    }
}

fn channel_head(number: u16, len: u16) -> PayloadHead {
    let mut bytes = [0; 48];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    bytes[2..4].copy_from_slice(&len.to_be_bytes());
    PayloadHead { bytes, len: CHANNEL_HEAD_BYTES }
}

/// A Data indication up to its data: header, XOR-PEER-ADDRESS, and the head of DATA. `None` if it were too long.
fn data_head(transaction: [u8; 12], from: SocketAddr, len: u16, padding: usize) -> Option<PayloadHead> {
    let (address, address_len) = xor_address(from, transaction);
    let body = 4 + address_len + 4 + usize::from(len) + padding;
    let mut bytes = [0; 48];
    bytes[..2].copy_from_slice(&message_type(Method::Data, Class::Indication).to_be_bytes());
    bytes[2..4].copy_from_slice(&u16::try_from(body).ok()?.to_be_bytes());
    bytes[4..8].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    bytes[8..HEADER_BYTES].copy_from_slice(&transaction);
    let mut at = HEADER_BYTES;
    bytes[at..at + 2].copy_from_slice(&attr::XOR_PEER_ADDRESS.to_be_bytes());
    bytes[at + 3] = u8::try_from(address_len).ok()?;
    bytes[at + 4..at + 4 + address_len].copy_from_slice(&address[..address_len]);
    at += 4 + address_len;
    bytes[at..at + 2].copy_from_slice(&attr::DATA.to_be_bytes());
    bytes[at + 2..at + 4].copy_from_slice(&len.to_be_bytes());
    Some(PayloadHead { bytes, len: at + 4 })
}
