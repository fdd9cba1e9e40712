//! The certificate of TURN over TLS, read again when its files change: it is renewed every few weeks, and no call
//! has to end for it.

use std::fs;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::turn::config::TurnTls;

/// How often the files are looked at, while connections come.
const LOOK_MS: u64 = 2_000;

const NO_CHAIN: rustls::Error = rustls::Error::NoCertificatesPresented;

/// When the two files were written, and how long they are.
type Stamp = [Option<(SystemTime, u64)>; 2];

/// A certificate and its key.
#[derive(Debug)]
pub(super) struct Certificate {
    files: TurnTls,
    config: Arc<ServerConfig>,
    read: Stamp,
    looked_ms: u64,
}

impl Certificate {
    pub(super) fn read(files: &TurnTls) -> io::Result<Self> {
        // The stamp first: what is written meanwhile is read the next time.
        let read = stamp(files);
        Ok(Self { config: server_config(files)?, files: files.clone(), read, looked_ms: 0 })
    }

    /// The one for a connection that begins now. While the files hold none, or not yet the key of the certificate,
    /// it is the one of before.
    pub(super) fn current(&mut self, now_ms: u64) -> &Arc<ServerConfig> {
        if now_ms.saturating_sub(self.looked_ms) >= LOOK_MS {
            self.looked_ms = now_ms;
            let stamp = stamp(&self.files);
            if stamp != self.read {
                self.read = stamp;
                match server_config(&self.files) {
                    Ok(config) => self.config = config,
                    Err(error) => {
                        let file = self.files.certificate.display();
                        tracing::error!(%file, %error, "the new certificate is not used; TURN goes on with the old one");
                    }
                }
            }
        }
        &self.config
    }
}

fn stamp(files: &TurnTls) -> Stamp {
    [&files.certificate, &files.key].map(|file| {
        let metadata = fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

/// The certificate, read from its files.
fn server_config(tls: &TurnTls) -> io::Result<Arc<ServerConfig>> {
    let wrong = |e: rustls::pki_types::pem::Error| io::Error::new(io::ErrorKind::InvalidData, e);
    let chain = CertificateDer::pem_file_iter(&tls.certificate).map_err(wrong)?.collect::<Result<_, _>>();
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(wrong)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions.and_then(|b| b.with_no_client_auth().with_single_cert(chain.map_err(|_| NO_CHAIN)?, key));
    config.map(Arc::new).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}
