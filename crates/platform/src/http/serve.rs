//! Listening, plain or HTTPS, and draining on the way out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::guard::{Bounds, Connections, Door, watched};
use crate::certificate::{Certificate, LOOK_WAIT, Tls};

/// How long running requests may take to end once the process is told to stop.
pub const DRAIN_SECONDS_MAX: u64 = 10;

/// The protocols that HTTPS offers, by preference.
const ALPN: &[&[u8]] = &[b"h2", b"http/1.1"];

/// A bound socket, so that the port is known before anything is served.
#[derive(Debug)]
pub struct Listener {
    socket: std::net::TcpListener,
    /// The bound address.
    pub address: SocketAddr,
    /// The bounds of what its connections may take of this process.
    pub bounds: Bounds,
}

impl Listener {
    /// Binds `address` with the bounds that are the default; port 0 takes a free one.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = std::net::TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address, bounds: Bounds::default() })
    }

    /// The same with bounds of one's own.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }
}

/// Takes a renewed certificate into use, for the connections that begin from then on.
async fn renew(mut certificate: Certificate, config: RustlsConfig) {
    loop {
        tokio::time::sleep(LOOK_WAIT).await;
        // A file may lie on a disk that does not answer.
        let looked = tokio::task::spawn_blocking(move || (certificate.look(), certificate)).await;
        let Ok((changed, looked)) = looked else { return };
        certificate = looked;
        if changed {
            config.reload_from_config(Arc::clone(certificate.config()));
        }
    }
}

/// Serves `router` until `drain` is cancelled, then lets running requests end.
///
/// Boxed, as every future of the platform with a tower of others' code below it: a plain one would be compiled,
/// tower and all, once more in each crate that awaits it.
pub fn serve(
    listener: Listener,
    router: Router,
    tls: Option<Tls>,
    drain: CancellationToken,
) -> BoxFuture<'static, io::Result<()>> {
    Box::pin(served(listener, router, tls, drain))
}

async fn served(listener: Listener, router: Router, tls: Option<Tls>, drain: CancellationToken) -> io::Result<()> {
    let handle = axum_server::Handle::new();
    let (ender, draining) = (handle.clone(), drain.clone());
    tokio::spawn(async move {
        draining.cancelled().await;
        ender.graceful_shutdown(Some(Duration::from_secs(DRAIN_SECONDS_MAX)));
    });
    let connections = Connections::new(listener.bounds);
    let router = router.layer(from_fn_with_state(connections.clone(), watched));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let (door, server) = (Door(connections.clone()), axum_server::from_tcp(listener.socket)?.handle(handle));
    let mut server = server.accept_error_handler(move |peer, error| {
        // With a peer it is that one's trouble: a handshake that came to nothing, or a place that was refused.
        if peer.is_none() {
            connections.accept_failed(error);
        }
    });
    let Bounds { ping_every, pong_wait, .. } = listener.bounds;
    server.http_builder().http2().keep_alive_interval(ping_every).keep_alive_timeout(pong_wait);
    match tls {
        Some(tls) => {
            let certificate = Certificate::read("HTTPS", tls, ALPN).map_err(io::Error::other)?;
            let config = RustlsConfig::from_config(Arc::clone(certificate.config()));
            tokio::spawn(drain.run_until_cancelled_owned(renew(certificate, config.clone())));
            let acceptor = RustlsAcceptor::new(config).handshake_timeout(listener.bounds.first_head_wait);
            server.acceptor(acceptor.acceptor(door)).serve(service).await
        }
        None => server.acceptor(door).serve(service).await,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::fs;
    use std::io::{Read as _, Write as _};
    use std::path::Path;

    use rustls::ClientConnection;
    use rustls::pki_types::ServerName;

    use super::*;
    use crate::testing::trusting_client;

    /// The certificate that the server at `at` shows to somebody who comes now.
    async fn shown(at: SocketAddr) -> Vec<u8> {
        let ask = move || {
            let mut connection = ClientConnection::new(trusting_client(), ServerName::from(at.ip())).unwrap();
            let mut socket = std::net::TcpStream::connect(at).unwrap();
            let mut stream = rustls::Stream::new(&mut connection, &mut socket);
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
            stream.read_exact(&mut [0; 12]).unwrap();
            connection.peer_certificates().unwrap()[0].to_vec()
        };
        tokio::task::spawn_blocking(ask).await.unwrap()
    }

    /// A fresh certificate with its key: chain and key, as PEM.
    fn made() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let signed = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().self_signed(&key).unwrap();
        (signed.pem(), key.serialize_pem())
    }

    fn put(files: &Tls, chain: &str, key: &str) {
        let write = |path: &Path, text: &str| fs::write(path, text).unwrap();
        write(&files.certificate, chain);
        write(&files.key, key);
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_shown_and_a_broken_pair_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = Tls { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        let (first, second) = (made(), made());
        put(&files, &first.0, &first.1);
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (at, drain) = (listener.address, CancellationToken::new());
        let routes = Router::new().fallback(|| async { "here" });
        let server = tokio::spawn(serve(listener, routes, Some(files.clone()), drain.clone()));
        let before = shown(at).await;
        put(&files, &second.0, &second.1);
        let renewed = async {
            loop {
                let now = shown(at).await;
                if now != before {
                    return now;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let renewed = tokio::time::timeout(Duration::from_mins(1), renewed).await.expect("the new one is shown");
        put(&files, &first.0, &second.1);
        tokio::time::sleep(LOOK_WAIT * 2).await;
        assert_eq!(shown(at).await, renewed, "a broken pair changes nothing");
        drain.cancel();
        server.await.unwrap().unwrap();
    }

    #[test]
    fn a_broken_pair_is_tried_once() {
        let folder = tempfile::tempdir().unwrap();
        let files = Tls { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        let (first, second) = (made(), made());
        put(&files, &first.0, &first.1);
        let mut certificate = Certificate::read("test", files.clone(), &[]).unwrap();
        let standing = Arc::clone(certificate.config());
        assert!(!certificate.look());
        put(&files, "no certificate at all", &first.1);
        assert!(!certificate.look());
        assert!(Arc::ptr_eq(&standing, certificate.config()));
        fs::remove_file(&files.key).unwrap();
        assert!(!certificate.look());
        put(&files, &second.0, &second.1);
        assert!(certificate.look() && !certificate.look());
        assert!(!Arc::ptr_eq(&standing, certificate.config()));
    }
}
