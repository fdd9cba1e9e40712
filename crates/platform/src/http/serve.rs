//! Listening, plain or HTTPS, and draining on the way out.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio_util::sync::CancellationToken;

/// How long running requests may take to end once the process is told to stop.
pub const DRAIN_SECONDS_MAX: u64 = 10;

/// How long a client may take to send the head of a request, an idle connection's next one included.
const HEAD_WAIT: Duration = Duration::from_secs(30);

/// A certificate chain and its key, as PEM files.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// A bound socket, so that the port is known before anything is served.
#[derive(Debug)]
pub struct Listener {
    socket: std::net::TcpListener,
    /// The bound address.
    pub address: SocketAddr,
}

impl Listener {
    /// Binds `address`; port 0 takes a free one.
    pub fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let socket = std::net::TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }
}

/// Serves `router` until `drain` is cancelled, then lets running requests end.
pub async fn serve(
    listener: Listener,
    router: Router,
    tls: Option<Tls>,
    drain: CancellationToken,
) -> std::io::Result<()> {
    let handle = axum_server::Handle::new();
    let ender = handle.clone();
    tokio::spawn(async move {
        drain.cancelled().await;
        ender.graceful_shutdown(Some(Duration::from_secs(DRAIN_SECONDS_MAX)));
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        Some(tls) => {
            let config = RustlsConfig::from_pem_file(tls.certificate, tls.key).await?;
            let acceptor = RustlsAcceptor::new(config).acceptor(NoDelayAcceptor);
            let mut server = axum_server::from_tcp(listener.socket)?.acceptor(acceptor).handle(handle);
            server.http_builder().http1().header_read_timeout(HEAD_WAIT);
            server.serve(service).await
        }
        None => {
            let mut server = axum_server::from_tcp(listener.socket)?.acceptor(NoDelayAcceptor).handle(handle);
            server.http_builder().http1().header_read_timeout(HEAD_WAIT);
            server.serve(service).await
        }
    }
}
