//! Listening, plain or HTTPS, and draining on the way out.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
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

/// The files are no certificate and its key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The chain cannot be read, or is none.
    #[error("the certificate {0} cannot be used: {1}")]
    Certificate(PathBuf, String),
    /// The key cannot be read, or is none.
    #[error("the private key {0} cannot be used: {1}")]
    Key(PathBuf, String),
    /// Each is good, but they are not of each other.
    #[error("the private key {1} is not that of the certificate {0}")]
    Pair(PathBuf, PathBuf),
}

impl Tls {
    /// Reads both files as serving will, so that what is wrong with them is known before anything is started.
    pub fn check(&self) -> Result<(), TlsError> {
        let certificate = |why: &dyn ToString| TlsError::Certificate(self.certificate.clone(), why.to_string());
        let key = |why: &dyn ToString| TlsError::Key(self.key.clone(), why.to_string());
        let read = CertificateDer::pem_file_iter(&self.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = read.map_err(|e| certificate(&e))?;
        if chain.is_empty() {
            return Err(certificate(&"it holds none"));
        }
        let of_file = PrivateKeyDer::from_pem_file(&self.key).map_err(|e| key(&e))?;
        let provider = rustls::crypto::ring::default_provider();
        let signing = provider.key_provider.load_private_key(of_file).map_err(|e| key(&e))?;
        match CertifiedKey::new(chain, Arc::clone(&signing)).keys_match() {
            Ok(()) => Ok(()),
            Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Pair(self.certificate.clone(), self.key.clone())),
            Err(e) => Err(certificate(&e)),
        }
    }
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
