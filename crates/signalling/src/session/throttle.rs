//! Brute force on tickets and secrets: an address that shows too many bad ones is not listened to for a while.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use moka::sync::Cache;
use sanbao_platform::auth::{Throttle, client_network};

/// Addresses that are remembered as over the bound, at most.
const ADDRESSES_MAX: u64 = 10_000;

/// Counts bad hellos by address: an IPv4 address, or the /64 of an IPv6 one.
#[derive(Debug)]
pub(super) struct BadHellos {
    throttle: Throttle,
    over: Cache<IpAddr, ()>,
    wait: Duration,
}

impl BadHellos {
    pub(super) fn new(per_minute: NonZeroU32, burst: NonZeroU32) -> Self {
        let wait = Duration::from_mins(1) / per_minute.get();
        let over = Cache::builder().max_capacity(ADDRESSES_MAX).time_to_live(wait).build();
        Self { throttle: Throttle::new(per_minute, burst), over, wait }
    }

    /// Counts a bad one; whether that was one too many.
    pub(super) fn count(&self, address: IpAddr) -> bool {
        let over = self.throttle.check(address).is_err();
        if over {
            self.over.insert(client_network(address), ());
        }
        over
    }

    /// How long the address has to wait, if it is over the bound.
    pub(super) fn wait(&self, address: IpAddr) -> Option<Duration> {
        self.over.contains_key(&client_network(address)).then_some(self.wait)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_network_that_guesses_has_to_wait_and_its_neighbours_do_not() {
        let bad = BadHellos::new(NonZeroU32::new(6).unwrap(), NonZeroU32::new(3).unwrap());
        let guesser: [IpAddr; 2] = ["2001:db8::1".parse().unwrap(), "2001:db8::ffff".parse().unwrap()];
        assert_eq!([0, 1, 0].map(|n| bad.count(guesser[n])), [false; 3]);
        assert_eq!(bad.wait(guesser[0]), None);
        assert!(bad.count(guesser[1]));
        assert_eq!(guesser.map(|g| bad.wait(g)), [Some(Duration::from_secs(10)); 2]);
        assert_eq!(bad.wait("2001:db8:0:1::1".parse().unwrap()), None);
        assert_eq!(bad.wait("192.0.2.1".parse().unwrap()), None);
    }
}
