//! A server's certificate and its key: read from two PEM files, and read again when these change. A certificate is
//! renewed every few weeks, and nobody has to be disconnected for it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

/// How often the files of a certificate in use are looked at.
pub const LOOK_WAIT: Duration = Duration::from_secs(2);

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
        self.read().map(drop)
    }

    fn read(&self) -> Result<CertifiedKey, TlsError> {
        let certificate = |why: &dyn ToString| TlsError::Certificate(self.certificate.clone(), why.to_string());
        let key = |why: &dyn ToString| TlsError::Key(self.key.clone(), why.to_string());
        let read = CertificateDer::pem_file_iter(&self.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = read.map_err(|e| certificate(&e))?;
        if chain.is_empty() {
            return Err(certificate(&"it holds none"));
        }
        let of_file = PrivateKeyDer::from_pem_file(&self.key).map_err(|e| key(&e))?;
        let provider = rustls::crypto::ring::default_provider();
        let certified = CertifiedKey::new(chain, provider.key_provider.load_private_key(of_file).map_err(|e| key(&e))?);
        match certified.keys_match() {
            Ok(()) => Ok(certified),
            Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Pair(self.certificate.clone(), self.key.clone())),
            Err(e) => Err(certificate(&e)),
        }
    }

    fn server_config(&self, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, TlsError> {
        let certified = self.read()?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = versions.map_err(|e| TlsError::Certificate(self.certificate.clone(), e.to_string()))?;
        let resolver = Arc::new(SingleCertAndKey::from(certified));
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// When the two files were written, and how long they are.
    fn stamp(&self) -> Stamp {
        [&self.certificate, &self.key].map(|file| {
            let metadata = fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}

type Stamp = [Option<(SystemTime, u64)>; 2];

/// A certificate in use.
#[derive(Debug)]
pub struct Certificate {
    /// The server that shows it, for the log.
    of: &'static str,
    files: Tls,
    alpn: &'static [&'static [u8]],
    config: Arc<ServerConfig>,
    read: Stamp,
}

impl Certificate {
    /// Reads `files` for `of`, such as `HTTPS`, which speaks the protocols `alpn` (RFC 7301).
    pub fn read(of: &'static str, files: Tls, alpn: &'static [&'static [u8]]) -> Result<Self, TlsError> {
        // The stamp first: what is written meanwhile is read the next time.
        let read = files.stamp();
        Ok(Self { of, config: files.server_config(alpn)?, files, alpn, read })
    }

    /// The configuration for a connection that begins now.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    /// Looks at the files, and reads them when they have changed; `true` when there is another configuration now.
    /// While they hold no certificate, or not the key of the certificate, the one of before stays and the log says so,
    /// once for each change.
    pub fn look(&mut self) -> bool {
        let stamp = self.files.stamp();
        if stamp == self.read {
            return false;
        }
        self.read = stamp;
        match self.files.server_config(self.alpn) {
            Ok(config) => {
                self.config = config;
                tracing::info!(of = self.of, "a new certificate is used");
                true
            }
            Err(error) => {
                tracing::error!(of = self.of, %error, "the new certificate is not used; the old one goes on");
                false
            }
        }
    }
}
