//! Ports for what must be told its port before it is started.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where they are taken from: below those that the system gives to a socket that asks for any port (Linux: from 32768).
/// Else a browser's next connection could have one before its server is there.
const FROM: RangeInclusive<u16> = 10_000..=31_999;

/// Spreads processes that run beside one another over the range: a prime, so that following ids are far apart.
const STRIDE: usize = 1_009;

/// So many ports in a row, at least one, that are free for UDP and TCP now, and that nobody else in this process is
/// given.
///
/// # Panics
/// When the range has been gone through and no such row was free.
pub fn ports(count: u16) -> RangeInclusive<u16> {
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    let (all, count): (Vec<u16>, _) = (FROM.collect(), usize::from(count));
    let begin = usize::try_from(std::process::id()).unwrap_or_default().wrapping_mul(STRIDE);
    for _ in 0..all.len() {
        let at = begin.wrapping_add(GIVEN.fetch_add(count, Ordering::Relaxed)) % all.len();
        // A row that would go over the end is left out.
        if let Some(row) = all.get(at..at + count).filter(|row| row.iter().all(|port| is_free(*port))) {
            return row[0]..=row[count - 1];
        }
    }
    panic!("no {count} free ports in a row in {FROM:?}");
}

/// One such port.
pub fn port() -> u16 {
    *ports(1).start()
}

fn is_free(port: u16) -> bool {
    let at = (Ipv4Addr::UNSPECIFIED, port);
    UdpSocket::bind(at).is_ok() && TcpListener::bind(at).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_given_once_and_what_is_taken_never() {
        let rows = [ports(20), ports(20)];
        assert!(rows.iter().all(|row| row.len() == 20 && FROM.contains(row.start()) && FROM.contains(row.end())));
        assert!(!rows[0].clone().any(|port| rows[1].contains(&port)));
        // The next ones are held, by this test or by another program: they are not given.
        let next: Vec<u16> = (rows[1].end() + 1..=*FROM.end()).take(5).collect();
        let held: Vec<_> = next.iter().map(|port| UdpSocket::bind((Ipv4Addr::LOCALHOST, *port))).collect();
        let given: Vec<u16> = (0..5).map(|_| port()).collect();
        assert!(given.iter().all(|port| !next.contains(port) && !rows.iter().any(|row| row.contains(port))));
        drop(held);
    }
}
