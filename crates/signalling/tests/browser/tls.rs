//! An authority of a test's own for TURN over TLS, and how Chromium is told to trust it.

use std::path::Path;

use sanbao_signalling::turn::TurnTls;

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
pub fn trust(certificate: &Path) -> String {
    let script = "openssl x509 -in \"$0\" -pubkey -noout | openssl pkey -pubin -outform der | \
                  openssl dgst -sha256 -binary | base64";
    let out = std::process::Command::new("sh").args(["-c", script]).arg(certificate).output().unwrap();
    let pin = String::from_utf8(out.stdout).unwrap().trim().to_owned();
    assert_eq!(pin.len(), 44, "openssl: {}", String::from_utf8_lossy(&out.stderr));
    format!("--ignore-certificate-errors-spki-list={pin}")
}
