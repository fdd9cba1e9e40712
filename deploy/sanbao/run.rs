//! One process's life: bind, open, serve, say that it is ready, stop cleanly when asked.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use axum::Router;
use sanbao_platform::http::{self, Bounds, Listener, Tls, TlsError};
use tokio_util::sync::CancellationToken;

use crate::around;
use crate::compose::{ComposeError, Network};
use crate::process::{self, FILES_MIN};
use crate::role::Role;
use crate::settings::Settings;
use crate::supervisor;

/// How often a free port is looked for that both UDP and TCP have.
const PORT_TRIES_MAX: usize = 16;
/// How long the requests of a relay that runs alone may go on once it is asked to end: its clients are elsewhere by then.
const RELAY_REQUESTS_MS_MAX: u64 = 3_000;
/// How long everything else of it may then take to stop. A message that is not said by then is in the rooms' logs,
/// where another relay finds it.
const RELAY_STOP_MS_MAX: u64 = 1_400;
/// How long the collector may then be told what waits, in each process; a relay that runs alone has what the bounds above
/// have left of the time within which it is gone.
const TOLD_WAIT_MAX: Duration = Duration::from_secs(2);
const TOLD_WAIT_MIN: Duration = Duration::from_millis(200);
const RELAY_TOLD_BY: Duration = Duration::from_millis(4_600);
/// How long the threads of the runtime may then take. Only what nobody waits for any more is on them: the look-up of a
/// name, say, which nothing can break off.
pub(crate) const THREADS_WAIT: Duration = Duration::from_millis(200);

/// The moment at which this process was asked to end.
static ASKED_AT: OnceLock<Instant> = OnceLock::new();
/// How long a fresh process waits for its own databases before it gives up.
const READY_SECONDS_MAX: u64 = 30;

/// Why the process ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The address is taken or not this machine's.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, io::Error),
    /// The limit of open files is too low to serve anybody.
    #[error(
        "this process may open only {0} files at once, connections among them, and needs {FILES_MIN}: raise the limit \
         (ulimit -n 65536, or LimitNOFILE= of the unit)"
    )]
    Files(u64),
    /// The STUN/TURN address is taken.
    #[error("STUN/TURN cannot listen on {0} ({1}): {2}; give {3} another address, or --no-turn")]
    BindTurn(SocketAddr, &'static str, io::Error, &'static str),
    /// HTTPS, and TURN over TLS, cannot be served with these files.
    #[error("--tls-cert and --tls-key: {0}")]
    Tls(#[from] TlsError),
    /// It could not be put together.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The certificate or the socket failed.
    #[error("serving failed: {0}")]
    Serve(io::Error),
    /// A database did not come up.
    #[error("not ready within {READY_SECONDS_MAX} s: {0}")]
    NotReady(String),
}

/// Binds an address, or says which one was not to be had.
pub fn bind_at(address: SocketAddr) -> Result<Listener, RunError> {
    Listener::bind(address).map_err(|e| RunError::Bind(address, e))
}

/// Binds the site's address, with the bounds of its connections.
pub fn bind(settings: &Settings) -> Result<Listener, RunError> {
    let connections_max = process::connections(settings.bounds.connections_max).map_err(RunError::Files)?;
    Ok(bind_at(settings.listen)?.bounded(Bounds { connections_max, ..settings.bounds }))
}

/// Makes sure that the addresses of STUN and TURN are to be had before anything else starts; the relay binds
/// them itself. That somebody else has the port of TLS is no reason to serve nothing: only networks that let nothing
/// but HTTPS out have a use for it, so the relay says so, serves the rest, tells clients of no TLS, and takes the port
/// when it is free. An address that this machine does not have, or a port that this user may not take, stays a refusal:
/// no waiting mends it.
pub fn probe_turn(listen: SocketAddr, tls: Option<SocketAddr>) -> Result<(), RunError> {
    let taken = |at, how, flag| move |e| RunError::BindTurn(at, how, e, flag);
    UdpSocket::bind(listen).map(drop).map_err(taken(listen, "UDP", "--turn-listen"))?;
    TcpListener::bind(listen).map(drop).map_err(taken(listen, "TCP", "--turn-listen"))?;
    match tls {
        Some(tls) => match TcpListener::bind(tls) {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                Err(taken(tls, "TLS", "--turn-tls-listen")(error))
            }
            _ => Ok(()),
        },
        None => Ok(()),
    }
}

/// A port of `ip` for both UDP and TCP: the one wanted, or a free one when that is taken.
pub fn turn_port(ip: IpAddr, wanted: u16) -> io::Result<u16> {
    let both = |port| {
        let port = UdpSocket::bind((ip, port))?.local_addr()?.port();
        TcpListener::bind((ip, port)).map(|_| port)
    };
    std::iter::once(wanted).chain([0; PORT_TRIES_MAX]).map(both).find(Result::is_ok).unwrap_or_else(|| both(0))
}

/// Resolves when the process is asked to end: SIGTERM from a supervisor, SIGINT from a keyboard.
pub(crate) async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = term.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Whether a process of these roles is a relay that runs alone.
fn is_relay(roles: impl Iterator<Item = Role>) -> bool {
    roles.eq([Role::Signalling])
}

/// How long a process of these roles may still tell its collector what waits, once everything else of it has stopped.
pub(crate) fn told_wait(roles: impl Iterator<Item = Role>) -> Duration {
    let asked_at = ASKED_AT.get().filter(|_| is_relay(roles));
    asked_at.map_or(TOLD_WAIT_MAX, |asked_at| rest(asked_at.elapsed()))
}

/// The same for a relay that was asked to end so long ago.
fn rest(gone: Duration) -> Duration {
    RELAY_TOLD_BY.saturating_sub(gone).clamp(TOLD_WAIT_MIN, TOLD_WAIT_MAX)
}

/// Waits until every database answers.
async fn until_ready(network: &Network) -> Result<(), RunError> {
    let stores = network.stores.clone();
    let deadline = Instant::now() + Duration::from_secs(READY_SECONDS_MAX);
    loop {
        match around::ready(&stores).await {
            Ok(()) => return Ok(()),
            Err(problem) if Instant::now() >= deadline => {
                return Err(RunError::NotReady(problem.cause().unwrap_or_default().to_owned()));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// A second, plain listener beside the site: the demo's certificate is fetched from it.
pub type Beside = Option<(Listener, Router)>;

/// Serves `network` until the process is asked to end, then stops it: first no new requests, then the
/// running ones end, then consumers, then the databases. `say_ready` runs once everything answers. A relay that runs
/// alone is gone within a bounded time, whatever its clients do: others wait to be restarted after it.
pub async fn serve<E: From<RunError>>(
    listener: Listener,
    network: Network,
    tls: Option<Tls>,
    beside: Beside,
    say_ready: impl AsyncFnOnce(&Network) -> Result<(), E>,
) -> Result<(), E> {
    let drain = network.drain.clone();
    let (on_signal, quick_end) = (drain.clone(), CancellationToken::new());
    let second = quick_end.clone();
    tokio::spawn(async move {
        asked_to_end().await;
        ASKED_AT.get_or_init(Instant::now);
        tracing::info!("asked to end: draining");
        supervisor::stopping();
        on_signal.cancel();
        // A second signal means that nobody wants to wait for slow requests.
        asked_to_end().await;
        second.cancel();
    });
    tokio::spawn(supervisor::signs_of_life(drain.clone()));
    let is_relay = is_relay(network.stores.roles());
    if is_relay {
        let (drain, quick_end) = (drain.clone(), quick_end.clone());
        tokio::spawn(async move {
            drain.cancelled().await;
            tokio::time::sleep(Duration::from_millis(RELAY_REQUESTS_MS_MAX)).await;
            quick_end.cancel();
        });
    }
    let site = tokio::spawn(http::serve(listener, network.router.clone(), tls, drain.clone()));
    if let Some((listener, router)) = beside {
        tokio::spawn(http::serve(listener, router, None, drain.clone()));
    }
    let started = async {
        until_ready(&network).await.map_err(E::from)?;
        say_ready(&network).await
    };
    let mut outcome = started.await;
    if outcome.is_err() {
        drain.cancel();
    }
    tokio::select! {
        served = site => {
            let served = served.map_err(io::Error::other).and_then(std::convert::identity);
            outcome = outcome.and(served.map_err(|e| RunError::Serve(e).into()));
        }
        () = quick_end.cancelled() => {}
    }
    let stop_wait = if is_relay { Duration::from_millis(RELAY_STOP_MS_MAX) } else { Duration::MAX };
    if tokio::time::timeout(stop_wait, network.stop()).await.is_err() {
        tracing::error!("not everything has stopped in time; another relay goes on with it");
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_is_gone_in_time_however_long_everything_takes() {
        let bounds = Duration::from_millis(RELAY_REQUESTS_MS_MAX + RELAY_STOP_MS_MAX);
        for gone in [Duration::ZERO, bounds / 2, bounds] {
            let told = rest(gone);
            assert!((TOLD_WAIT_MIN..=TOLD_WAIT_MAX).contains(&told));
            assert!(gone + told + THREADS_WAIT < Duration::from_secs(5), "{gone:?}");
        }
        assert_eq!(rest(Duration::from_mins(1)), TOLD_WAIT_MIN);
    }
}
