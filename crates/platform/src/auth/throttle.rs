//! A throttle per network address for what may be guessed: passwords, PINs, links, tickets.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::problem::{Problem, TOO_MANY};

/// Above this many remembered addresses the idle ones are forgotten.
const ADDRESSES_REMEMBERED_MAX: usize = 100_000;

/// Allows `burst` tries at once and one more each `60 / per_minute` seconds, by address.
#[derive(Clone)]
pub struct Throttle {
    limiter: Arc<DefaultKeyedRateLimiter<IpAddr>>,
}

impl std::fmt::Debug for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Throttle({} addresses)", self.limiter.len())
    }
}

impl Throttle {
    /// A throttle with its own memory of addresses.
    pub fn new(per_minute: NonZeroU32, burst: NonZeroU32) -> Self {
        Self { limiter: Arc::new(RateLimiter::keyed(Quota::per_minute(per_minute).allow_burst(burst))) }
    }

    /// Counts one try from `address`, or says when the next is allowed.
    pub fn check(&self, address: IpAddr) -> Result<(), Problem> {
        if self.limiter.len() > ADDRESSES_REMEMBERED_MAX {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&client_network(address)).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Problem::new(&TOO_MANY).retry_after(wait.as_secs() + 1)
        })
    }
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
}
