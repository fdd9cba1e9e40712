//! TLS as the client of these tests has it: it takes any certificate and can be asked which.

use std::net::SocketAddr;

use rustls::pki_types::ServerName;
use sanbao_platform::testing::trusting_client;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connection after its handshake.
pub async fn connect(at: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(at).await?;
    tokio_rustls::TlsConnector::from(trusting_client()).connect(ServerName::from(at.ip()), socket).await
}

/// The certificate that the server showed.
pub fn shown(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}
