//! The sockets around the engine: one thread, one `epoll`, no lock.
//!
//! A datagram is received, judged and sent on by the thread that was woken for it; a task for each socket
//! would wake another for each datagram, and waking costs more than relaying.

mod outbox;
mod stream;
mod streams;
mod turns;
mod udp;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mio::{Poll, Token, Waker};
use sanbao_platform::clock::Clock;
use tokio_util::sync::CancellationToken;

use super::config::{REALM_BYTES_MAX, TurnConfig};
use super::control::TurnControl;
use super::credentials::Credentials;
use super::engine::Engine;
use super::ports::PortsReporter;
use streams::Listener;
use turns::TurnDriver;
use udp::{Port, Ports};

/// How often a free port is looked for that both UDP and TCP have, when none was named.
const COMMON_PORT_TRIES_MAX: u32 = 32;

const LISTENING: Token = Token(0);
const LISTENING_TCP: Token = Token(1);
const LISTENING_TLS: Token = Token(2);
const WAKE: Token = Token(3);

/// A bound server, not yet running.
#[derive(Debug)]
pub struct TurnServer {
    driver: TurnDriver,
    waker: Arc<Waker>,
    local: SocketAddr,
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

fn check(config: &TurnConfig) -> io::Result<()> {
    let ips = &config.public_ips;
    let of = |ipv6: bool| ips.iter().filter(|ip| ip.to_canonical().is_ipv6() == ipv6).count();
    if config.relay_ports.0 == 0 || config.relay_ports.1 <= config.relay_ports.0 {
        return Err(invalid("the relay's port range needs at least two ports"));
    }
    if ips.is_empty() || of(true) > 1 || of(false) > 1 {
        return Err(invalid("the relay needs one public address, or one of each family"));
    }
    if config.realm.is_empty() || config.realm.len() > REALM_BYTES_MAX {
        return Err(invalid("the realm is 1 to 32 bytes long"));
    }
    Ok(())
}

/// Binds one port for UDP and TCP.
fn bind_both(listen: SocketAddr) -> io::Result<(Port, Listener)> {
    let mut tries = COMMON_PORT_TRIES_MAX;
    loop {
        let udp = Port::open(listen, true)?;
        let tcp = Listener::bind(SocketAddr::new(listen.ip(), udp.local_addr()?.port()), None);
        tries -= 1;
        match tcp {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(_) if listen.port() == 0 && tries > 0 => {}
            Err(e) => return Err(e),
        }
    }
}

impl TurnServer {
    /// Binds the listening port of UDP and TCP, and that of TLS if that works: what is wrong with a certificate
    /// must not take the rest away. It is tried again while the server runs.
    pub fn bind(config: TurnConfig, credentials: Credentials, clock: Clock) -> io::Result<Self> {
        check(&config)?;
        let poll = Poll::new()?;
        let (mut udp, mut tcp) = bind_both(config.listen)?;
        let local = udp.local_addr()?;
        udp.enlarge_buffers();
        udp.register(poll.registry(), LISTENING)?;
        tcp.register(poll.registry(), LISTENING_TCP)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let engine = Engine::new(&config, credentials, local.port(), rand::random());
        let ports = Ports::new(udp, &config.public_ips);
        let driver = TurnDriver::new(poll, engine, ports, tcp, config, clock);
        Ok(Self { driver, waker, local })
    }

    /// Says from now on which ports are open: at once, when that of TLS opens, and that none is when it ends.
    #[must_use]
    pub fn reporting(mut self, reporter: PortsReporter) -> Self {
        self.driver.report_to(reporter);
        self
    }

    /// Obeys the rooms from now on: what was ordered before, too.
    #[must_use]
    pub fn obeying(mut self, control: TurnControl) -> Self {
        control.wakes(Arc::clone(&self.waker));
        self.driver.obeys(control);
        self
    }

    /// The bound address of UDP and TCP.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The bound address of TLS, if it is served.
    pub fn local_tls_addr(&self) -> Option<SocketAddr> {
        self.driver.local_tls_addr()
    }

    /// Serves until `stop` is cancelled, then closes every allocation. Comes back early only when its thread has
    /// failed.
    pub async fn run(self, stop: CancellationToken) {
        let Self { mut driver, waker, .. } = self;
        let (ended, mut end) = tokio::sync::oneshot::channel::<()>();
        let until = stop.clone();
        let thread = std::thread::Builder::new().name("turn".to_owned()).spawn(move || {
            driver.run(&until);
            drop(driver);
            let _ = ended.send(());
        });
        if let Err(error) = thread {
            tracing::error!(%error, "the TURN server has no thread");
            return;
        }
        tokio::select! {
            () = stop.cancelled() => {
                if let Err(error) = waker.wake() {
                    tracing::error!(%error, "the TURN server cannot be woken to stop");
                    return;
                }
                let _ = end.await;
            }
            ended = &mut end => {
                if ended.is_err() {
                    tracing::error!("the TURN server's thread failed");
                }
            }
        }
    }
}
