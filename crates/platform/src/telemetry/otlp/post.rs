//! One call to a collector: a connection, a POST, the status of its answer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::config::{OtlpConfig, OtlpError};
use super::encode::Parcel;

/// How long a call may take.
const CALL_WAIT: Duration = Duration::from_secs(10);
/// More of an answer than this is not read to learn its status.
const STATUS_BYTES_MAX: usize = 256;
/// More of an answer than this is not read to learn what was not taken of a parcel.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// How long the rest of an answer is waited for. Its status is known by then.
const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// The answer of a collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CollectorAnswer {
    pub(super) status: u16,
    /// Spans or lines of a parcel that was taken that were not.
    pub(super) rejected: usize,
}

/// The collector as calls reach it.
pub(super) struct Collector {
    host: String,
    port: u16,
    /// The first lines of a call up to its path's end and behind it, without the length.
    path: String,
    headers: Vec<u8>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

fn authorities(config: &OtlpConfig) -> Result<RootCertStore, OtlpError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = &config.ca_file {
        let unusable = |error: &dyn std::fmt::Display| OtlpError::Authority(file.clone(), error.to_string());
        let certificates = CertificateDer::pem_file_iter(file).map_err(|e| unusable(&e))?;
        let before = roots.len();
        for certificate in certificates {
            roots.add(certificate.map_err(|e| unusable(&e))?).map_err(|e| unusable(&e))?;
        }
        if roots.len() == before {
            return Err(unusable(&"there is no certificate in it"));
        }
    }
    Ok(roots)
}

impl Collector {
    /// The collector of `config`; reads the authorities that its certificate may be of.
    pub(super) fn of(config: &OtlpConfig) -> Result<Self, OtlpError> {
        let (url, mut headers) = (&config.url, Vec::new());
        let shown = url.host_str().ok_or(OtlpError::Address)?;
        let port = url.port_or_known_default().ok_or(OtlpError::Address)?;
        headers.extend_from_slice(format!("Host: {shown}:{port}\r\n").as_bytes());
        headers.extend_from_slice(b"Content-Type: application/json\r\nConnection: close\r\n");
        for (name, value) in &config.headers {
            headers.extend([name.as_str().as_bytes(), b": ", value.0.as_bytes(), b"\r\n"].concat());
        }
        let host = shown.trim_matches(['[', ']']).to_owned();
        let tls = if url.scheme() == "https" {
            let roots = authorities(config)?;
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let builder = builder.map_err(|_| OtlpError::Address)?.with_root_certificates(roots);
            let name = ServerName::try_from(host.clone()).map_err(|_| OtlpError::Address)?;
            Some((TlsConnector::from(Arc::new(builder.with_no_client_auth())), name))
        } else {
            None
        };
        Ok(Self { host, port, path: url.path().trim_end_matches('/').to_owned(), headers, tls })
    }

    /// The place, for the log.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Sends a parcel; the answer.
    pub(super) async fn post(&self, parcel: &Parcel) -> io::Result<CollectorAnswer> {
        let answered = tokio::time::timeout(CALL_WAIT, self.call(parcel)).await;
        answered.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time")))
    }

    async fn call(&self, parcel: &Parcel) -> io::Result<CollectorAnswer> {
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
        match &self.tls {
            Some((connector, name)) => self.ask(connector.connect(name.clone(), socket).await?, parcel).await,
            None => self.ask(socket, parcel).await,
        }
    }

    async fn ask(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        parcel: &Parcel,
    ) -> io::Result<CollectorAnswer> {
        let path = format!("{}{}", self.path, parcel.signal.path());
        let first = format!("POST {path} HTTP/1.1\r\nContent-Length: {}\r\n", parcel.body.len());
        let sent = async {
            stream.write_all(&[first.as_bytes(), &self.headers, b"\r\n"].concat()).await?;
            stream.write_all(&parcel.body).await?;
            stream.flush().await
        };
        // One that refuses may answer and close before it has read everything: its answer says more than the write.
        let sent = sent.await;
        let mut answer = Vec::new();
        let read = read_line(&mut stream, &mut answer).await;
        if let Some(status) = status_of(&answer) {
            if (200..=299).contains(&status) {
                // That it does not come to its end takes nothing from what it has said.
                let _ = tokio::time::timeout(ANSWER_WAIT, read_rest(&mut stream, &mut answer)).await;
            }
            return Ok(CollectorAnswer { status, rejected: rejected_of(&answer) });
        }
        sent.and(read).and(Err(io::Error::new(io::ErrorKind::InvalidData, "no answer of HTTP")))
    }
}

/// Reads the first line of an answer, or what there is of it.
async fn read_line(stream: &mut (impl AsyncRead + Unpin), answer: &mut Vec<u8>) -> io::Result<()> {
    while !answer.contains(&b'\n') && answer.len() < STATUS_BYTES_MAX {
        if stream.read_buf(answer).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Reads the rest of an answer, up to its end by its length or by that of the connection.
async fn read_rest(stream: &mut (impl AsyncRead + Unpin), answer: &mut Vec<u8>) -> io::Result<()> {
    while answer.len() < ANSWER_BYTES_MAX && !is_whole(answer) {
        if stream.read_buf(answer).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// The lines before the body, and the body as far as it is there.
fn parts_of(answer: &[u8]) -> Option<(&str, &[u8])> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((std::str::from_utf8(answer.get(..end)?).ok()?, answer.get(end + 4..)?))
}

/// Whether an answer that says its length is there to its end.
fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = parts_of(answer) else { return false };
    let of = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    };
    head.lines().find_map(of).is_some_and(|length| body.len() >= length)
}

/// The number of spans or lines that an answer names as not taken. Around its JSON there may be the lengths of chunks.
fn rejected_of(answer: &[u8]) -> usize {
    let said = || -> Option<Value> {
        let (_, body) = parts_of(answer)?;
        let (from, to) = (body.iter().position(|b| *b == b'{')?, body.iter().rposition(|b| *b == b'}')?);
        let told: Value = serde_json::from_slice(body.get(from..=to)?).ok()?;
        told.get("partialSuccess").cloned()
    };
    // A number of 64 bits is a text in the JSON of protobuf, and may be a number.
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let Some(said) = said() else { return 0 };
    let rejected = ["rejectedSpans", "rejectedLogRecords"].iter().filter_map(|key| number(said.get(*key)?));
    usize::try_from(rejected.fold(0, u64::saturating_add)).unwrap_or(usize::MAX)
}

/// The status of an answer that begins with `HTTP/1.1 200 OK`.
fn status_of(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|b| *b == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::path::Path;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::super::encode::Signal;
    use super::*;

    #[test]
    fn a_status_is_read_or_there_is_none() {
        assert_eq!(status_of(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), Some(200));
        assert_eq!(status_of(b"HTTP/1.0 503\r\n"), Some(503));
        for text in [&b""[..], b"HTTP/1.1", b"HTTP/1.1 OK", b"SSH-2.0 200", b"\xff\xfe"] {
            assert_eq!(status_of(text), None);
        }
    }

    #[test]
    fn what_was_not_taken_of_a_parcel_is_read_where_it_is_said() {
        let answered = |body: &str| rejected_of(format!("HTTP/1.1 200 OK\r\nServer: x\r\n\r\n{body}").as_bytes());
        assert_eq!(answered(r#"{"partialSuccess":{"rejectedSpans":"5","errorMessage":"too old"}}"#), 5);
        assert_eq!(answered(r#"{"partialSuccess":{"rejectedLogRecords":7}}"#), 7);
        assert_eq!(answered("2e\r\n{\"partialSuccess\":{\"rejectedLogRecords\":\"7\"}}\r\n0\r\n\r\n"), 7);
        for nothing in ["", "{}", "}{", "{\"partialSuccess\":null}", r#"{"partialSuccess":{"rejectedSpans":"-5"}}"#] {
            assert_eq!(answered(nothing), 0, "{nothing}");
        }
        assert_eq!(rejected_of(b"HTTP/1.1 200 OK"), 0);
        assert!(is_whole(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\n\r\n{}"), "its end is that of the connection");
    }

    /// An HTTPS server that takes everything, with a certificate of an authority of its own, which lies in `file`.
    async fn secured(file: &Path) -> u16 {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        std::fs::write(file, params.self_signed(&key).unwrap().pem()).unwrap();
        let (own, authority) = (KeyPair::generate().unwrap(), Issuer::new(params, key));
        let signed = CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&own, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
        let config = builder.with_no_client_auth().with_single_cert(vec![signed.der().clone()], key).unwrap();
        let (acceptor, listener) =
            (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(socket).await else { continue };
                let mut asked = Vec::new();
                while !asked.ends_with(b"{}") {
                    stream.read_buf(&mut asked).await.unwrap();
                }
                assert!(asked.starts_with(b"POST /tenant/v1/logs HTTP/1.1\r\n"), "{}", asked.escape_ascii());
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        port
    }

    #[tokio::test]
    async fn a_collector_behind_tls_is_trusted_by_its_authority() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("authority.pem");
        let url = format!("https://localhost:{}/tenant/", secured(&file).await);
        let parcel = Parcel::new(Signal::Logs, 1, b"{}".to_vec());
        let target = |ca| Collector::of(&OtlpConfig::new(&url, None, ca).unwrap());
        assert_eq!(target(Some(file.clone())).unwrap().post(&parcel).await.unwrap().status, 200);
        assert!(target(None).unwrap().post(&parcel).await.is_err(), "nobody knows this authority");
        std::fs::write(&file, "no certificate").unwrap();
        assert!(matches!(target(Some(file)).err(), Some(OtlpError::Authority(..))));
    }

    #[tokio::test]
    async fn a_refusal_before_everything_was_read_is_heard() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(b"HTTP/1.1 413 Content Too Large\r\n\r\n").await.unwrap();
                stream.shutdown().await.unwrap();
                // The writer finds nobody who reads on.
                let (mut some, mut read) = (vec![0; 4096], 0);
                while read < 4096 {
                    read += stream.read(&mut some).await.unwrap();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let parcel = Parcel::new(Signal::Logs, 1, vec![b' '; 32 * 1024 * 1024]);
        let target = Collector::of(&OtlpConfig::new(&url, None, None).unwrap()).unwrap();
        assert_eq!(target.post(&parcel).await.unwrap().status, 413);
    }
}
