//! A place of its own for a network that commands of the real binary work on: a folder, or a database on the test server.

use std::path::{Path, PathBuf};
use std::process::Command;

use sanbao::settings::Storage;
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_platform::testing::{TestEngine, forget_settings, port};

use super::process::Process;
use super::{Served, parts_at, root};

pub const PASSPHRASE: &str = "three boats on the river";

/// Arguments of the command line, and the same as a storage.
pub struct Place {
    pub storage: Storage,
    pub secret: PathBuf,
}

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    forget_settings(&mut command);
    command
}

impl Place {
    pub fn of(engine: &TestEngine, folder: &Path) -> Self {
        match engine {
            TestEngine::Sqlite(_) => Self::files(&folder.join("network")),
            TestEngine::Postgres(url) => {
                Self { storage: Storage::Postgres(Secret(url.clone())), secret: folder.join("secret.json") }
            }
        }
    }

    pub fn files(dir: &Path) -> Self {
        Self { storage: Storage::Files(dir.to_owned()), secret: dir.join("secret.json") }
    }

    fn arguments(&self) -> Vec<String> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        match &self.storage {
            Storage::Files(dir) => vec!["--data-dir".to_owned(), text(dir)],
            Storage::Postgres(url) => {
                vec!["--database-url".to_owned(), url.0.clone(), "--secret-file".to_owned(), text(&self.secret)]
            }
        }
    }

    /// A command over a file of this network's.
    pub fn command(&self, name: &str, file: &Path) -> Command {
        let mut command = binary();
        command.arg(name).arg(file).args(self.arguments()).env("SANBAO_PASSPHRASE", PASSPHRASE);
        command
    }

    /// Whether `sanbao verify` finds everything kept, and what it says.
    pub fn verified(&self) -> (bool, String) {
        let output = binary().arg("verify").args(self.arguments()).output().unwrap();
        (output.status.success(), [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat())
    }

    /// The demo's network here, as one that is nobody's demo: its secret lies beside it.
    pub async fn filled(&self, engine: &TestEngine, clock: Clock) -> Served {
        let parts = parts_at(&self.storage, clock).await;
        sanbao::demo::fill(&parts).await.unwrap();
        root().save_new(&self.secret).unwrap();
        Served::of(engine.clone(), parts).await
    }

    /// `sanbao serve` over this network, without a second factor; returns when it is ready.
    pub async fn serve(&self) -> Process {
        let at = format!("127.0.0.1:{}", port());
        let mut command = binary();
        command.arg("serve").args(self.arguments()).args(["--no-turn", "--second-factor", "nobody", "--listen", &at]);
        Process::ready(command, format!("http://{at}")).await
    }
}
