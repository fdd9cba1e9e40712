//! A real nginx with the shipped `deploy/nginx.conf` in front of services that run apart: HTTPS by an authority of the
//! test's own, on a port that is not 443.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sanbao::lan::{self, LanCertificate};
use sanbao_platform::clock::Clock;
use sanbao_platform::testing::{port, until};
use tempfile::TempDir;

use super::nginx::SHIPPED;

/// A running nginx.
pub struct Proxy {
    child: Child,
    folder: TempDir,
    port: u16,
    certificate: LanCertificate,
}

impl Proxy {
    /// A port and a certificate; nothing runs yet, for the services must know the address.
    pub fn prepare() -> Prepared {
        let (folder, port) = (tempfile::tempdir().unwrap(), port());
        let certificate = lan::certificate(folder.path(), &[], Clock::system().now()).unwrap();
        Prepared { folder, port, certificate }
    }

    /// The authority that browsers must trust.
    pub fn authority_pem(&self) -> &str {
        &self.certificate.authority_pem
    }

    /// The requests that nginx has written down.
    pub fn accesses(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default()
    }

    /// The complaints of nginx.
    pub fn complaints(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

/// A proxy that is still to be started.
pub struct Prepared {
    folder: TempDir,
    port: u16,
    certificate: LanCertificate,
}

/// The shipped file with the addresses and files of this run; nothing else of it is changed.
fn site(bases: &[(&str, String)], port: u16, certificate: &LanCertificate, folder: &Path) -> String {
    let mut text = SHIPPED.to_owned();
    let mut put = |said: &str, put: &str| {
        assert_eq!(text.matches(said).count(), 1, "deploy/nginx.conf says once: {said}");
        text = text.replace(said, put);
    };
    for (service, base) in bases {
        put(&format!("default {service}:8080;"), &format!("default {};", base.strip_prefix("http://").unwrap()));
    }
    put("listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl"));
    put("/etc/sanbao/chain.pem", certificate.tls.certificate.to_str().unwrap());
    put("/etc/sanbao/key.pem", certificate.tls.key.to_str().unwrap());
    put("/var/log/nginx/access.log", folder.join("access.log").to_str().unwrap());
    text
}

/// The frame around the shipped file: one process that needs nothing outside its folder.
fn around(folder: &Path) -> String {
    let temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temp: Vec<String> =
        temp.iter().map(|kind| format!("{kind}_temp_path {}/{kind};\n", folder.display())).collect();
    let temp = temp.concat();
    format!(
        "daemon off; master_process off; pid {0}/pid; error_log {0}/error.log warn;\n\
         events {{ worker_connections 512; }}\nhttp {{ access_log off;\n{temp}include {0}/site.conf; }}\n",
        folder.display()
    )
}

impl Prepared {
    /// The site's address.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Starts it in front of services; returns when it takes connections.
    pub async fn start(self, bases: &[(&str, String)]) -> Proxy {
        let Self { folder, port, certificate } = self;
        let configuration: PathBuf = folder.path().join("nginx.conf");
        std::fs::write(folder.path().join("site.conf"), site(bases, port, &certificate, folder.path())).unwrap();
        std::fs::write(&configuration, around(folder.path())).unwrap();
        let program = std::env::var_os("SANBAO_TEST_NGINX").unwrap_or_else(|| "nginx".into());
        let mut command = Command::new(program);
        command
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&configuration)
            .arg("-e")
            .arg(folder.path().join("error.log"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("nginx; tests/run installs it");
        let mut proxy = Proxy { child, folder, port, certificate };
        until("nginx takes connections", async || {
            assert!(proxy.child.try_wait().unwrap().is_none(), "nginx has ended: {}", proxy.complaints());
            tokio::net::TcpStream::connect(("127.0.0.1", proxy.port)).await.is_ok()
        })
        .await;
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
