//! UDP sockets as the `turn` crate wants them: the listening one, and relayed ones behind the filter.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::net::UdpSocket;
use turn::relay::RelayAddressGenerator;
use webrtc_util::Conn;

use super::peers::PeerFilter;

/// How often a random port is tried before the range counts as full.
const PORT_TRIES_MAX: u16 = 64;

type UtilResult<T> = Result<T, webrtc_util::Error>;

/// A socket that knows its address without asking the system each time, and whom it may talk to.
pub(super) struct Socket {
    inner: UdpSocket,
    local: SocketAddr,
    filter: Option<Arc<PeerFilter>>,
}

impl Socket {
    /// A socket that talks to anybody: the listening one.
    pub(super) fn open(inner: UdpSocket) -> std::io::Result<Self> {
        let local = inner.local_addr()?;
        Ok(Self { inner, local, filter: None })
    }

    fn passes(&self, peer: SocketAddr) -> bool {
        self.filter.as_ref().is_none_or(|f| f.passes(peer))
    }
}

fn not_connected() -> webrtc_util::Error {
    webrtc_util::Error::Other("this socket is not connected".to_owned())
}

#[async_trait]
impl Conn for Socket {
    async fn connect(&self, _: SocketAddr) -> UtilResult<()> {
        Err(not_connected())
    }

    async fn recv(&self, _: &mut [u8]) -> UtilResult<usize> {
        Err(not_connected())
    }

    async fn recv_from(&self, buf: &mut [u8]) -> UtilResult<(usize, SocketAddr)> {
        loop {
            match self.inner.recv_from(buf).await {
                Ok((len, from)) if self.passes(from) => return Ok((len, from)),
                Ok(_) => {}
                // An ICMP error about an earlier datagram is not the end of the socket.
                Err(e)
                    if matches!(
                        e.kind(),
                        std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::ConnectionReset
                    ) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    async fn send(&self, _: &[u8]) -> UtilResult<usize> {
        Err(not_connected())
    }

    async fn send_to(&self, buf: &[u8], target: SocketAddr) -> UtilResult<usize> {
        if self.passes(target) {
            Ok(self.inner.send_to(buf, target).await?)
        } else {
            Err(webrtc_util::Error::Other("peer address refused".to_owned()))
        }
    }

    fn local_addr(&self) -> UtilResult<SocketAddr> {
        Ok(self.local)
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        None
    }

    async fn close(&self) -> UtilResult<()> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn std::any::Any + Send + Sync) {
        self
    }
}

/// Opens relayed ports in a range, behind the filter.
pub(super) struct RelayPorts {
    pub(super) public_ip: IpAddr,
    pub(super) bind_ip: IpAddr,
    pub(super) ports: (u16, u16),
    pub(super) filter: Arc<PeerFilter>,
}

impl RelayPorts {
    async fn open(&self, port: u16) -> std::io::Result<(Arc<dyn Conn + Send + Sync>, SocketAddr)> {
        let inner = UdpSocket::bind((self.bind_ip, port)).await?;
        let local = inner.local_addr()?;
        let socket = Socket { inner, local, filter: Some(Arc::clone(&self.filter)) };
        Ok((Arc::new(socket), SocketAddr::new(self.public_ip, local.port())))
    }
}

/// A port at `offset` steps into the range, wrapping around.
fn nth_port((first, last): (u16, u16), offset: u32) -> u16 {
    let count = u32::from(last - first) + 1;
    u16::try_from(u32::from(first) + offset % count).unwrap_or(first)
}

#[async_trait]
impl RelayAddressGenerator for RelayPorts {
    fn validate(&self) -> Result<(), turn::Error> {
        // With one port only, the crate's search for an even one might never end.
        if self.ports.0 == 0 || self.ports.1 <= self.ports.0 {
            Err(turn::Error::ErrMaxPortLessThanMinPort)
        } else {
            Ok(())
        }
    }

    async fn allocate_conn(
        &self,
        use_ipv4: bool,
        requested_port: u16,
    ) -> Result<(Arc<dyn Conn + Send + Sync>, SocketAddr), turn::Error> {
        if use_ipv4 != self.public_ip.is_ipv4() {
            return Err(turn::Error::Other("no relayed address of that family".to_owned()));
        }
        if requested_port != 0 {
            return Ok(self.open(requested_port).await?);
        }
        // A random start, so that a port is hard to guess; then its neighbours.
        let start: u32 = rand::random();
        for step in 0..u32::from(PORT_TRIES_MAX) {
            if let Ok(opened) = self.open(nth_port(self.ports, start.wrapping_add(step * 7919))).await {
                return Ok(opened);
            }
        }
        Err(turn::Error::ErrMaxRetriesExceeded)
    }
}

/// The address to bind for relayed ports of the public address' family.
pub(super) fn unspecified_like(public: IpAddr) -> IpAddr {
    match public {
        IpAddr::V4(v4) if v4.is_loopback() => public,
        IpAddr::V6(v6) if v6.is_loopback() => public,
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::nth_port;

    #[test]
    fn every_port_of_the_range_is_reached_and_no_other() {
        let ports: std::collections::BTreeSet<u16> = (0..1000).map(|n| nth_port((65_530, 65_535), n * 7919)).collect();
        assert_eq!(ports.into_iter().collect::<Vec<_>>(), (65_530..=65_535).collect::<Vec<_>>());
    }
}
