//! An authority of a test's own for TURN over TLS, and how Chromium is told to trust it.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::PublicKeyData as _;
use sanbao_signalling::turn::TurnTls;
use sha2::{Digest as _, Sha256};

/// A certificate for loopback in files of a folder.
pub fn certificate(folder: &Path) -> TurnTls {
    let pair = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let signed = params.self_signed(&pair).unwrap();
    let tls = TurnTls {
        listen: "127.0.0.1:0".parse().unwrap(),
        certificate: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&tls.certificate, signed.pem()).unwrap();
    std::fs::write(&tls.key, pair.serialize_pem()).unwrap();
    tls
}

/// Chromium's flag by which a certificate's public key (base64 of its SHA-256) is trusted.
pub fn trust(tls: &TurnTls) -> String {
    let pair = rcgen::KeyPair::from_pem(&std::fs::read_to_string(&tls.key).unwrap()).unwrap();
    let pin = STANDARD.encode(Sha256::digest(pair.subject_public_key_info()));
    format!("--ignore-certificate-errors-spki-list={pin}")
}
