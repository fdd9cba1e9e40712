//! A throttle per network address for what may be guessed: passwords, PINs, links, tickets.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::problem::{Problem, TOO_MANY};

/// Above this many remembered addresses the idle ones are forgotten, and where that is not enough strangers share.
const ADDRESSES_REMEMBERED_MAX: usize = 20_000;
/// Among how many places strangers are spread then.
const SHARED_MAX: u64 = 1024;
/// How often the idle ones are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(10);

/// Allows `burst` tries at once and one more each `60 / per_minute` seconds, by address.
#[derive(Clone)]
pub struct Throttle {
    limiter: Arc<DefaultKeyedRateLimiter<Key>>,
    /// When the idle addresses were forgotten last, and whether there are too many all the same.
    forgotten: Arc<Mutex<(Option<Instant>, bool)>>,
}

/// Whose tries are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Network(IpAddr),
    /// One of [`SHARED_MAX`] places of those who came when there were too many others.
    Shared(u64),
}

impl std::fmt::Debug for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Throttle({} addresses)", self.limiter.len())
    }
}

impl Throttle {
    /// A throttle with its own memory of addresses.
    pub fn new(per_minute: NonZeroU32, burst: NonZeroU32) -> Self {
        let limiter = RateLimiter::keyed(Quota::per_minute(per_minute).allow_burst(burst));
        Self { limiter: Arc::new(limiter), forgotten: Arc::default() }
    }

    /// Counts one try from `address`, or says when the next is allowed.
    pub fn check(&self, address: IpAddr) -> Result<(), Problem> {
        let network = client_network(address);
        let key = if self.is_full() { shared(network) } else { Key::Network(network) };
        self.limiter.check_key(&key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Problem::new(&TOO_MANY).retry_after(wait.as_secs() + 1)
        })
    }

    /// Whether there are too many addresses although the idle ones were forgotten; that is done only now and then, because
    /// it looks at all of them.
    fn is_full(&self) -> bool {
        if self.limiter.len() <= ADDRESSES_REMEMBERED_MAX {
            return false;
        }
        let mut forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        if forgotten.0.is_none_or(|at| at.elapsed() >= FORGET_EVERY) {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
            *forgotten = (Some(Instant::now()), self.limiter.len() > ADDRESSES_REMEMBERED_MAX);
        }
        forgotten.1
    }
}

/// The place of a stranger among others.
fn shared(network: IpAddr) -> Key {
    let mut hasher = DefaultHasher::new();
    network.hash(&mut hasher);
    Key::Shared(hasher.finish() % SHARED_MAX)
}

/// The network that one subscriber holds: an IPv4 address, or the /64 of an IPv6 one (RFC 6177).
pub fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let s = v6.segments();
            IpAddr::V6(Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn one_try_beyond_the_burst_is_told_when_to_come_back() {
        let throttle = Throttle::new(NonZeroU32::new(6).unwrap(), NonZeroU32::new(3).unwrap());
        let address: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::ffff".parse().unwrap();
        for _ in 0..3 {
            throttle.check(address).unwrap();
        }
        assert_eq!(throttle.check(neighbour).unwrap_err().status().as_u16(), 429, "same /64");
        throttle.check("2001:db8:0:1::1".parse().unwrap()).unwrap();
    }

    #[test]
    fn however_many_strangers_come_their_memory_is_bounded() {
        let throttle = Throttle::new(NonZeroU32::new(1).unwrap(), NonZeroU32::new(1).unwrap());
        let strangers = u32::try_from(3 * ADDRESSES_REMEMBERED_MAX).unwrap();
        let refused =
            (0..strangers).filter(|n| throttle.check(Ipv4Addr::from(0x0A00_0000 + n).into()).is_err()).count();
        let most = ADDRESSES_REMEMBERED_MAX + 1 + usize::try_from(SHARED_MAX).unwrap();
        assert!(throttle.limiter.len() <= most, "{} remembered", throttle.limiter.len());
        assert!(refused > ADDRESSES_REMEMBERED_MAX, "those beyond share: {refused} refused");
    }
}
