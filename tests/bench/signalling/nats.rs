//! The `nats-server`s below a relay whose room log is in `JetStream`: one, or three that replicate, with file storage.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use sanbao_platform::testing::port;

use crate::{Failure, machine};

/// Debian puts it where an ordinary user's `PATH` does not lead.
const BINARIES: [&str; 2] = ["nats-server", "/usr/sbin/nats-server"];

/// Servers on loopback; they end, and their files go, with this value.
pub struct NatsServers {
    running: Vec<Child>,
    ports: Vec<u16>,
    folder: tempfile::TempDir,
}

impl NatsServers {
    /// The program and its version, when it is installed.
    pub fn version() -> Option<String> {
        BINARIES.iter().find_map(|binary| machine::first_line(binary, &["--version"]))
    }

    /// The file system that they write to, by name.
    pub fn file_system() -> String {
        let target = machine::target("").display().to_string();
        let printed = machine::output("df", &["--output=fstype", &target]).unwrap_or_default();
        printed.lines().nth(1).unwrap_or("an unknown file system").to_owned()
    }

    /// Starts so many. They need a moment until they answer.
    pub fn start(count: usize) -> Result<Self, Failure> {
        let binary = BINARIES.iter().find(|b| machine::first_line(b, &["--version"]).is_some());
        let binary = binary.ok_or("nats-server is not installed")?;
        std::fs::create_dir_all(machine::target(""))?;
        let folder = tempfile::Builder::new().prefix("bench-nats-").tempdir_in(machine::target(""))?;
        let pairs = (0..count).map(|_| (port(), port())).collect::<Vec<_>>();
        let routes: Vec<_> = pairs.iter().map(|(_, port)| format!("nats://127.0.0.1:{port}")).collect();
        let ports = pairs.iter().map(|(port, _)| *port).collect();
        let mut servers = Self { running: Vec::new(), ports, folder };
        for (n, (port, cluster_port)) in pairs.iter().enumerate() {
            let file = servers.path(&format!("{n}.conf"));
            let store = servers.path(&n.to_string());
            let store = store.display();
            let mut text =
                format!("server_name: n{n}\nlisten: 127.0.0.1:{port}\njetstream {{ store_dir: \"{store}\" }}\n");
            if count > 1 {
                let routes = routes.join(", ");
                let cluster = format!("cluster {{ name: c, listen: 127.0.0.1:{cluster_port}, routes: [{routes}] }}\n");
                text.push_str(&cluster);
            }
            std::fs::write(&file, text)?;
            let mut command = Command::new(binary);
            command.arg("-c").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            servers.running.push(command.spawn()?);
        }
        Ok(servers)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Their addresses.
    pub fn urls(&self) -> Vec<String> {
        self.ports.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect()
    }

    /// Their process ids.
    pub fn processes(&self) -> impl Iterator<Item = u32> {
        self.running.iter().map(Child::id)
    }
}

impl Drop for NatsServers {
    fn drop(&mut self) {
        for server in &mut self.running {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
