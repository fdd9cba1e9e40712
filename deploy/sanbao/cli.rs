//! The command line: flags, their environment variables, and how they become [`Settings`]. No I/O but for a secret that
//! is given as a file.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use sanbao_platform::cn::DiallingCode;
use sanbao_platform::config::Secret;
use sanbao_platform::http::Tls;
use sanbao_platform::telemetry::LogFilter;

use crate::cli_accounts::{AccountArgs, AccountCommand, demo_rules};
use crate::cli_audit::{AuditArgs, AuditCommand};
use crate::cli_connections::{ConnectionArgs, place_of};
use crate::cli_keeping::{BackupArgs, CheckArgs, ErasuresCommand, MigrateArgs, MoveArgs, RestoreArgs};
use crate::cli_media::{MediaArgs, demo_peers};
use crate::cli_needs::NeedsCommand;
use crate::cli_network::NetworkArgs;
use crate::cli_otlp::OtlpArgs;
use crate::cli_retention::{KeepArgs, RetentionArgs};
use crate::cli_secret::secret_of;
use crate::cli_turn::TurnArgs;
use crate::role::Role;
use crate::settings::{NTP_DEFAULT, RELAY_PORTS_DEFAULT, Settings, SettingsError, Site, Storage, TURN_PORT, Turn};

/// 三宝 Sanbao: tele-consults, home visits and needs analysis for an elderly-care network, in one process.
#[derive(Debug, Parser)]
#[command(name = "sanbao", version, propagate_version = true)]
pub struct Cli {
    /// The advice.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of the binary.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs a filled demonstration network with known log-ins: only for trying things out.
    Demo(DemoArgs),
    /// Runs all three services in this process, on one port; or one of them, beside the others.
    Serve(Box<ServeArgs>),
    /// Prints the configuration that `serve` would run with, secrets masked.
    Config(Box<ServeArgs>),
    /// Asks the process that serves by these settings on this machine whether it is ready; exit code 0 if it is.
    Health(Box<ServeArgs>),
    /// Prints a new one-time link by which the first administrator is made.
    SetupLink(Box<ServeArgs>),
    /// Work on accounts on the machine, for people who cannot log in to do it.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Gives fields at rest a new key and seals all of them anew. The network must be stopped: with --data-dir a running
    /// one is noticed, with --database-url stop every process first. May be broken off; the next run goes on.
    Reseal(StoreArgs),
    /// Looks whether this installation would hold a day: databases and secret, disk, the last backup, certificate, TURN, clock;
    /// exit code 1 where something is bad. May run beside the server.
    Check(Box<CheckArgs>),
    /// Holds everything that the network keeps twice against itself: the calendar against consults and visits, states against
    /// their history, counts against requests. Writes nothing and may run beside the server; exit code 1 where one differs.
    Verify(StoreArgs),
    /// Brings the schemas of a network to this version without serving it, or only tells what would be done. `serve` does
    /// the same as it starts. With --data-dir the network must be stopped.
    Migrate(MigrateArgs),
    /// Writes everything of one moment, with the root secret, into one file under a passphrase. May run beside the server.
    Backup(BackupArgs),
    /// Makes a network out of a backup, in an empty folder or database. Broken off, it leaves nothing that could be served, and
    /// can be begun again.
    Restore(RestoreArgs),
    /// Work on the list of those who were erased, which a restore of an older backup is given.
    #[command(subcommand)]
    Erasures(ErasuresCommand),
    /// Tells what is kept no longer, by class and year, or takes it away now, as the server does by itself once a day. With the
    /// settings of `serve`; may run beside the server.
    Retention(Box<RetentionArgs>),
    /// Copies a stopped network of files to a PostgreSQL server, and compares each table. The folder stays as it is. Broken off,
    /// it leaves nothing that could be served, and can be begun again.
    MoveToPostgres(MoveArgs),
    /// Work on the audit logs.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Work on the requests and numbers of the needs-analysis service.
    #[command(subcommand)]
    NeedsAnalysis(NeedsCommand),
}

/// The flags of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Where the demo keeps its data; survives restarts, delete it to start anew
    /// [default: sanbao/demo in the user's data folder, ~/.local/share on Linux].
    #[arg(long, env = "SANBAO_DEMO_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The port of pages and API.
    #[arg(long, env = "SANBAO_DEMO_PORT", default_value_t = 8080)]
    pub port: u16,
    /// Serve HTTPS to tablets and phones in the house, by a certificate authority made for this demo.
    #[arg(long)]
    pub lan: bool,
    /// The UDP and TCP port of STUN and TURN; a free one if it is taken.
    #[arg(long, env = "SANBAO_DEMO_TURN_PORT", default_value_t = TURN_PORT, value_name = "PORT")]
    pub turn_port: u16,
    /// The filter of the log on standard error.
    #[arg(long, env = "SANBAO_DEMO_LOG", default_value = "warn", value_name = "FILTER")]
    pub log: LogFilter,
}

/// Where data lies.
#[derive(Clone, Debug, Args)]
pub struct StoreArgs {
    /// Folder of the `SQLite` files and of the root secret [default: sanbao/network in the user's data folder].
    #[arg(long, env = "SANBAO_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// `PostgreSQL` instead: `postgres://user:password@host/database`, one schema a service; `@FILE` for a file that holds it.
    #[arg(long, env = "SANBAO_DATABASE_URL", hide_env_values = true, value_name = "URL",
          value_parser = secret_of)]
    pub database_url: Option<Secret<String>>,
    /// File of the root secret that every key is derived from; made if missing [default: secret.json in the data folder].
    #[arg(long, env = "SANBAO_SECRET_FILE", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
}

/// The flags of `serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// The one service that this process runs; it needs --database-url and --nats [default: all three].
    #[arg(value_enum, env = "SANBAO_SERVICE", value_name = "SERVICE")]
    pub role: Option<Role>,
    /// Where to listen: `127.0.0.1:8080`, `localhost:8080`, `[::1]:8080`; `0.0.0.0:8443` is every address of this machine.
    #[arg(long, env = "SANBAO_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR", value_parser = place_of)]
    pub listen: SocketAddr,
    // A doc comment here would replace the flattened help.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Serve only databases that are of this version, and change no schema: run `sanbao migrate` first.
    #[arg(long, env = "SANBAO_NO_MIGRATE")]
    pub no_migrate: bool,
    /// The certificate chain, PEM, the server's own first.
    #[arg(long, env = "SANBAO_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, env = "SANBAO_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// A proxy in front does HTTPS and sets X-Forwarded-For.
    #[arg(long, env = "SANBAO_BEHIND_HTTPS_PROXY")]
    pub behind_https_proxy: bool,
    /// How people reach the site; links begin with it [default: by --listen].
    #[arg(long, env = "SANBAO_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// The area code that a landline without one is of: 0574.
    #[arg(long, env = "SANBAO_DIALLING_CODE", value_name = "CODE")]
    pub dialling_code: Option<DiallingCode>,
    /// The telephone systems and platforms of devices that send signed signals: a JSON list of name, `organisation_id`,
    /// `area_code` and secret (`whsec_…`).
    #[arg(long, env = "SANBAO_SIGNAL_FILE", value_name = "FILE")]
    pub signal_file: Option<PathBuf>,
    #[command(flatten)]
    pub turn: TurnArgs,
    #[command(flatten)]
    pub media: MediaArgs,
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Bearer token that opens /metrics from elsewhere, or `@FILE`; without it only this machine may read them.
    #[arg(long, env = "SANBAO_METRICS_TOKEN", hide_env_values = true, value_name = "TOKEN",
          value_parser = secret_of)]
    pub metrics_token: Option<Secret<String>>,
    /// The server of time that the clock is held against when somebody looks at the installation's state, port 123 unless said
    /// otherwise.
    #[arg(long, env = "SANBAO_NTP", default_value = NTP_DEFAULT, value_name = "HOST")]
    pub ntp: String,
    #[command(flatten)]
    pub connections: ConnectionArgs,
    #[command(flatten)]
    pub accounts: AccountArgs,
    #[command(flatten)]
    pub audit: AuditArgs,
    #[command(flatten)]
    pub keep: KeepArgs,
    /// The filter of the log on standard error: `info`, or `sanbao_booking=debug,info`; `@FILE` for the first line of a
    /// file, which SIGHUP has read again.
    #[arg(long, env = "SANBAO_LOG", default_value = "info", value_name = "FILTER")]
    pub log: LogFilter,
    /// How it is logged.
    #[arg(long, env = "SANBAO_LOG_FORMAT", default_value = "json", value_name = "FORMAT")]
    pub log_format: LogFormat,
    #[command(flatten)]
    pub otlp: OtlpArgs,
}

/// The area code of the demo's district.
const DEMO_DIALLING_CODE: &str = "0574";

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Lines for people.
    Plain,
}

/// The folder that the user's programs keep data in, from the environment's `XDG_DATA_HOME` and `HOME`.
fn user_data(name: &str, xdg: Option<PathBuf>, home: Option<PathBuf>) -> Result<PathBuf, SettingsError> {
    let base = xdg.filter(|p| p.is_absolute()).or_else(|| home.map(|h| h.join(".local/share")));
    let missing = SettingsError::Needed { flag: "--data-dir", because: "neither HOME nor XDG_DATA_HOME is set" };
    Ok(base.ok_or(missing)?.join("sanbao").join(name))
}

/// The default folder of `name`'s data.
pub fn default_data_dir(name: &str) -> Result<PathBuf, SettingsError> {
    let path = |key: &str| std::env::var_os(key).filter(|v| !v.is_empty()).map(PathBuf::from);
    user_data(name, path("XDG_DATA_HOME"), path("HOME"))
}

impl StoreArgs {
    /// Where data lies and where the secret is.
    pub fn storage(&self) -> Result<(Storage, PathBuf), SettingsError> {
        if let Some(url) = &self.database_url {
            if !url.0.starts_with("postgres://") && !url.0.starts_with("postgresql://") {
                let because = "only postgres:// URLs; for SQLite give --data-dir";
                return Err(SettingsError::Value { flag: "--database-url", value: "***".into(), because });
            }
            let secret = self.secret_file.clone().or_else(|| Some(self.data_dir.as_ref()?.join("secret.json")));
            let because = "with --database-url there is no data folder to keep the root secret in";
            let secret = secret.ok_or(SettingsError::Needed { flag: "--secret-file", because })?;
            return Ok((Storage::Postgres(url.clone()), secret));
        }
        let dir = self.data_dir.clone().map_or_else(|| default_data_dir("network"), Ok)?;
        let secret = self.secret_file.clone().unwrap_or_else(|| dir.join("secret.json"));
        Ok((Storage::Files(dir), secret))
    }
}

fn public_url(given: Option<&str>, listen: SocketAddr, site: &Site) -> Result<String, SettingsError> {
    if let Some(url) = given {
        let url = url.trim_end_matches('/');
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        return match host {
            Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']) => Ok(url.to_owned()),
            _ => Err(SettingsError::Value {
                flag: "--public-url",
                value: url.to_owned(),
                because: "scheme and host only, as https://sanbao.example",
            }),
        };
    }
    let loopback = match listen.ip() {
        IpAddr::V4(a) if a.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(a) if a.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        given => given,
    };
    let scheme = if site.secure() { "https" } else { "http" };
    Ok(format!("{scheme}://{}", SocketAddr::new(loopback, listen.port())))
}

impl ServeArgs {
    /// The settings these flags stand for.
    pub fn settings(&self) -> Result<Settings, SettingsError> {
        let (storage, secret_file) = self.store.storage()?;
        let site = self.site()?;
        let nats = self.network.nats.nats()?;
        if self.role.is_some() {
            let because = "a service that runs alone shares PostgreSQL and NATS with the others";
            if !matches!(storage, Storage::Postgres(_)) {
                return Err(SettingsError::Needed { flag: "--database-url", because });
            }
            if nats.is_none() {
                return Err(SettingsError::Needed { flag: "--nats", because });
            }
        }
        let public_url = public_url(self.public_url.as_deref(), self.listen, &site)?;
        Ok(Settings {
            role: self.role,
            listen: self.listen,
            bounds: self.connections.bounds(&site)?,
            turn: self.turn(&site, &public_url)?,
            media: self.media.rules(),
            accounts: self.accounts.rules(),
            public_url,
            dialling_code: self.dialling_code.clone(),
            signal_file: self.signal_file.clone(),
            site,
            storage,
            secret_file,
            no_migrate: self.no_migrate,
            ntp: self.ntp.clone(),
            nats,
            stream_limits: self.network.stream_limits(),
            audit: self.audit.keeping(self.network.keep_answer_days)?,
            retention: self.network.retention()?,
            periods: self.keep.periods(self.audit.keep_audit_days),
            metrics_token: self.metrics_token.clone(),
            log: self.log.clone(),
            log_plain: self.log_format == LogFormat::Plain,
            otlp: self.otlp.collector()?,
        })
    }

    /// Only the relay has a use for TURN; the settings of one network may stand in one environment for all.
    fn turn(&self, site: &Site, public_url: &str) -> Result<Turn, SettingsError> {
        match self.role {
            None | Some(Role::Signalling) => self.turn.turn(self.listen, site, public_url),
            Some(Role::Booking | Role::NeedsAnalysis) => Ok(Turn::Off),
        }
    }

    fn site(&self) -> Result<Site, SettingsError> {
        let pair = |given, missing| Err(SettingsError::Pair { given, missing });
        match (&self.tls_cert, &self.tls_key) {
            (Some(_), None) => pair("--tls-cert", "--tls-key"),
            (None, Some(_)) => pair("--tls-key", "--tls-cert"),
            (Some(_), Some(_)) if self.behind_https_proxy => {
                Err(SettingsError::Both("--tls-cert", "--behind-https-proxy"))
            }
            (Some(certificate), Some(key)) => {
                Ok(Site::Https(Tls { certificate: certificate.clone(), key: key.clone() }))
            }
            (None, None) if self.behind_https_proxy => Ok(Site::BehindProxy),
            (None, None) if self.listen.ip().is_loopback() => Ok(Site::Plain),
            (None, None) => Err(SettingsError::PlainBeyondLoopback(self.listen)),
        }
    }
}

impl DemoArgs {
    /// Where the demo keeps its data.
    pub fn folder(&self) -> Result<PathBuf, SettingsError> {
        self.data_dir.clone().map_or_else(|| default_data_dir("demo"), Ok)
    }

    /// The settings of a demo in `dir` that is reached under `address`; the LAN's certificate if there is one.
    pub fn settings(&self, dir: &Path, address: IpAddr, turn_port: u16, tls: Option<Tls>) -> Settings {
        let any: IpAddr = Ipv4Addr::UNSPECIFIED.into();
        let bind = if self.lan { any } else { address };
        let site = tls.map_or(Site::Plain, Site::Https);
        let scheme = if site.secure() { "https" } else { "http" };
        Settings {
            listen: SocketAddr::new(bind, self.port),
            public_url: format!("{scheme}://{}", SocketAddr::new(address, self.port)),
            site,
            dialling_code: DEMO_DIALLING_CODE.parse().ok(),
            turn: Turn::Embedded {
                listen: SocketAddr::new(bind, turn_port),
                // In the house nothing stands between that lets only TLS pass.
                tls: None,
                public_ips: vec![address],
                relay_ports: RELAY_PORTS_DEFAULT,
                // Two browsers of one desk or one house are each other's peers on private addresses.
                allow_peers: demo_peers(),
                deny_peers: Vec::new(),
            },
            log: self.log.clone(),
            accounts: demo_rules(),
            ..Settings::offline(Storage::Files(dir.to_owned()), dir.join("secret.json"))
        }
    }
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
