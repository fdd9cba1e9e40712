//! A `nats-server` of the test's own: one, or three that replicate, each of which can be killed and started again.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sanbao_platform::config::Secret;
use sanbao_platform::nats::{Nats, NatsConfig};
use sanbao_platform::testing::port;

/// Nothing takes longer; a wait that does has failed.
const PATIENCE: Duration = Duration::from_secs(90);

/// Servers on loopback, with their files in a folder that goes with them.
pub struct NatsServers {
    program: std::ffi::OsString,
    folder: tempfile::TempDir,
    ports: Vec<(u16, u16)>,
    running: Vec<Option<Child>>,
}

/// Where the program is; `None` when it was left out on purpose.
fn program() -> Option<std::ffi::OsString> {
    let program = std::env::var_os("SANBAO_TEST_NATS_SERVER");
    assert!(
        program.is_some() || std::env::var_os("SANBAO_TEST_ONLY_EMBEDDED").is_some(),
        "SANBAO_TEST_NATS_SERVER is not set: run tests/run, or tests/run --only-embedded"
    );
    program
}

impl NatsServers {
    /// Starts so many; nothing when NATS was left out on purpose.
    pub fn start(count: usize) -> Option<Self> {
        let program = program()?;
        let ports = (0..count).map(|_| (port(), port())).collect();
        let running = (0..count).map(|_| None).collect();
        let mut servers = Self { program, folder: tempfile::tempdir().unwrap(), ports, running };
        (0..count).for_each(|n| servers.restart(n));
        Some(servers)
    }

    /// Kills one as a power cut would kill the process: without a word.
    pub fn kill(&mut self, n: usize) {
        if let Some(mut child) = self.running[n].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts one again, where its files are.
    pub fn restart(&mut self, n: usize) {
        let store = self.folder.path().join(n.to_string());
        let config = self.folder.path().join(format!("{n}.conf"));
        let (port, cluster_port) = self.ports[n];
        let store = store.display();
        let mut text = format!("server_name: n{n}\nlisten: 127.0.0.1:{port}\njetstream {{ store_dir: \"{store}\" }}\n");
        if self.ports.len() > 1 {
            let routes: Vec<_> = self.ports.iter().map(|(_, port)| format!("nats://127.0.0.1:{port}")).collect();
            let routes = routes.join(", ");
            let cluster = format!("cluster {{ name: c, listen: 127.0.0.1:{cluster_port}, routes: [{routes}] }}\n");
            text.push_str(&cluster);
        }
        std::fs::write(&config, text).unwrap();
        let log = std::fs::File::create(self.folder.path().join(format!("{n}.log"))).unwrap();
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(config).stdout(Stdio::null()).stderr(log);
        self.running[n] = Some(command.spawn().unwrap());
    }

    /// Their addresses.
    pub fn urls(&self) -> Vec<String> {
        self.ports.iter().map(|(port, _)| format!("nats://127.0.0.1:{port}")).collect()
    }

    /// How a relay is told of them.
    pub fn config(&self) -> NatsConfig {
        let urls = self.urls().into_iter().map(Secret).collect();
        NatsConfig { replicas: self.ports.len(), connect_wait_ms_max: 30_000, ..NatsConfig::new(urls) }
    }

    /// Connects, once `JetStream` answers.
    pub async fn connect(&self) -> Nats {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Nats::connect(&self.config(), "test").await {
                Ok(nats) => return nats,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            // A cluster answers once it has chosen who leads.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for NatsServers {
    fn drop(&mut self) {
        (0..self.running.len()).for_each(|n| self.kill(n));
    }
}
