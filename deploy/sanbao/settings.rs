//! The effective configuration: read from flags and environment without any I/O, refused when unusable.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use sanbao_booking::account::AccountConfig;
use sanbao_platform::audit::chain::Keeping;
use sanbao_platform::bus::{Retention, StreamLimits};
use sanbao_platform::cn::DiallingCode;
use sanbao_platform::config::Secret;
use sanbao_platform::http::{Bounds, Tls};
use sanbao_platform::nats::NatsConfig;
use sanbao_platform::retention::Periods;
use sanbao_platform::telemetry::LogFilter;
use sanbao_platform::telemetry::otlp::OtlpConfig;
use sanbao_signalling::turn::{BYTES_PER_S_PER_USER_MAX, RelayOnly};
use serde::Serialize;

use crate::role::Role;

/// The ports that the embedded TURN server relays on, unless said otherwise.
pub const RELAY_PORTS_DEFAULT: (u16, u16) = (50_000, 50_999);
/// The port of STUN and TURN (RFC 8489 §8.1).
pub const TURN_PORT: u16 = 3478;
/// The port of TURN over TLS (RFC 8656 §18.3 keeps that of RFC 5766 §6).
pub const TURN_TLS_PORT: u16 = 5349;

/// The server of time that the clock is held against, unless said otherwise: of the National Time Service Center (国家授时中心).
pub const NTP_DEFAULT: &str = "ntp.ntsc.ac.cn";

/// Bytes of a mebibyte.
pub const MIB: u64 = 1024 * 1024;

/// Where data lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// One `SQLite` file a service in this folder.
    Files(PathBuf),
    /// One schema a service on this `PostgreSQL` server.
    Postgres(Secret<String>),
}

/// How media is relayed between people who cannot reach each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// By the server inside this process.
    Embedded {
        /// Where it listens, UDP and TCP.
        listen: SocketAddr,
        /// Where it listens for TLS, with the site's certificate.
        tls: Option<TurnTls>,
        /// The addresses that clients and peers reach it under: at most one of each family.
        public_ips: Vec<IpAddr>,
        /// The relayed ports, first and last.
        relay_ports: (u16, u16),
        /// Networks that may be relayed to although they are refused by default.
        allow_peers: Vec<IpNet>,
        /// Networks that are never relayed to.
        deny_peers: Vec<IpNet>,
    },
    /// By a coturn elsewhere, with the same time-limited credentials.
    External {
        /// Its addresses (RFC 7065).
        urls: Vec<String>,
        /// The secret that it shares with this process.
        secret: Secret<String>,
    },
    /// Not at all: peers must reach each other.
    Off,
}

/// TURN over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnTls {
    /// Where it listens, TCP.
    pub listen: SocketAddr,
    /// The site's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The name or address in the certificate, which clients are told.
    pub host: String,
}

/// How the site is reached.
#[derive(Clone, Debug)]
pub enum Site {
    /// Plain HTTP; browsers give a camera on loopback only.
    Plain,
    /// HTTPS by this process.
    Https(Tls),
    /// HTTPS by a proxy in front, whose `X-Forwarded-For` is believed.
    BehindProxy,
}

impl Site {
    /// Whether browsers reach the site over HTTPS.
    pub fn secure(&self) -> bool {
        !matches!(self, Self::Plain)
    }

    /// The certificate, if this process does HTTPS itself.
    pub fn tls(&self) -> Option<Tls> {
        if let Self::Https(tls) = self { Some(tls.clone()) } else { None }
    }
}

/// The rules of media: which addresses go to whom, and how much one person may send.
#[derive(Clone, Copy, Debug)]
pub struct MediaRules {
    /// Whose media goes by way of TURN only, where there is TURN.
    pub relay_only: RelayOnly,
    /// Bytes a second of one person in the embedded TURN server.
    pub bytes_per_s_per_person_max: u64,
}

impl Default for MediaRules {
    fn default() -> Self {
        Self { relay_only: RelayOnly::default(), bytes_per_s_per_person_max: BYTES_PER_S_PER_USER_MAX }
    }
}

/// The settings of one process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The service it runs; all three if none is named.
    pub role: Option<Role>,
    pub listen: SocketAddr,
    /// The bounds of what connections may take of this process.
    pub bounds: Bounds,
    /// How it is reached.
    pub site: Site,
    /// The address that links begin with: `https://sanbao.example`.
    pub public_url: String,
    /// The area code of a landline that is told without one.
    pub dialling_code: Option<DiallingCode>,
    /// The file of those that send signals.
    pub signal_file: Option<PathBuf>,
    pub storage: Storage,
    /// The file of the root secret.
    pub secret_file: PathBuf,
    /// Whether databases are served as they are, and refused where they are not of this version.
    pub no_migrate: bool,
    /// The server of time that the clock is held against when somebody looks at the installation's state.
    pub ntp: String,
    /// How media is relayed.
    pub turn: Turn,
    /// The rules by which people learn each other's addresses, and how much media one person may send.
    pub media: MediaRules,
    /// The rules of log-ins.
    pub accounts: AccountConfig,
    /// The network to other processes.
    pub nats: Option<NatsConfig>,
    /// The bounds of a publisher's stream there.
    pub stream_limits: StreamLimits,
    /// How the audit logs are kept.
    pub audit: Keeping,
    /// How long the databases keep rows.
    pub retention: Retention,
    /// How long records are kept, by their class.
    pub periods: Periods,
    /// The token that opens `/metrics` from elsewhere than this machine.
    pub metrics_token: Option<Secret<String>>,
    /// The filter of the log: `info`, `sanbao_booking=debug,info`, or a file that holds one.
    pub log: LogFilter,
    /// Lines for people instead of JSON.
    pub log_plain: bool,
    /// The collector of traces and logs.
    pub otlp: Option<OtlpConfig>,
}

/// A configuration that cannot work; names the flag to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Half of a pair.
    #[error("{given} needs {missing} beside it")]
    Pair {
        /// The flag that was given.
        given: &'static str,
        /// The flag that was not.
        missing: &'static str,
    },
    /// Two that exclude each other.
    #[error("{0} and {1} exclude each other: give one of them")]
    Both(&'static str, &'static str),
    /// Plain HTTP beyond this machine.
    #[error(
        "--listen {0} is reachable from elsewhere over plain HTTP, where browsers give no camera and passwords can be read: \
         give --tls-cert and --tls-key, or --behind-https-proxy if something in front does HTTPS"
    )]
    PlainBeyondLoopback(SocketAddr),
    /// The public address cannot be guessed.
    #[error("{because}: give {flag}")]
    Needed { flag: &'static str, because: &'static str },
    /// A value that does not fit.
    #[error("{flag} {value}: {because}")]
    Value {
        flag: &'static str,
        /// The given value.
        value: String,
        because: &'static str,
    },
}

/// Whether one process can listen at only one of two TCP addresses.
pub(crate) fn exclude_each_other(a: SocketAddr, b: SocketAddr) -> bool {
    let any = |ip: IpAddr, other: IpAddr| ip.is_unspecified() && (ip.is_ipv6() || other.is_ipv4());
    let (ip, other) = (a.ip(), b.ip());
    a.port() == b.port() && a.port() != 0 && (ip == other || any(ip, other) || any(other, ip))
}

/// A section of the printed configuration.
pub type Section = (&'static str, Vec<(&'static str, serde_json::Value)>);

fn shown(value: impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

impl Settings {
    /// For work on the data that serves nothing.
    pub fn offline(storage: Storage, secret_file: PathBuf) -> Self {
        Self {
            role: None,
            listen: ([127, 0, 0, 1], 0).into(),
            bounds: Bounds::default(),
            site: Site::Plain,
            public_url: String::new(),
            dialling_code: None,
            signal_file: None,
            storage,
            secret_file,
            no_migrate: false,
            ntp: NTP_DEFAULT.to_owned(),
            turn: Turn::Off,
            media: MediaRules::default(),
            accounts: AccountConfig::default(),
            nats: None,
            stream_limits: StreamLimits::default(),
            audit: Keeping::default(),
            retention: Retention::default(),
            periods: Periods::default(),
            metrics_token: None,
            log: LogFilter::Text("info".to_owned()),
            log_plain: true,
            otlp: None,
        }
    }

    /// The services that it runs.
    pub fn roles(&self) -> &[Role] {
        self.role.as_ref().map_or(Role::ALL, std::slice::from_ref)
    }

    /// Its name where others see it: `sanbao`, `sanbao booking`.
    pub fn process_name(&self) -> String {
        self.role.map_or_else(|| "sanbao".to_owned(), |role| format!("sanbao {}", role.name()))
    }

    /// The settings by section, secrets masked; `sanbao config` prints them.
    pub fn sections(&self) -> Vec<Section> {
        let storage = match &self.storage {
            Storage::Files(dir) => vec![("engine", shown("sqlite")), ("data_dir", shown(dir))],
            Storage::Postgres(url) => {
                vec![("engine", shown("postgres")), ("database_url", shown(masked_url(&url.0)))]
            }
        };
        let storage = storage.into_iter().chain([("no_migrate", shown(self.no_migrate))]).collect();
        let turn = match &self.turn {
            Turn::Embedded { listen, tls, public_ips, relay_ports, allow_peers, deny_peers } => vec![
                ("mode", shown("embedded")),
                ("listen", shown(listen)),
                ("tls_listen", shown(tls.as_ref().map(|t| t.listen))),
                ("tls_host", shown(tls.as_ref().map(|t| &t.host))),
                ("tls_cert", shown(tls.as_ref().map(|t| &t.certificate))),
                ("tls_key", shown(tls.as_ref().map(|t| &t.key))),
                ("public_ips", shown(public_ips)),
                ("relay_ports", shown(format!("{}-{}", relay_ports.0, relay_ports.1))),
                ("allow_peers", shown(allow_peers.iter().map(ToString::to_string).collect::<Vec<_>>())),
                ("deny_peers", shown(deny_peers.iter().map(ToString::to_string).collect::<Vec<_>>())),
            ],
            Turn::External { urls, secret } => {
                vec![("mode", shown("external")), ("urls", shown(urls)), ("secret", shown(secret))]
            }
            Turn::Off => vec![("mode", shown("off"))],
        };
        let media = vec![
            ("relay_only", shown(format!("{:?}", self.media.relay_only).to_lowercase())),
            ("turn_bytes_per_s", shown(self.media.bytes_per_s_per_person_max)),
        ];
        let mut site = vec![("listen", shown(self.listen)), ("public_url", shown(&self.public_url))];
        site.push(("dialling_code", shown(self.dialling_code.as_ref().map(DiallingCode::as_str))));
        match &self.site {
            Site::Plain => site.push(("https", shown("none"))),
            Site::BehindProxy => site.push(("https", shown("by a proxy in front"))),
            Site::Https(tls) => site.extend([("tls_cert", shown(&tls.certificate)), ("tls_key", shown(&tls.key))]),
        }
        site.extend([
            ("connections_max", shown(self.bounds.connections_max)),
            ("connections_per_address_max", shown(self.bounds.connections_per_address_max)),
        ]);
        let around = vec![
            ("secret_file", shown(&self.secret_file)),
            ("signal_file", shown(&self.signal_file)),
            ("ntp", shown(&self.ntp)),
            ("metrics_token", shown(&self.metrics_token)),
            ("log", shown(self.log.to_string())),
            ("log_format", shown(if self.log_plain { "plain" } else { "json" })),
        ];
        let services: Vec<_> = self.roles().iter().map(|role| role.name()).collect();
        let process = vec![("services", shown(services))];
        let sections =
            vec![("process", process), ("site", site), ("storage", storage), ("turn", turn), ("media", media)];
        sections
            .into_iter()
            .chain([
                ("accounts", self.accounts_section()),
                ("audit", self.audit_section()),
                ("kept", self.kept_section()),
                ("nats", self.nats_section()),
                ("around", around),
                ("otlp", self.otlp_section()),
            ])
            .collect()
    }

    fn accounts_section(&self) -> Vec<(&'static str, serde_json::Value)> {
        vec![
            ("second_factor", shown(self.accounts.second_factor.name())),
            ("shared_idle_minutes", shown(self.accounts.shared_idle_minutes)),
        ]
    }

    fn otlp_section(&self) -> Vec<(&'static str, serde_json::Value)> {
        let Some(otlp) = &self.otlp else { return vec![("mode", shown("off"))] };
        let headers: Vec<_> = otlp.headers.iter().map(|(name, _)| name.as_str()).collect();
        vec![
            ("mode", shown("http/json")),
            ("url", shown(otlp.url.as_str())),
            ("headers", shown(headers)),
            ("ca_file", shown(&otlp.ca_file)),
        ]
    }

    fn audit_section(&self) -> Vec<(&'static str, serde_json::Value)> {
        let checkpoints = self.audit.checkpoints.as_ref().map(|file| &file.0);
        vec![("audit_checkpoints", shown(checkpoints)), ("keep_audit_days", shown(self.audit.days_min))]
    }

    fn kept_section(&self) -> Vec<(&'static str, serde_json::Value)> {
        vec![
            ("keep_clinical_years", shown(self.periods.clinical_years)),
            ("keep_consult_media_years", shown(self.periods.consult_media_years)),
            ("keep_work_order_years", shown(self.periods.work_order_years)),
        ]
    }

    fn nats_section(&self) -> Vec<(&'static str, serde_json::Value)> {
        let keep = [
            ("keep_event_days", shown(self.retention.event_days_min)),
            ("keep_answer_days", shown(self.retention.answer_days_min)),
        ];
        let Some(nats) = &self.nats else {
            return [("mode", shown("none"))].into_iter().chain(keep).collect();
        };
        let urls: Vec<_> = nats.urls.iter().map(|url| masked_url(&url.0)).collect();
        let server = vec![
            ("mode", shown("jetstream")),
            ("urls", shown(urls)),
            ("credentials_file", shown(&nats.credentials_file)),
            ("ca_file", shown(&nats.ca_file)),
            ("prefix", shown(&nats.prefix)),
            ("replicas", shown(nats.replicas)),
            ("stream_days_max", shown(self.stream_limits.age_days_max)),
            ("stream_mib_max", shown(self.stream_limits.bytes_max / MIB)),
        ];
        server.into_iter().chain(keep).collect()
    }
}

/// The bounds that are architecture rather than configuration, with their units; printed beside it.
pub fn limits() -> Section {
    use sanbao_platform::{auth, db, http};
    let wait = http::Bounds::default();
    let bounds = vec![
        ("first_head_wait_seconds_max", shown(wait.first_head_wait.as_secs())),
        ("next_head_wait_seconds_max", shown(wait.next_head_wait.as_secs())),
        ("body_wait_seconds_max", shown(wait.body_wait.as_secs())),
        ("taking_wait_seconds_max", shown(wait.taking_wait.as_secs())),
        ("bytes_per_second_min", shown(http::BYTES_PER_SECOND_MIN)),
        ("body_bytes_max", shown(http::BODY_BYTES_MAX)),
        ("event_streams_per_account_max", shown(http::STREAMS_PER_ACCOUNT_MAX)),
        ("page_rows_max", shown(http::LIMIT_MAX)),
        ("drain_seconds_max", shown(http::DRAIN_SECONDS_MAX)),
        ("access_token_seconds", shown(auth::ACCESS_TOKEN_SECONDS)),
        ("proof_minutes_max", shown(http::PROOF_MINUTES_MAX)),
        ("sqlite_readers_max", shown(db::SQLITE_READERS_MAX)),
        ("postgres_connections_max", shown(db::POSTGRES_CONNECTIONS_MAX)),
        ("database_wait_seconds_max", shown(db::ACQUIRE_WAIT_SECONDS_MAX)),
        ("changes_buffered_max", shown(db::CHANGES_BUFFERED_MAX)),
    ];
    ("limits", bounds)
}

/// A database URL without who logs in and how.
fn masked_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", ""));
    let rest = rest.split('?').next().unwrap_or_default();
    match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}://***@{place}"),
        None => format!("{scheme}://{rest}"),
    }
}

/// Sections as TOML.
pub fn toml_text(sections: &[Section]) -> String {
    use std::fmt::Write as _;
    sections.iter().fold(String::new(), |mut out, (name, values)| {
        let _ = writeln!(out, "[{name}]");
        for (key, value) in values {
            // JSON's strings, numbers, booleans and flat lists are TOML's; an absent value is a comment.
            let _ =
                if value.is_null() { writeln!(out, "# {key} is not set") } else { writeln!(out, "{key} = {value}") };
        }
        out.push('\n');
        out
    })
}

#[cfg(test)]
mod tests {
    use super::masked_url;

    #[test]
    fn a_database_url_shows_no_password() {
        for url in ["postgres://u:p%40ss@db:5432/sanbao?password=x", "postgres://u:p@q@db:5432/sanbao"] {
            assert_eq!(masked_url(url), "postgres://***@db:5432/sanbao");
        }
        assert_eq!(masked_url("postgres:///sanbao?user=me"), "postgres:///sanbao");
    }
}
