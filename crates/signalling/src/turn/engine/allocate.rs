//! Allocate (RFC 8656 §7): the checks in the RFC's order, then a port that is really free.

use std::net::SocketAddr;

use rand::RngExt as _;

use super::allocation::{Allocation, Granted};
use super::auth::TurnRequest;
use super::{Client, Engine, Now, RelayPort, TurnOutput};
use crate::turn::stun::code::{self, Code};
use crate::turn::stun::{Class, Key, Message, Method, StunWriter, attr};

/// How often a free port is tried before the answer is 508.
const BIND_TRIES_MAX: u32 = 64;
/// How long a reserved port waits for its allocation (RFC 8656 §7.2).
const RESERVATION_MS: u64 = 30_000;
/// Ports that wait at once.
const RESERVATIONS_MAX: usize = 64;
/// UDP in REQUESTED-TRANSPORT.
const UDP: u8 = 17;

/// A port that is kept for the second of a pair.
#[derive(Debug)]
pub(super) struct Reserved {
    relay: RelayPort,
    pub(super) username: String,
    until_ms: u64,
}

/// The wish for a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Any,
    Even,
    /// An even one, and the next one reserved.
    Pair,
}

/// An allocation whose port is being opened.
#[derive(Debug)]
pub(super) struct Pending {
    client: Client,
    username: String,
    key: Key,
    transaction: [u8; 12],
    fingerprint: bool,
    /// ADDITIONAL-ADDRESS-FAMILY was there and is not granted.
    additional: bool,
    lifetime_s: u32,
    wish: Wish,
    /// The port in question.
    relay: RelayPort,
    /// The even port of a pair, open already.
    first: Option<RelayPort>,
    offset: u32,
    tries: u32,
}

/// The wishes of a request.
#[derive(Debug)]
struct Wishes {
    ipv6: Option<bool>,
    wish: Wish,
    /// A reserved port.
    token: Option<[u8; 8]>,
}

/// The checks that need no state: which family and port.
fn wishes(message: &Message<'_>) -> Result<Wishes, Code> {
    let transport = message.get(attr::REQUESTED_TRANSPORT).filter(|t| t.len() == 4).ok_or(code::BAD_REQUEST)?;
    if transport.first() != Some(&UDP) {
        return Err(code::UNSUPPORTED_TRANSPORT);
    }
    let additional = message.get(attr::ADDITIONAL_ADDRESS_FAMILY);
    let ipv6 = match message.get(attr::REQUESTED_ADDRESS_FAMILY).map(|f| f.first().copied()) {
        None => None,
        Some(Some(1)) => Some(false),
        Some(Some(2)) => Some(true),
        Some(_) => return Err(code::ADDRESS_FAMILY_NOT_SUPPORTED),
    };
    let wish = match message.get(attr::EVEN_PORT).map(|e| e.first().copied()) {
        None => Wish::Any,
        Some(Some(bits)) if bits & 0x80 != 0 => Wish::Pair,
        Some(Some(_)) => Wish::Even,
        Some(None) => return Err(code::BAD_REQUEST),
    };
    let token = match message.get(attr::RESERVATION_TOKEN) {
        None => None,
        Some(token) => Some(<[u8; 8]>::try_from(token).map_err(|_| code::BAD_REQUEST)?),
    };
    let contradiction = (token.is_some() && (wish != Wish::Any || ipv6.is_some() || additional.is_some()))
        || (additional.is_some() && (ipv6.is_some() || wish == Wish::Pair))
        || additional.is_some_and(|a| a.first() != Some(&2));
    if contradiction { Err(code::BAD_REQUEST) } else { Ok(Wishes { ipv6, wish, token }) }
}

impl Engine {
    pub(super) fn allocate(
        &mut self,
        now: Now,
        request: &TurnRequest<'_, '_>,
        answer: &mut Vec<u8>,
    ) -> TurnOutput<'static> {
        if let Some((_, standing)) = self.allocation(now, request.client) {
            // A request that was sent again gets its answer again; any other has no place here.
            if standing.transaction != request.message.transaction || standing.username != request.username {
                return request.refuse(code::ALLOCATION_MISMATCH, answer);
            }
            let additional = request.message.get(attr::ADDITIONAL_ADDRESS_FAMILY).is_some();
            write_success(standing, request.message.fingerprint, additional, &request.key, answer);
            return TurnOutput::Answer;
        }
        // One that has run out but was not swept yet must not stand in the way.
        self.gone(request.client);
        match self.begin(now, request) {
            Ok(mut pending) => match pending.first.take() {
                // A reserved port is open already.
                Some(relay) => self.complete(now, Pending { relay, ..pending }, None, answer),
                None => self.try_next(pending, answer),
            },
            Err(code) => request.refuse(code, answer),
        }
    }

    fn begin(&mut self, now: Now, request: &TurnRequest<'_, '_>) -> Result<Pending, Code> {
        let Wishes { ipv6, wish, token } = wishes(request.message)?;
        let mut first = None;
        if let Some(token) = token {
            let reserved = self.reserved.get(&token).filter(|r| r.until_ms > now.ms && r.username == request.username);
            first = Some(reserved.ok_or(code::INSUFFICIENT_CAPACITY)?.relay);
            self.reserved.remove(&token);
            self.users.let_go(request.username);
        }
        let ipv6 = ipv6.unwrap_or(self.public_ipv4.is_none());
        if self.public_ip(ipv6).is_none() {
            return Err(code::ADDRESS_FAMILY_NOT_SUPPORTED);
        }
        let more = if wish == Wish::Pair { 2 } else { 1 };
        if self.users.ports_of(request.username) + more > self.limits.allocations_per_user_max {
            return Err(code::ALLOCATION_QUOTA_REACHED);
        }
        if wish == Wish::Pair && self.reserved.len() >= RESERVATIONS_MAX {
            return Err(code::INSUFFICIENT_CAPACITY);
        }
        Ok(Pending {
            client: request.client,
            username: request.username.to_owned(),
            key: request.key.clone(),
            transaction: request.message.transaction,
            fingerprint: request.message.fingerprint,
            additional: request.message.get(attr::ADDITIONAL_ADDRESS_FAMILY).is_some(),
            lifetime_s: self.granted_s(request.message.number(attr::LIFETIME)),
            wish,
            relay: RelayPort { ipv6, port: 0 },
            first,
            offset: self.random.random(),
            tries: 0,
        })
    }

    /// Asks for the next port of the range that nobody here has, beginning at a random place.
    fn try_next(&mut self, mut pending: Pending, answer: &mut Vec<u8>) -> TurnOutput<'static> {
        let (first, last) = self.relay_ports;
        let count = u32::from(last - first) + 1;
        let steps = if pending.tries < BIND_TRIES_MAX { count } else { 0 };
        for _ in 0..steps {
            pending.offset = (pending.offset % count) + 1;
            let port = u16::try_from(u32::from(first) + pending.offset % count).unwrap_or(first);
            let fits = pending.wish == Wish::Any || port % 2 == 0;
            let relay = RelayPort { port, ..pending.relay };
            let free = |port| self.is_free(RelayPort { port, ..relay });
            if fits && free(port) && (pending.wish != Wish::Pair || (port < last && free(port + 1))) {
                pending.tries += 1;
                pending.relay = relay;
                self.pending = Some(pending);
                return TurnOutput::Bind(relay);
            }
        }
        let mut writer = StunWriter::new(answer, Method::Allocate, Class::Error, pending.transaction);
        writer.error(code::INSUFFICIENT_CAPACITY);
        writer.finish(Some(&pending.key), pending.fingerprint);
        TurnOutput::Answer
    }

    /// How the opening of a port went that [`TurnOutput::Bind`] asked for.
    pub fn bound(&mut self, now: Now, opened: bool, answer: &mut Vec<u8>) -> TurnOutput<'static> {
        let Some(mut pending) = self.pending.take() else { return TurnOutput::Nothing };
        match (opened, pending.first, pending.wish) {
            (false, Some(even), _) => {
                self.released.push(even);
                pending.first = None;
                self.try_next(pending, answer)
            }
            (false, None, _) => self.try_next(pending, answer),
            (true, None, Wish::Pair) => {
                pending.first = Some(pending.relay);
                pending.relay.port += 1;
                let next = pending.relay;
                self.pending = Some(pending);
                TurnOutput::Bind(next)
            }
            (true, Some(even), _) => {
                let odd = pending.relay;
                self.complete(now, Pending { relay: even, ..pending }, Some(odd), answer)
            }
            (true, None, _) => self.complete(now, pending, None, answer),
        }
    }

    fn complete(
        &mut self,
        now: Now,
        pending: Pending,
        odd: Option<RelayPort>,
        answer: &mut Vec<u8>,
    ) -> TurnOutput<'static> {
        // Its family was checked before a port was asked for.
        let Some(ip) = self.public_ip(pending.relay.ipv6) else { return TurnOutput::Nothing };
        let reservation = odd.map(|relay| {
            let token: [u8; 8] = self.random.random();
            let username = pending.username.clone();
            self.users.hold(now.ms, &username);
            self.reserved.insert(token, Reserved { relay, username, until_ms: now.ms + RESERVATION_MS });
            token
        });
        let user = self.users.hold(now.ms, &pending.username);
        let granted = Granted {
            user,
            client: pending.client,
            username: pending.username,
            relay: pending.relay,
            relayed: SocketAddr::new(ip, pending.relay.port),
            transaction: pending.transaction,
            lifetime_s: pending.lifetime_s,
            reservation,
        };
        let allocation = Allocation::new(now.ms, granted);
        write_success(&allocation, pending.fingerprint, pending.additional, &pending.key, answer);
        let index = self.allocations.iter().position(Option::is_none).unwrap_or(self.allocations.len());
        self.by_client.insert(allocation.client, index);
        self.by_relay.insert(allocation.relay, index);
        if index == self.allocations.len() {
            self.allocations.push(Some(allocation));
        } else {
            self.allocations[index] = Some(allocation);
        }
        TurnOutput::Answer
    }

    pub(super) fn sweep_reserved(&mut self, now: Now) {
        let over: Vec<[u8; 8]> =
            self.reserved.iter().filter(|(_, r)| r.until_ms <= now.ms).map(|(token, _)| *token).collect();
        self.give_back(&over);
    }

    /// Reserved ports that nobody comes for.
    pub(super) fn give_back(&mut self, tokens: &[[u8; 8]]) {
        for reserved in tokens.iter().filter_map(|token| self.reserved.remove(token)).collect::<Vec<_>>() {
            self.users.let_go(&reserved.username);
            self.released.push(reserved.relay);
        }
    }

    fn is_free(&self, relay: RelayPort) -> bool {
        !self.by_relay.contains_key(&relay) && !self.reserved.values().any(|r| r.relay == relay)
    }
}

/// The good answer (RFC 8656 §7.3).
fn write_success(allocation: &Allocation, fingerprint: bool, additional: bool, key: &Key, answer: &mut Vec<u8>) {
    let mut writer = StunWriter::new(answer, Method::Allocate, Class::Success, allocation.transaction);
    let remote = allocation.client.remote();
    writer.address(attr::XOR_RELAYED_ADDRESS, allocation.relayed);
    writer.number(attr::LIFETIME, allocation.lifetime_s);
    if let Some(token) = allocation.reservation {
        writer.attribute(attr::RESERVATION_TOKEN, &token);
    }
    if additional {
        // One allocation has one address here; the RFC lets the answer say so (§7.2), and which family it lacks (§18.13).
        let lacking = if allocation.relayed.is_ipv6() { 1 } else { 2 };
        writer.attribute(attr::ADDRESS_ERROR_CODE, &[lacking, 0, 4, 40]);
    }
    writer.address(attr::XOR_MAPPED_ADDRESS, (remote.ip().to_canonical(), remote.port()).into());
    writer.finish(Some(key), fingerprint);
}
