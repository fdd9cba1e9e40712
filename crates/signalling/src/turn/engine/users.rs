//! The users: how many ports each holds, how much they may still send, and whose credentials are over.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;

use super::{Engine, Now};
use crate::turn::control::TurnOrder;
use crate::turn::credentials::TurnUser;

/// Endings that are remembered; a credential that is forgotten to be over has long run out.
const ENDINGS_MAX: usize = 16_384;
/// For how long the peer of a check at another server is one.
const ECHO_MS: u64 = 60_000;

/// One user's part of the server.
#[derive(Debug)]
pub(super) struct TurnUsage {
    name: String,
    /// Allocations and reservations.
    ports: usize,
    /// Thousandths of a byte that may pass now.
    left: u64,
    at_ms: u64,
}

/// The users, by their place.
#[derive(Debug)]
pub(super) struct Users {
    places: Vec<Option<TurnUsage>>,
    by_name: HashMap<String, usize>,
    per_s: u64,
    burst: u64,
}

impl Users {
    pub(super) fn new(bytes_per_s: u64, burst_bytes: u64) -> Self {
        let (places, by_name) = (Vec::new(), HashMap::new());
        Self { places, by_name, per_s: bytes_per_s, burst: burst_bytes.saturating_mul(1000) }
    }

    /// How many ports a user has; one name has one quota, whichever credential and transport it uses.
    pub(super) fn ports_of(&self, username: &str) -> usize {
        let place = self.by_name.get(TurnUser::of(username).name);
        place.and_then(|place| self.places.get(*place)?.as_ref()).map_or(0, |user| user.ports)
    }

    /// One port more; the user's place.
    pub(super) fn hold(&mut self, now_ms: u64, username: &str) -> usize {
        let name = TurnUser::of(username).name;
        let place = self.by_name.get(name).copied().unwrap_or_else(|| {
            let place = self.places.iter().position(Option::is_none).unwrap_or(self.places.len());
            if place == self.places.len() {
                self.places.push(None);
            }
            self.places[place] = Some(TurnUsage { name: name.to_owned(), ports: 0, left: self.burst, at_ms: now_ms });
            self.by_name.insert(name.to_owned(), place);
            place
        });
        if let Some(user) = &mut self.places[place] {
            user.ports += 1;
        }
        place
    }

    pub(super) fn let_go(&mut self, username: &str) {
        let place = self.by_name.get(TurnUser::of(username).name).copied();
        if let Some(user) = place.and_then(|place| self.places.get_mut(place)?.as_mut()) {
            user.ports = user.ports.saturating_sub(1);
        }
    }

    /// Whether so many bytes of a user may pass now.
    pub(super) fn take(&mut self, now_ms: u64, place: usize, bytes: usize) -> bool {
        let Some(user) = self.places.get_mut(place).and_then(Option::as_mut) else { return false };
        let gained = now_ms.saturating_sub(user.at_ms).saturating_mul(self.per_s);
        user.left = user.left.saturating_add(gained).min(self.burst);
        user.at_ms = now_ms;
        let Some(left) = user.left.checked_sub(bytes as u64 * 1000) else { return false };
        user.left = left;
        true
    }

    /// Forgets users that hold nothing and have their full rate again: they would begin with no more if they came back.
    pub(super) fn sweep(&mut self, now_ms: u64) {
        for place in &mut self.places {
            let gone = place.take_if(|user| {
                let gained = now_ms.saturating_sub(user.at_ms).saturating_mul(self.per_s);
                user.ports == 0 && user.left.saturating_add(gained) >= self.burst
            });
            if let Some(gone) = gone {
                self.by_name.remove(&gone.name);
            }
        }
    }
}

/// The credentials that are over, and the peers of checks at other servers.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// Until when what was issued to a user is over, milliseconds since 1970.
    users: HashMap<String, i64>,
    tickets: HashSet<String>,
    oldest: VecDeque<TurnOrder>,
    echoes: HashMap<SocketAddr, u64>,
}

impl Orders {
    pub(super) fn is_over(&self, username: &str) -> bool {
        let user = TurnUser::of(username);
        self.users.get(user.name).is_some_and(|until_ms| user.issued_ms <= *until_ms)
            || self.tickets.contains(user.ticket)
    }

    pub(super) fn is_echo(&self, now_ms: u64, at: SocketAddr) -> bool {
        self.echoes.get(&at).is_some_and(|until_ms| *until_ms > now_ms)
    }

    pub(super) fn has_echo_at(&self, now_ms: u64, ip: std::net::IpAddr) -> bool {
        self.echoes.iter().any(|(at, until_ms)| at.ip() == ip && *until_ms > now_ms)
    }

    fn take(&mut self, now_ms: u64, order: TurnOrder) {
        match &order {
            TurnOrder::EndUser { name, until_ms } => {
                let until = self.users.entry(name.clone()).or_insert(*until_ms);
                *until = (*until).max(*until_ms);
            }
            TurnOrder::EndTicket { ticket } => {
                self.tickets.insert(ticket.clone());
            }
            TurnOrder::Echo { at, .. } => {
                self.echoes.retain(|_, until_ms| *until_ms > now_ms);
                self.echoes.insert(*at, now_ms + ECHO_MS);
                return;
            }
        }
        self.oldest.push_back(order);
        if self.oldest.len() > ENDINGS_MAX {
            match self.oldest.pop_front() {
                Some(TurnOrder::EndUser { name, until_ms }) if self.users.get(&name) == Some(&until_ms) => {
                    self.users.remove(&name);
                }
                Some(TurnOrder::EndTicket { ticket }) => {
                    self.tickets.remove(&ticket);
                }
                _ => {}
            }
        }
    }
}

impl Engine {
    /// Obeys an order of the rooms: what a credential that is over has opened is closed.
    pub fn obey(&mut self, now: Now, order: TurnOrder) {
        self.orders.take(now.ms, order);
        for index in 0..self.allocations.len() {
            if self.allocations[index].as_ref().is_some_and(|a| self.orders.is_over(&a.username)) {
                self.release(index);
            }
        }
        let over: Vec<[u8; 8]> =
            self.reserved.iter().filter(|(_, r)| self.orders.is_over(&r.username)).map(|(t, _)| *t).collect();
        self.give_back(&over);
    }
}
