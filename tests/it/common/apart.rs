//! The three services as processes of the binary, one each, on one PostgreSQL and one `nats-server`.

use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sanbao::role::Role;
use sanbao_platform::testing::{self, TestEngine, port};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::common::Client;
use crate::common::nats::{self, NatsServer};
use crate::common::process::Process;
use crate::common::site;

/// The root secret of `common::parts`.
pub const ROOT: [u8; 32] = [42; 32];
/// The password of accounts of NATS that services have of their own, and how it stands in an address.
pub const PASSWORD: &str = "a:word/of@this-test";
const PASSWORD_ENCODED: &str = "a%3Aword%2Fof%40this-test";

/// Services apart, and what they share.
pub struct Apart {
    pub url: String,
    pub nats: NatsServer,
    dir: tempfile::TempDir,
    ports: [u16; 3],
    processes: [Option<Process>; 3],
    /// The address that a proxy with HTTPS has for all three.
    pub public_url: Option<String>,
    /// Each service has accounts of its own in PostgreSQL and NATS.
    own_accounts: bool,
}

/// The address of a NATS with accounts for a service.
pub fn as_account_of(role: Role, nats: &NatsServer) -> String {
    nats.url().replace("nats://", &format!("nats://{}:{PASSWORD_ENCODED}@", role.name()))
}

fn index(role: Role) -> usize {
    Role::ALL.iter().position(|r| *r == role).unwrap()
}

impl Apart {
    /// `None` when PostgreSQL and NATS were left out on purpose.
    pub async fn new() -> Option<Self> {
        let TestEngine::Postgres(url) = testing::postgres().await? else { unreachable!() };
        nats::program()?;
        let ports = [port(), port(), port()];
        let dir = tempfile::tempdir().unwrap();
        let (nats, processes) = (NatsServer::start().await, [None, None, None]);
        Some(Self { url, nats, dir, ports, processes, public_url: None, own_accounts: false })
    }

    /// With accounts of each service's own, as `deploy/accounts.sql` and `deploy/nats.conf` make them.
    pub async fn with_own_accounts(self) -> Self {
        sqlx::raw_sql(include_str!("../../../deploy/accounts.sql")).execute(&mut self.sql().await).await.unwrap();
        Self { nats: Self::nats_with_accounts().await, own_accounts: true, ..self }
    }

    /// A NATS as `deploy/nats.conf` makes it.
    pub async fn nats_with_accounts() -> NatsServer {
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/nats.conf");
        let words = ["BOOKING", "SIGNALLING", "NEEDS_ANALYSIS"].map(|name| (format!("{name}_PASSWORD"), PASSWORD));
        NatsServer::start_with(&["-c", config], &words).await
    }

    /// The database as a service reaches it.
    pub fn url_of(&self, role: Role) -> String {
        let name = role.name().replace('-', "_");
        if self.own_accounts { self.url.replace("postgres@", &format!("sanbao_{name}@")) } else { self.url.clone() }
    }

    /// NATS as a service reaches it.
    pub fn nats_of(&self, role: Role) -> String {
        if !self.own_accounts {
            return self.nats.url();
        }
        as_account_of(role, &self.nats)
    }

    /// Where the root secret is.
    pub fn secret(&self) -> PathBuf {
        self.dir.path().join("secret.json")
    }

    pub fn write_secret(&self) {
        std::fs::write(self.secret(), json!({ "root": URL_SAFE_NO_PAD.encode(ROOT) }).to_string()).unwrap();
    }

    pub fn base(&self, role: Role) -> String {
        format!("http://127.0.0.1:{}", self.ports[index(role)])
    }

    fn command(&self, role: Role, nats: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
        command.args(["serve", role.name(), "--database-url", &self.url_of(role), "--nats", nats, "--no-turn"]);
        command.args(["--second-factor", "nobody"]);
        command.args(["--log", "error", "--log-format", "plain", "--secret-file"]).arg(self.secret());
        command.args(["--listen", &format!("127.0.0.1:{}", self.ports[index(role)])]);
        if let Some(url) = &self.public_url {
            command.args(["--behind-https-proxy", "--public-url", url]);
        }
        command
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&mut self, role: Role) {
        let process = Process::ready(self.command(role, &self.nats_of(role)), self.base(role)).await;
        self.processes[index(role)] = Some(process);
    }

    /// SIGKILL.
    pub fn kill(&mut self, role: Role) {
        self.processes[index(role)].take().unwrap().kill();
    }

    /// The error of a start of `role` that must fail.
    pub fn refusal(&self, role: Role, nats: &str) -> String {
        let output = self.command(role, nats).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }

    /// Every service with its address.
    pub fn bases(&self) -> Vec<(&'static str, String)> {
        Role::ALL.iter().map(|role| (role.name(), self.base(*role))).collect()
    }

    /// The one address of the site.
    pub async fn site(&self) -> Client {
        Client::new(site::serve(self.bases()).await)
    }

    pub async fn sql(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    /// A booked consult's time has come: the next free time of the demo's doctor may be tomorrow's.
    pub async fn time_has_come(&self, consult: Uuid) {
        let moved =
            "update booking.consult set starts_at = now(), ends_at = now() + interval '30 minutes' where id = $1";
        sqlx::query(moved).bind(consult).execute(&mut self.sql().await).await.unwrap();
    }
}
