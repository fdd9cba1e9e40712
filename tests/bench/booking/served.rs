//! `sanbao serve` in a process of its own.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sanbao_platform::testing::{PATIENCE, TestEngine, forget_settings, port, until};
use tokio::time::sleep;

use crate::town::Town;

/// Clock ticks of the kernel in a second, as it tells them to programs.
const TICKS: f64 = 100.0;

/// A process that serves a town; it ends with this.
#[derive(Debug)]
pub(crate) struct Served {
    child: Child,
    /// The process that serves, where another one watches it.
    serving: u32,
    pub(crate) base: String,
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap()
}

fn sanbao(town: &Town, under: &[&str]) -> (Command, String) {
    let (listen, turn) = (format!("127.0.0.1:{}", port()), format!("127.0.0.1:{}", port()));
    let program = env!("CARGO_BIN_EXE_sanbao");
    let mut command = match under {
        [] => Command::new(program),
        [watcher, options @ ..] => {
            let mut command = Command::new(watcher);
            command.args(options).arg(program);
            command
        }
    };
    forget_settings(&mut command);
    command.args(["serve", "--listen", &listen, "--turn-listen", &turn, "--log", "error"]);
    command.arg("--secret-file").arg(town.secret_file());
    match &town.engine {
        TestEngine::Sqlite(folder) => command.arg("--data-dir").arg(folder.path()),
        TestEngine::Postgres(url) => command.arg("--database-url").arg(url),
    };
    (command, format!("http://{listen}"))
}

impl Served {
    pub(crate) async fn start(town: &Town) -> Self {
        Self::under(town, &[]).await
    }

    async fn under(town: &Town, watcher: &[&str]) -> Self {
        let (mut command, base) = sanbao(town, watcher);
        let child = command.stdout(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
        let (ready, client) = (format!("{base}/readyz"), client());
        until("it is ready", async || client.get(&ready).send().await.is_ok_and(|a| a.status() == 200)).await;
        let serving = if watcher.is_empty() { child.id() } else { child_of(child.id()) };
        Self { child, serving, base }
    }

    /// The process that serves.
    pub(crate) fn pid(&self) -> u32 {
        self.serving
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.serving.to_string()).status();
        let _ = self.child.wait();
    }
}

fn child_of(pid: u32) -> u32 {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    children.split_whitespace().next().unwrap().parse().unwrap()
}

/// The seconds of CPU that a process has taken.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name stands in brackets, and may hold blanks; user and system time are the 14th and 15th fields.
    let behind = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = behind.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
}

/// How often a process that serves waits for the disk while something is done; `None` where nothing can count it.
pub(crate) async fn counted_syncs<T>(town: &Town, done: impl AsyncFnOnce(&Served) -> T) -> Option<(u32, T)> {
    Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    let log = town.folder.path().join("syncs");
    let file = log.to_str().unwrap().to_owned();
    let watcher = ["strace", "-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o", &file];
    let served = Served::under(town, &watcher).await;
    let count = || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        u32::try_from(text.matches("sync(").count()).unwrap()
    };
    sleep(Duration::from_secs(1)).await;
    let before = count();
    let got = done(&served).await;
    sleep(Duration::from_millis(200)).await;
    let after = count();
    drop(served);
    Some((after - before, got))
}
