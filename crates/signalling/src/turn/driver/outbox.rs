//! Datagrams on their way out, joined where they go the same way: one system call for a run of equal length
//! (GSO), which costs the kernel little more than a single datagram.

use std::net::{IpAddr, SocketAddr};

use super::udp::{Ports, SEGMENT_BYTES_MAX};
use crate::turn::engine::RelayPort;

/// Runs that are open at once; a server with more busy clients in one turn sends shorter runs.
const RUNS_MAX: usize = 64;
/// Bytes of one run: less than the longest datagram.
const RUN_BYTES_MAX: usize = 60_000;

/// From which port to which address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SendPath {
    /// The relayed port, or `None` for the listening one.
    pub(super) port: Option<RelayPort>,
    pub(super) to: SocketAddr,
    /// The address of ours that it must come from, where there are several.
    pub(super) from: Option<IpAddr>,
}

#[derive(Debug)]
struct Run {
    way: SendPath,
    segment: usize,
    count: usize,
    /// The last datagram was shorter, so nothing may follow it.
    ended: bool,
    bytes: Vec<u8>,
}

impl Run {
    fn takes(&self, len: usize, segments_max: usize) -> bool {
        !self.ended
            && len <= self.segment
            && self.segment <= SEGMENT_BYTES_MAX
            && self.count < segments_max
            && self.bytes.len() + len <= RUN_BYTES_MAX
    }

    fn send(&mut self, ports: &Ports) {
        if self.count > 0
            && let Some(port) = ports.get(self.way.port)
        {
            port.send(self.way.to, self.way.from, self.segment, &self.bytes);
        }
        self.bytes.clear();
        self.count = 0;
    }
}

/// The datagrams that wait until the end of a turn.
#[derive(Debug, Default)]
pub(super) struct SendQueue {
    runs: Vec<Run>,
    /// How many of `runs` hold something; the others are memory to use again.
    used: usize,
}

impl SendQueue {
    /// Adds a datagram made of `parts`; order is kept for each way.
    pub(super) fn push(&mut self, ports: &Ports, way: SendPath, parts: [&[u8]; 3]) {
        let len = parts.iter().map(|p| p.len()).sum();
        let segments_max = ports.get(way.port).map_or(1, super::udp::Port::segments_max);
        let place = match self.runs[..self.used].iter().position(|r| r.way == way) {
            Some(place) => {
                if !self.runs[place].takes(len, segments_max) {
                    self.runs[place].send(ports);
                }
                place
            }
            None => self.new_run(ports, way),
        };
        let run = &mut self.runs[place];
        if run.count == 0 {
            (run.segment, run.ended) = (len, false);
        }
        run.ended = len < run.segment || len == 0;
        run.count += 1;
        for part in parts {
            run.bytes.extend_from_slice(part);
        }
    }

    fn new_run(&mut self, ports: &Ports, way: SendPath) -> usize {
        if self.used == RUNS_MAX {
            self.flush(ports);
        }
        match self.runs.get_mut(self.used) {
            Some(run) => run.way = way,
            None => self.runs.push(Run { way, segment: 0, count: 0, ended: false, bytes: Vec::new() }),
        }
        self.used += 1;
        self.used - 1
    }

    /// Sends everything.
    pub(super) fn flush(&mut self, ports: &Ports) {
        for run in &mut self.runs[..self.used] {
            run.send(ports);
        }
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::super::udp::Port;
    use super::*;

    #[test]
    fn runs_arrive_as_the_datagrams_that_were_pushed_in_their_order() {
        let port = Port::open("127.0.0.1:0".parse().unwrap(), false).unwrap();
        let ports = Ports::new(port, &["127.0.0.1".parse().unwrap()]);
        let mut outbox = SendQueue::default();
        let receivers: Vec<UdpSocket> = (0..RUNS_MAX + 3).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
        // Equal, shorter, equal again, longer, empty, too long to be joined.
        let lengths = [100, 100, 100, 60, 100, 100, 200, 0, 0, 50, 1399, 1400, 1401, 1401, 9000, 1];
        for (n, len) in lengths.into_iter().enumerate() {
            for receiver in &receivers {
                let way = SendPath { port: None, to: receiver.local_addr().unwrap(), from: None };
                let payload = vec![u8::try_from(n).unwrap(); len];
                outbox.push(&ports, way, [&payload[..len / 2], &payload[len / 2..], &[]]);
            }
        }
        outbox.flush(&ports);
        for receiver in &receivers {
            receiver.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut buffer = vec![0; 10_000];
            for (n, len) in lengths.into_iter().enumerate() {
                assert_eq!(receiver.recv(&mut buffer).unwrap(), len, "datagram {n}");
                assert!(buffer[..len].iter().all(|b| usize::from(*b) == n), "datagram {n}");
            }
        }
    }

    #[test]
    fn a_long_run_is_cut_where_the_system_ends_it() {
        let port = Port::open("127.0.0.1:0".parse().unwrap(), false).unwrap();
        let ports = Ports::new(port, &["127.0.0.1".parse().unwrap()]);
        let (mut outbox, receiver) = (SendQueue::default(), UdpSocket::bind("127.0.0.1:0").unwrap());
        receiver.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let way = SendPath { port: None, to: receiver.local_addr().unwrap(), from: None };
        // Not more than the receiver's own buffer holds.
        for n in 0..100_u8 {
            outbox.push(&ports, way, [&[n; 700], &[], &[]]);
        }
        outbox.flush(&ports);
        let mut buffer = [0; 2000];
        for n in 0..100_u8 {
            assert_eq!((receiver.recv(&mut buffer).unwrap(), buffer[0]), (700, n));
        }
    }
}
