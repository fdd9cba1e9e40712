//! A `nats-server` of a test's own, to be killed and started again on its data.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use sanbao_platform::testing::{port, until};
use tempfile::TempDir;

/// A running server.
pub struct NatsServer {
    child: Child,
    data: TempDir,
    port: u16,
}

/// Where the program is; `None` when it was left out on purpose.
pub fn program() -> Option<std::ffi::OsString> {
    let program = std::env::var_os("SANBAO_TEST_NATS_SERVER");
    assert!(
        program.is_some() || std::env::var_os("SANBAO_TEST_ONLY_EMBEDDED").is_some(),
        "SANBAO_TEST_NATS_SERVER is not set: run tests/run, or tests/run --only-embedded"
    );
    program
}

fn spawn(data: &Path, port: u16, more: &[&str], words: &[(String, &str)]) -> Child {
    let mut command = Command::new(program().unwrap());
    command.arg("-sd").arg(data).args(["-a", "127.0.0.1", "-p", &port.to_string()]).args(more);
    command.envs(words.iter().map(|(name, word)| (name, word)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

async fn answers(port: u16) {
    until("nats-server answers", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
}

impl NatsServer {
    /// With `JetStream`, on a free port.
    pub async fn start() -> Self {
        Self::start_with(&["-js"], &[]).await
    }

    /// With other flags, and words of its environment.
    pub async fn start_with(flags: &[&str], words: &[(String, &str)]) -> Self {
        let (data, port) = (tempfile::tempdir().unwrap(), port());
        let child = spawn(data.path(), port, flags, words);
        answers(port).await;
        Self { child, data, port }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Kills it as a power cut of the process would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on its data and its port.
    pub async fn restart(&mut self) {
        self.child = spawn(self.data.path(), self.port, &["-js"], &[]);
        answers(self.port).await;
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
