//! The real binary as a child process: started, killed, asked to end; never left behind.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use sanbao_platform::testing::{eventually, forget_settings, port, until};

use crate::common::Client;

/// A running `sanbao`.
pub struct Process {
    child: Child,
    pub base: String,
}

impl Process {
    /// `sanbao demo` on `dir`; returns when it is ready.
    pub async fn demo(dir: &Path) -> Self {
        let (port, turn) = (port(), port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
        command.arg("demo").arg("--data-dir").arg(dir).args(["--port", &port.to_string()]);
        command.args(["--turn-port", &turn.to_string()]);
        Self::ready(command, format!("http://127.0.0.1:{port}")).await
    }

    /// Runs `command`, which serves at `base`; returns when it is ready.
    pub async fn ready(mut command: Command, base: String) -> Self {
        forget_settings(&mut command);
        let child = command.stdout(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
        let mut process = Self { child, base };
        let client = process.client();
        until("sanbao is ready", async || {
            if let Some(status) = process.child.try_wait().unwrap() {
                panic!("sanbao ended before it was ready: {status}");
            }
            client.request("get", "/readyz").send().await.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        process
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn client(&self) -> Client {
        Client::new(self.base.clone())
    }

    /// Kills it as a power cut would: SIGKILL, no chance to tidy up.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end and waits until it has.
    pub async fn terminate(mut self) -> ExitStatus {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        eventually("sanbao ends", async || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
