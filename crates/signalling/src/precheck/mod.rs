//! The check before the visit: camera and microphone as the browser found them, and the way of media
//! tried for real against a peer on this server.
//!
//! The browser makes one peer connection for each way through TURN (UDP, TCP, TLS) and one without, each
//! with a data channel that is unordered and never repeats (RFC 8831 §6.1), and sends its offer here.
//! The server's peer echoes what comes; the browser measures round trips and loss and says `precheck`
//! over its signalling connection. [`report`] judges that; both sides see it.
//!
//! The server's peer has relay candidates only. A client that names candidates in an offer names where this server
//! sends connectivity checks to; through TURN those are refused by its peer filter like anybody's.

mod api;
mod peer;
pub mod report;
mod runtime;
pub(crate) mod store;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(crate) use api::{__path_precheck, precheck};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::id::PersonId;
use crate::turn::Credentials;

/// Bounds of pre-call checks.
#[derive(Clone, Debug)]
pub struct PrecheckLimits {
    /// Checks under way in one process; each is a peer connection and an allocation on the TURN server.
    pub checks_max: usize,
    /// Checks under way of one ticket: UDP, TCP, TLS, and without TURN.
    pub checks_per_ticket_max: usize,
    /// Checks under way of one person, by all their tickets: two devices at a time.
    pub checks_per_person_max: usize,
    /// How long one check may take, ms.
    pub lifetime_ms_max: u64,
    /// How long the server's peer may take to find its relay address, ms.
    pub gather_wait_ms_max: u64,
    /// An offer's length, bytes.
    pub sdp_bytes_max: usize,
    /// Messages echoed in one check.
    pub messages_max: u32,
    /// The length of a message that is echoed, bytes.
    pub message_bytes_max: usize,
}

impl Default for PrecheckLimits {
    fn default() -> Self {
        Self {
            checks_max: 32,
            checks_per_ticket_max: 4,
            checks_per_person_max: 8,
            lifetime_ms_max: 30_000,
            gather_wait_ms_max: 3_000,
            sdp_bytes_max: 16 * 1024,
            messages_max: 1_000,
            message_bytes_max: 1_200,
        }
    }
}

/// Where the server's peer allocates its relay address, and with what.
#[derive(Clone, Debug)]
pub struct PrecheckRelay {
    /// `turn:host:port?transport=udp`.
    pub url: String,
    /// Where that is, when it is known by address.
    pub address: Option<SocketAddr>,
    /// The credentials that open it.
    pub credentials: Credentials,
}

impl PrecheckRelay {
    /// The embedded server, reached from within: over loopback when it listens on every address.
    pub fn embedded(listen: SocketAddr, credentials: Credentials) -> Self {
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        let address = SocketAddr::new(ip, listen.port());
        Self { url: format!("turn:{address}?transport=udp"), address: Some(address), credentials }
    }

    /// The first of the operator's servers that takes UDP: the way from this server is not a firewall's.
    pub fn external(urls: &[String], credentials: Credentials) -> Option<Self> {
        let url = urls.iter().find(|u| u.starts_with("turn:") && !u.contains("transport=tcp"))?;
        Some(Self { url: url.clone(), address: None, credentials })
    }
}

/// The checks under way in this process.
#[derive(Debug)]
pub(crate) struct Prechecks {
    limits: PrecheckLimits,
    relay: Option<PrecheckRelay>,
    places: Arc<Semaphore>,
    under_way: Arc<Mutex<UnderWay>>,
}

/// How many checks are under way of each ticket and of each person.
#[derive(Debug, Default)]
struct UnderWay {
    tickets: HashMap<Uuid, usize>,
    people: HashMap<PersonId, usize>,
}

/// A check that may go on.
struct CheckSlot {
    _permit: OwnedSemaphorePermit,
    ticket: Uuid,
    person: PersonId,
    under_way: Arc<Mutex<UnderWay>>,
}

/// Why no check can be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoCheckSlot {
    /// This ticket, or this person, has as many under way as they may.
    Own,
    /// The process has.
    Process,
}

impl Prechecks {
    pub(crate) fn new(limits: PrecheckLimits, relay: Option<PrecheckRelay>) -> Self {
        let places = Arc::new(Semaphore::new(limits.checks_max));
        Self { limits, relay, places, under_way: Arc::default() }
    }

    fn place(&self, ticket: Uuid, person: PersonId) -> Result<CheckSlot, NoCheckSlot> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let UnderWay { tickets, people } = &mut *under_way;
        let of_ticket = tickets.get(&ticket).copied().unwrap_or(0);
        let of_person = people.get(&person).copied().unwrap_or(0);
        if of_ticket >= self.limits.checks_per_ticket_max || of_person >= self.limits.checks_per_person_max {
            return Err(NoCheckSlot::Own);
        }
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| NoCheckSlot::Process)?;
        *tickets.entry(ticket).or_default() += 1;
        *people.entry(person).or_default() += 1;
        Ok(CheckSlot { _permit: permit, ticket, person, under_way: Arc::clone(&self.under_way) })
    }

    fn lifetime(&self) -> Duration {
        Duration::from_millis(self.limits.lifetime_ms_max)
    }
}

fn one_less<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let Entry::Occupied(mut count) = counts.entry(key) {
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

impl Drop for CheckSlot {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        one_less(&mut under_way.tickets, self.ticket);
        one_less(&mut under_way.people, self.person);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn place(checks: &Prechecks, ticket: u128, person: u128) -> Result<CheckSlot, NoCheckSlot> {
        checks.place(Uuid::from_u128(ticket), PersonId(Uuid::from_u128(person)))
    }

    #[test]
    fn places_are_bounded_for_a_ticket_a_person_and_all_and_come_back() {
        let limits =
            PrecheckLimits { checks_max: 5, checks_per_ticket_max: 2, checks_per_person_max: 3, ..Default::default() };
        let checks = Prechecks::new(limits, None);
        let first = [place(&checks, 1, 1).ok().unwrap(), place(&checks, 1, 1).ok().unwrap()];
        assert_eq!(place(&checks, 1, 1).err(), Some(NoCheckSlot::Own));
        let other = place(&checks, 2, 1).ok().unwrap();
        assert_eq!(place(&checks, 3, 1).err(), Some(NoCheckSlot::Own), "as many tickets as anybody has");
        let others = [place(&checks, 4, 2).ok().unwrap(), place(&checks, 5, 3).ok().unwrap()];
        assert_eq!(place(&checks, 6, 4).err(), Some(NoCheckSlot::Process));
        drop(first);
        assert!(place(&checks, 1, 1).is_ok());
        drop((other, others));
        let under_way = checks.under_way.lock().unwrap();
        assert!(under_way.tickets.is_empty() && under_way.people.is_empty(), "nobody is remembered");
    }

    #[test]
    fn the_embedded_server_is_reached_from_within() {
        let credentials = crate::Config::new(sanbao_platform::config::Secret("x".to_owned())).credentials();
        for (listen, url) in [
            ("0.0.0.0:3478", "turn:127.0.0.1:3478?transport=udp"),
            ("[::]:3478", "turn:[::1]:3478?transport=udp"),
            ("192.0.2.7:443", "turn:192.0.2.7:443?transport=udp"),
        ] {
            assert_eq!(PrecheckRelay::embedded(listen.parse().unwrap(), credentials.clone()).url, url);
        }
        let urls = ["turns:a:443", "turn:b:3478?transport=tcp", "turn:c:3478?transport=udp"].map(str::to_owned);
        assert_eq!(PrecheckRelay::external(&urls, credentials.clone()).unwrap().url, "turn:c:3478?transport=udp");
        assert!(PrecheckRelay::external(&urls[..2], credentials).is_none());
    }
}
