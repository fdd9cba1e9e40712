//! Connections that were not welcomed yet, by address: none holds all places with sockets that say nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use sanbao_platform::auth::client_network;

use super::lock::lock;

/// How many have arrived and were not welcomed, by network.
#[derive(Debug)]
pub(super) struct Arrivals {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    per_address_max: usize,
}

/// One of them, as long as it lives.
#[derive(Debug)]
pub(super) struct Arriving {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    network: IpAddr,
}

impl Arrivals {
    pub(super) fn new(per_address_max: usize) -> Self {
        Self { counts: Arc::default(), per_address_max }
    }

    /// Counts one more, unless its address has as many as it may.
    pub(super) fn try_add(&self, address: IpAddr) -> Option<Arriving> {
        let network = client_network(address);
        let mut counts = lock(&self.counts);
        if counts.get(&network).copied().unwrap_or(0) >= self.per_address_max {
            return None;
        }
        *counts.entry(network).or_default() += 1;
        Some(Arriving { counts: Arc::clone(&self.counts), network })
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_network_has_its_own_places_and_gives_them_back() {
        let arrivals = Arrivals::new(2);
        let at = |address: &str| arrivals.try_add(address.parse().unwrap());
        let (first, second) = (at("2001:db8::1").unwrap(), at("2001:db8::ffff").unwrap());
        assert!(at("2001:db8::2").is_none());
        let (neighbour, other) = (at("2001:db8:0:1::1").unwrap(), at("192.0.2.1").unwrap());
        drop(first);
        let third = at("2001:db8::2").unwrap();
        assert!(at("2001:db8::1").is_none());
        drop((second, third, neighbour, other));
        assert!(lock(&arrivals.counts).is_empty());
    }
}
