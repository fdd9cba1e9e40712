//! All connections of a listener: how many there are, and which one makes room.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum_server::accept::Accept;
use futures_util::future::{Ready, ready};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::bounds::Bounds;
use super::socket::Guarded;
use super::watch::Watch;
use crate::auth::client_network;
use crate::telemetry::{HTTP_CONNECTIONS, HTTP_CONNECTIONS_DISPLACED, HTTP_CONNECTIONS_REFUSED};

/// A trouble that lasts is logged this often.
const SAID_EVERY: Duration = Duration::from_secs(10);

/// The connections of a listener; clones share them.
///
/// Where a bound is reached the one that nobody would miss makes room: of those without an open request the one that
/// never asked anything, and has been silent for longest. So a client that holds connections open keeps nobody out.
#[derive(Clone, Debug)]
pub(in crate::http) struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bounds: Bounds,
    open: Mutex<HashMap<SocketAddr, Arc<Watch>>>,
    said: Seldom,
}

/// A place among the connections; given back when it is dropped.
#[derive(Debug)]
pub(super) struct ConnectionPlace {
    connections: Connections,
    peer: SocketAddr,
    watch: Arc<Watch>,
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.connections.leave(self.peer, &self.watch);
    }
}

impl Connections {
    pub(in crate::http) fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared { bounds, open: Mutex::default(), said: Seldom::default() }))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<SocketAddr, Arc<Watch>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state of the connection from `peer`.
    pub(super) fn watch(&self, peer: SocketAddr) -> Option<Arc<Watch>> {
        self.open().get(&peer).map(Arc::clone)
    }

    /// A place for a connection from `peer`; `None` where every other is in use.
    fn enter(&self, peer: SocketAddr) -> Option<ConnectionPlace> {
        let (bounds, network) = (&self.0.bounds, client_network(peer.ip()));
        let mut open = self.open();
        if let Some(most) = bounds.connections_per_address_max {
            let same = |peer: &SocketAddr| client_network(peer.ip()) == network;
            make_room(&mut open, most, same)?;
        }
        make_room(&mut open, bounds.connections_max, |_| true)?;
        let watch = Arc::new(Watch::new(*bounds, Instant::now()));
        open.insert(peer, Arc::clone(&watch));
        metrics::gauge!(HTTP_CONNECTIONS).increment(1.0);
        Some(ConnectionPlace { connections: self.clone(), peer, watch })
    }

    /// Forgets a connection. One that was displaced is forgotten already, and its peer's port may be in use again.
    fn leave(&self, peer: SocketAddr, watch: &Arc<Watch>) {
        let mut open = self.open();
        if open.get(&peer).is_some_and(|known| Arc::ptr_eq(known, watch)) {
            open.remove(&peer);
        }
        metrics::gauge!(HTTP_CONNECTIONS).decrement(1.0);
    }

    /// Tells that no connection can be taken: so many files are open, or there is no memory.
    pub(in crate::http) fn accept_failed(&self, error: &io::Error) {
        if let Some(times) = self.0.said.say(Instant::now()) {
            tracing::warn!(cause = %error, times, "connections cannot be taken");
        }
    }

    fn refused(&self) -> io::Error {
        metrics::counter!(HTTP_CONNECTIONS_REFUSED).increment(1);
        if let Some(times) = self.0.said.say(Instant::now()) {
            tracing::warn!(times, "as many connections as may be are in use: others are refused");
        }
        io::Error::new(io::ErrorKind::ConnectionRefused, "as many connections as may be are in use")
    }
}

/// Sees to it that one more of those like `counts` has room below `most`; `None` where nobody can be displaced.
fn make_room(
    open: &mut HashMap<SocketAddr, Arc<Watch>>,
    most: usize,
    counts: impl Fn(&SocketAddr) -> bool,
) -> Option<()> {
    // Counting one address's needs a look at all only when there are that many at all.
    if open.len() < most || open.keys().filter(|peer| counts(peer)).count() < most {
        return Some(());
    }
    let spare = open.iter().filter(|(peer, _)| counts(peer)).filter_map(|(peer, w)| Some((w.spare()?, *peer)));
    let (_, peer) = spare.min()?;
    if let Some(watch) = open.remove(&peer) {
        watch.displace();
    }
    metrics::counter!(HTTP_CONNECTIONS_DISPLACED).increment(1);
    Some(())
}

/// Gives each new socket its place and its deadlines.
#[derive(Clone, Debug)]
pub(in crate::http) struct Door(pub(in crate::http) Connections);

impl<S> Accept<TcpStream, S> for Door {
    type Stream = Guarded;
    type Service = S;
    type Future = Ready<io::Result<(Guarded, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let guarded = |stream: TcpStream| {
            stream.set_nodelay(true)?;
            let place = self.0.enter(stream.peer_addr()?).ok_or_else(|| self.0.refused())?;
            let watch = Arc::clone(&place.watch);
            Ok((Guarded::new(stream, watch, place), service))
        };
        ready(guarded(stream))
    }
}

/// Says something that may happen a thousand times a second only now and then, with how often it was.
#[derive(Debug, Default)]
struct Seldom {
    last: Mutex<Option<Instant>>,
    times: AtomicU64,
}

impl Seldom {
    /// How often it was since it was said last, if it is to be said now.
    fn say(&self, now: Instant) -> Option<u64> {
        let times = self.times.fetch_add(1, Ordering::Relaxed) + 1;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| now < last + SAID_EVERY) {
            return None;
        }
        *last = Some(now);
        self.times.fetch_sub(times, Ordering::Relaxed);
        Some(times)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::watch::Exchange;
    use super::*;

    fn peer(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn connections(all: usize, each: Option<usize>) -> Connections {
        let bounds = Bounds { connections_max: all, connections_per_address_max: each, ..Bounds::default() };
        Connections::new(bounds)
    }

    #[test]
    fn the_one_that_nobody_would_miss_makes_room() {
        let all = connections(3, None);
        let places: Vec<_> = (1..=3).map(|n| all.enter(peer(&format!("198.51.100.{n}:1"))).unwrap()).collect();
        let busy = Exchange::begin(Arc::clone(&places[0].watch));
        drop(Exchange::begin(Arc::clone(&places[1].watch)));
        let fourth = all.enter(peer("198.51.100.4:1")).unwrap();
        let there = |n: u8| all.watch(peer(&format!("198.51.100.{n}:1"))).is_some();
        assert_eq!([1, 2, 3, 4].map(there), [true, true, false, true], "the one that never asked goes first");
        let upgraded = all.enter(peer("198.51.100.5:1")).unwrap();
        assert!(!there(4), "and of those that asked the others stay");
        upgraded.watch.upgrade();
        let sixth = all.enter(peer("198.51.100.6:1")).unwrap();
        assert!(!there(2));
        let also = Exchange::begin(Arc::clone(&sixth.watch));
        assert!(all.enter(peer("198.51.100.7:1")).is_none(), "all others are in use");
        drop((busy, also, fourth, places));
        assert!(all.enter(peer("198.51.100.7:1")).is_some());
    }

    #[test]
    fn an_address_has_its_own_bound_and_a_network_of_ipv6_is_one() {
        let all = connections(10, Some(2));
        let _first = [all.enter(peer("198.51.100.1:1")).unwrap(), all.enter(peer("[2001:db8::1]:1")).unwrap()];
        let _second = [all.enter(peer("198.51.100.1:2")).unwrap(), all.enter(peer("[2001:db8::2]:1")).unwrap()];
        let _third = [all.enter(peer("198.51.100.1:3")).unwrap(), all.enter(peer("[2001:db8::3]:1")).unwrap()];
        let there = |text: &str| all.watch(peer(text)).is_some();
        assert!(!there("198.51.100.1:1") && there("198.51.100.1:2") && there("198.51.100.1:3"));
        assert!(!there("[2001:db8::1]:1") && there("[2001:db8::2]:1") && there("[2001:db8::3]:1"));
    }

    #[test]
    fn what_happens_all_the_time_is_said_now_and_then() {
        let (seldom, now) = (Seldom::default(), Instant::now());
        assert_eq!(seldom.say(now), Some(1));
        assert_eq!((seldom.say(now), seldom.say(now)), (None, None));
        assert_eq!(seldom.say(now + SAID_EVERY), Some(3));
    }

    /// The log as text.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn that_no_connection_can_be_taken_is_one_warning_and_not_one_each() {
        let (log, all) = (Log::default(), connections(1, None));
        let to = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || to.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..100 {
                // EMFILE: too many open files.
                all.accept_failed(&io::Error::from_raw_os_error(24));
            }
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches("connections cannot be taken").count(), 1, "{text}");
        assert!(text.contains("WARN") && text.contains("open files"), "{text}");
    }
}
