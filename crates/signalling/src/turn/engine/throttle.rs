//! How many answers a source gets that has proved nothing yet: a fixed table of token buckets.
//!
//! Its memory does not grow with the number of sources. Two that fall into one slot share it; which do is
//! decided by a hash with a random key, so nobody can choose to share with somebody.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};

const SLOTS: usize = 4096;

#[derive(Clone, Copy, Debug)]
struct SourceBucket {
    /// Thousandths of an answer.
    left: u64,
    at_ms: u64,
}

/// The table.
#[derive(Debug)]
pub(super) struct Throttle {
    buckets: Vec<SourceBucket>,
    hasher: RandomState,
    per_s: u64,
    burst: u64,
}

/// The addresses that one subscriber has: an IPv4 address or an IPv6 /64.
pub(in crate::turn) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Throttle {
    pub(super) fn new(per_s: u32, burst: u32) -> Self {
        let burst = u64::from(burst) * 1000;
        let full = SourceBucket { left: burst, at_ms: 0 };
        Self { buckets: vec![full; SLOTS], hasher: RandomState::new(), per_s: u64::from(per_s), burst }
    }

    /// Takes one answer out of the source's bucket, if there is one.
    pub(super) fn take(&mut self, now_ms: u64, from: IpAddr) -> bool {
        let slot = self.hasher.hash_one(source(from)) % SLOTS as u64;
        let Some(bucket) = usize::try_from(slot).ok().and_then(|slot| self.buckets.get_mut(slot)) else { return false };
        let gained = now_ms.saturating_sub(bucket.at_ms).saturating_mul(self.per_s);
        bucket.left = bucket.left.saturating_add(gained).min(self.burst);
        bucket.at_ms = now_ms;
        let Some(left) = bucket.left.checked_sub(1000) else { return false };
        bucket.left = left;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_its_burst_and_then_its_rate() {
        let mut throttle = Throttle::new(10, 5);
        let (a, b) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, 1]));
        let neighbour = IpAddr::from([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9]);
        assert_eq!((0..20).filter(|_| throttle.take(0, a)).count(), 5);
        assert_eq!((0..20).filter(|n| throttle.take(0, if n % 2 == 0 { b } else { neighbour })).count(), 5, "one /64");
        assert!(!throttle.take(99, a) && throttle.take(100, a) && !throttle.take(100, a));
        assert_eq!((0..20).filter(|_| throttle.take(60_000, a)).count(), 5, "never more than the burst");
    }
}
