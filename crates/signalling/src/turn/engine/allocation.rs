//! One allocation: its owner, its permissions and its channels.

use std::net::{IpAddr, SocketAddr};

use super::{Client, RelayPort};
use crate::turn::credentials::{TurnScope, TurnUser};

/// How long a permission lasts (RFC 8656 §9).
pub const PERMISSION_MS: u64 = 300_000;
/// How long a channel stays bound (RFC 8656 §12).
pub const CHANNEL_MS: u64 = 600_000;
/// The channel numbers. RFC 8656 §12 keeps those from 0x5000 back; clients of RFC 5766 §11 use them, coturn's and
/// browsers' among them.
pub(super) const CHANNELS: std::ops::RangeInclusive<u16> = 0x4000..=0x7fff;

/// Why no channel was bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindError {
    /// The number or the peer is bound otherwise.
    Taken,
    /// There are as many as there may be.
    Full,
}

#[derive(Debug)]
struct Permission {
    address: IpAddr,
    until_ms: u64,
}

#[derive(Debug)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    until_ms: u64,
}

/// An allocation as the sender of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    pub(super) relay: RelayPort,
    /// Its relayed address.
    pub(super) from: SocketAddr,
    pub(super) user: usize,
    pub(super) scope: TurnScope,
}

/// An allocation (RFC 8656 §6).
#[derive(Debug)]
pub(super) struct Allocation {
    pub(super) client: Client,
    pub(super) username: String,
    /// Their place among the users.
    pub(super) user: usize,
    /// The credential's reach.
    pub(super) scope: TurnScope,
    pub(super) relay: RelayPort,
    /// The relayed address as peers see it.
    pub(super) relayed: SocketAddr,
    pub(super) until_ms: u64,
    /// The request that made it, and what it was granted: a repeated request gets the same answer.
    pub(super) transaction: [u8; 12],
    pub(super) lifetime_s: u32,
    pub(super) reservation: Option<[u8; 8]>,
    permissions: Vec<Permission>,
    channels: Vec<Channel>,
}

/// The terms that an allocation begins with.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) client: Client,
    pub(super) username: String,
    pub(super) user: usize,
    pub(super) relay: RelayPort,
    pub(super) relayed: SocketAddr,
    pub(super) transaction: [u8; 12],
    pub(super) lifetime_s: u32,
    pub(super) reservation: Option<[u8; 8]>,
}

impl Allocation {
    pub(super) fn new(now_ms: u64, granted: Granted) -> Self {
        let Granted { client, username, user, relay, relayed, transaction, lifetime_s, reservation } = granted;
        Self {
            scope: TurnUser::of(&username).scope,
            client,
            username,
            user,
            relay,
            relayed,
            until_ms: now_ms + u64::from(lifetime_s) * 1000,
            transaction,
            lifetime_s,
            reservation,
            permissions: Vec::new(),
            channels: Vec::new(),
        }
    }

    /// The sender of what its client relays.
    pub(super) fn sender(&self) -> Sender {
        Sender { relay: self.relay, from: self.relayed, user: self.user, scope: self.scope }
    }

    /// Whether datagrams of this address come in and may go out.
    pub(super) fn lets_in(&self, now_ms: u64, address: IpAddr) -> bool {
        self.permissions.iter().any(|p| p.address == address && p.until_ms > now_ms)
    }

    /// How many more addresses than now these would be; those that have run out are forgotten first.
    pub(super) fn room_for(&mut self, now_ms: u64, addresses: &[IpAddr], max: usize) -> bool {
        self.permissions.retain(|p| p.until_ms > now_ms);
        let known = |a: &IpAddr| self.permissions.iter().any(|p| p.address == *a);
        self.permissions.len() + addresses.iter().filter(|a| !known(a)).count() <= max
    }

    /// Lets an address in for five minutes.
    pub(super) fn permit(&mut self, now_ms: u64, address: IpAddr) {
        let until_ms = now_ms + PERMISSION_MS;
        match self.permissions.iter_mut().find(|p| p.address == address) {
            Some(standing) => standing.until_ms = until_ms,
            None => self.permissions.push(Permission { address, until_ms }),
        }
    }

    /// Binds a channel, or binds it for longer (RFC 8656 §12.2).
    pub(super) fn bind(&mut self, now_ms: u64, number: u16, peer: SocketAddr, max: usize) -> Result<(), BindError> {
        self.channels.retain(|c| c.until_ms > now_ms);
        let (until_ms, count) = (now_ms + CHANNEL_MS, self.channels.len());
        match self.channels.iter_mut().find(|c| c.number == number || c.peer == peer) {
            Some(standing) if standing.number == number && standing.peer == peer => standing.until_ms = until_ms,
            Some(_) => return Err(BindError::Taken),
            None if count >= max => return Err(BindError::Full),
            None => self.channels.push(Channel { number, peer, until_ms }),
        }
        Ok(())
    }

    /// The peer that a channel leads to.
    pub(super) fn peer_of(&self, now_ms: u64, number: u16) -> Option<SocketAddr> {
        self.channels.iter().find(|c| c.number == number && c.until_ms > now_ms).map(|c| c.peer)
    }

    /// The channel that leads to a peer.
    pub(super) fn channel_of(&self, now_ms: u64, peer: SocketAddr) -> Option<u16> {
        self.channels.iter().find(|c| c.peer == peer && c.until_ms > now_ms).map(|c| c.number)
    }
}
