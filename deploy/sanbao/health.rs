//! `sanbao health`: whether the process that serves by these settings is ready, for a container's or a supervisor's check.

use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use sanbao_platform::http::Tls;

use crate::settings::Settings;

/// How long each of connecting, asking and reading may take.
const WAIT: Duration = Duration::from_secs(5);
/// More of an answer than this is not read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Why it is not known to be ready.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// Nobody answers there.
    #[error("nothing answers at {0}: {1}")]
    NoAnswer(SocketAddr, io::Error),
    /// It says that it is not.
    #[error("not ready: {0}")]
    NotReady(String),
}

/// This certificate and no other, whatever names stand in it: the check asks its own machine.
#[derive(Debug)]
struct Exactly(CertificateDer<'static>);

impl ServerCertVerifier for Exactly {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *shown == self.0 {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::General("another certificate than that of --tls-cert".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn secured(socket: TcpStream, at: SocketAddr, tls: &Tls) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let certificate = CertificateDer::from_pem_file(&tls.certificate).map_err(io::Error::other)?;
    let config = ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Exactly(certificate)))
        .with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), ServerName::from(at.ip())).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, socket))
}

/// The status line's number and the body of an answer.
fn asked(mut connection: impl io::Read + io::Write) -> io::Result<(u16, String)> {
    connection.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    match connection.take(ANSWER_BYTES_MAX).read_to_end(&mut answer) {
        // A server that closes without the goodbye of TLS has said what it had to say.
        Err(e) if e.kind() != io::ErrorKind::UnexpectedEof || answer.is_empty() => return Err(e),
        _ => {}
    }
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no answer of HTTP"))?;
    Ok((status, body.trim().to_owned()))
}

/// Where this machine reaches what listens at `listen`.
fn reached(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Asks the process that serves by `settings` on this machine whether it is ready.
///
/// # Errors
/// It does not answer within 5 s, or says that it is not ready; the text says why.
pub fn ask(settings: &Settings) -> Result<(), HealthError> {
    let at = reached(settings.listen);
    let answer = TcpStream::connect_timeout(&at, WAIT).and_then(|socket| {
        socket.set_read_timeout(Some(WAIT))?;
        socket.set_write_timeout(Some(WAIT))?;
        match settings.site.tls() {
            Some(tls) => asked(secured(socket, at, &tls)?),
            None => asked(socket),
        }
    });
    match answer {
        Ok((200, _)) => Ok(()),
        Ok((status, body)) => Err(HealthError::NotReady(format!("{status} {body}"))),
        Err(error) => Err(HealthError::NoAnswer(at, error)),
    }
}
