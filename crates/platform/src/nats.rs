//! The connection to NATS JetStream that one process shares: the bus and whatever else keeps a log there.
//!
//! A process that was once connected never gives up on its server: it comes back after a bounded wait with
//! jitter, and until then each call fails after [`NatsConfig::request_wait_ms_max`]. Works with nats-server 2.9
//! and newer, so nothing is asked of it that came later.

pub mod carry;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream;
use async_nats::{Client, ConnectOptions, ServerAddr, connection::State, jetstream};
use futures_util::future::BoxFuture;

use crate::config::Secret;

/// How many copies of a message `JetStream` can keep.
pub const REPLICAS_MAX: usize = 5;
/// The first wait before a lost connection is tried again; it doubles up to the configured bound.
const RECONNECT_WAIT_MS_MIN: u64 = 50;
/// How often a silent server is asked whether it is still there.
const PING_SECONDS: u64 = 5;
/// Commands that may wait for the connection; more wait at their caller.
const COMMANDS_WAITING_MAX: usize = 2_048;
/// Messages that may wait for a subscriber to read.
const MESSAGES_WAITING_MAX: usize = 4_096;
/// Appends that may wait for their acknowledgement, over all logs; more wait at their caller.
const APPENDS_IN_FLIGHT_MAX: usize = 4_096;

/// Where NATS is and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsConfig {
    /// Its servers: `nats://host:4222`, `tls://host`, `nats://user:password@host`.
    pub urls: Vec<Secret<String>>,
    /// A credentials file of an account, instead of a password in the address.
    pub credentials_file: Option<PathBuf>,
    /// The authority of the servers' certificates, PEM, beside those that the machine trusts.
    pub ca_file: Option<PathBuf>,
    /// The beginning of every subject and stream, so that several networks can share a server.
    pub prefix: String,
    /// How many servers keep each message; 1 to [`REPLICAS_MAX`].
    pub replicas: usize,
    /// How long the first connection may take.
    pub connect_wait_ms_max: u64,
    /// The longest wait between two tries of a lost connection.
    pub reconnect_wait_ms_max: u64,
    /// How long a request may wait for its answer.
    pub request_wait_ms_max: u64,
}

impl NatsConfig {
    /// The servers at `urls`, one copy of each message, default bounds.
    pub fn new(urls: Vec<Secret<String>>) -> Self {
        Self {
            urls,
            credentials_file: None,
            ca_file: None,
            prefix: "sanbao".to_owned(),
            replicas: 1,
            connect_wait_ms_max: 10_000,
            reconnect_wait_ms_max: 2_000,
            request_wait_ms_max: 5_000,
        }
    }
}

/// Why there is no NATS. No address is shown with its password.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// The given text is no address.
    #[error("{0} is no address of a NATS server (nats://host:4222)")]
    Address(String),
    /// The credentials file cannot be read.
    #[error("the NATS credentials {0}: {1}")]
    Credentials(PathBuf, std::io::Error),
    /// No server answers.
    #[error("no NATS server answers at {servers} within {wait_ms} ms: {cause}")]
    Unreachable {
        servers: String,
        /// How long was waited.
        wait_ms: u64,
        cause: String,
    },
    /// A server without `JetStream`, or an account that may not use it.
    #[error("the NATS server at {servers} offers no JetStream (nats-server -js): {cause}")]
    NoJetStream {
        servers: String,
        /// The server's words.
        cause: String,
    },
    /// A stream cannot be made as it must be.
    #[error("the NATS stream {name}: {cause}")]
    Stream {
        name: String,
        /// The server's words.
        cause: String,
    },
    /// A stream that was to be empty is not.
    #[error(
        "the NATS stream {name} holds something, or has held it ({messages} messages now): restore into a JetStream that has nothing of a network of this \
         --nats-prefix, or delete the stream if what it is of is gone"
    )]
    Holds { name: String, messages: u64 },
    /// A restore is filling it, or was broken off.
    #[error(
        "the NATS stream {name} is being filled by a restore, or one was broken off: let it end, or begin it again in an empty place"
    )]
    Unfinished { name: String },
    /// A restore has filled it, and was broken off before it let it be used.
    #[error(
        "the NATS stream {name} was filled by a restore that was broken off behind it: end that first (README, \"Backup of services apart\")"
    )]
    Held { name: String },
    /// A copy of a stream is not what it was made of.
    #[error("the NATS stream {name} was not written whole: {copied} of {messages} messages")]
    NotWhole { name: String, copied: u64, messages: u64 },
}

/// A connection to NATS with `JetStream`. Cheap to clone; clones share the connection.
#[derive(Clone, Debug)]
pub struct Nats(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    jetstream: jetstream::Context,
    prefix: String,
    replicas: usize,
}

impl Nats {
    /// Connects and makes sure that `JetStream` is there. `name` is what the server's operator sees.
    pub fn connect<'a>(config: &'a NatsConfig, name: &'a str) -> BoxFuture<'a, Result<Self, NatsError>> {
        Box::pin(Self::connected(config, name))
    }

    async fn connected(config: &NatsConfig, name: &str) -> Result<Self, NatsError> {
        let servers = addresses(&config.urls)?;
        let shown = servers.iter().map(|s| format!("{}:{}", s.host(), s.port())).collect::<Vec<_>>().join(", ");
        let options = options(config, name, &servers).await?;
        let client = first_connection(&servers, options, config.connect_wait_ms_max).await.map_err(|cause| {
            NatsError::Unreachable { servers: shown.clone(), wait_ms: config.connect_wait_ms_max, cause }
        })?;
        let jetstream = ContextBuilder::new()
            .timeout(Duration::from_millis(config.request_wait_ms_max))
            .ack_timeout(Duration::from_millis(config.request_wait_ms_max))
            .max_ack_inflight(APPENDS_IN_FLIGHT_MAX)
            .backpressure_on_inflight(true)
            .build(client.clone());
        match answers(&jetstream).await {
            Ok(()) => {
                let (prefix, replicas) = (config.prefix.clone(), config.replicas);
                Ok(Self(Arc::new(Inner { client, jetstream, prefix, replicas })))
            }
            Err(cause) => Err(NatsError::NoJetStream { servers: shown, cause }),
        }
    }

    /// The connection.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// Its `JetStream`; a call fails after the configured wait.
    pub fn jetstream(&self) -> &jetstream::Context {
        &self.0.jetstream
    }

    /// The beginning of every subject and stream of this network.
    pub fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// How many servers keep each message.
    pub fn replicas(&self) -> usize {
        self.0.replicas
    }

    /// Whether the server is there now; for `/readyz`.
    pub fn is_connected(&self) -> bool {
        self.0.client.connection_state() == State::Connected
    }

    /// Makes the stream, or gives the standing one this configuration.
    pub async fn ensure_stream(&self, config: stream::Config) -> Result<stream::Info, NatsError> {
        let name = config.name.clone();
        let made = self.0.jetstream.create_or_update_stream(config).await;
        made.map_err(|e| NatsError::Stream { name, cause: e.to_string() })
    }

    /// Sends what waits and closes the connection.
    pub async fn close(&self) {
        let _ = self.0.client.drain().await;
    }
}

/// Whether `JetStream` is there for this account. The answer is read loosely: older servers leave members out.
async fn answers(jetstream: &jetstream::Context) -> Result<(), String> {
    let asked = jetstream.request("INFO", &serde_json::json!({})).await;
    let answer: serde_json::Value = asked.map_err(|e| e.to_string())?;
    match answer.get("error") {
        None => Ok(()),
        Some(error) => Err(error["description"].as_str().unwrap_or("refused").to_owned()),
    }
}

fn addresses(urls: &[Secret<String>]) -> Result<Vec<ServerAddr>, NatsError> {
    let bad = |url: &str| NatsError::Address(url.rsplit('@').next().unwrap_or_default().to_owned());
    let parsed = urls.iter().map(|url| url.0.parse::<ServerAddr>().map_err(|_| bad(&url.0)));
    let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
    if parsed.is_empty() { Err(NatsError::Address("nothing".to_owned())) } else { Ok(parsed) }
}

async fn options(config: &NatsConfig, name: &str, servers: &[ServerAddr]) -> Result<ConnectOptions, NatsError> {
    let wait_ms_max = config.reconnect_wait_ms_max;
    let mut options = ConnectOptions::new()
        .name(name)
        .connection_timeout(Duration::from_millis(config.connect_wait_ms_max))
        .request_timeout(Some(Duration::from_millis(config.request_wait_ms_max)))
        .ping_interval(Duration::from_secs(PING_SECONDS))
        .client_capacity(COMMANDS_WAITING_MAX)
        .subscription_capacity(MESSAGES_WAITING_MAX)
        .reconnect_delay_callback(move |attempt| {
            jittered(reconnect_wait_ms(attempt, wait_ms_max), rand::random_range(0.0..1.0))
        })
        .event_callback(|event| async move {
            match event {
                async_nats::Event::Connected => tracing::info!("connected to NATS"),
                event => tracing::warn!(%event, "the connection to NATS"),
            }
        });
    // The client does not look for a name and a password in the addresses that it is given.
    if let Some((name, password)) = servers.iter().find_map(|s| s.username().zip(s.password())) {
        options = options.user_and_password(decoded(name), decoded(password));
    }
    if let Some(file) = &config.credentials_file {
        options = options.credentials_file(file).await.map_err(|e| NatsError::Credentials(file.clone(), e))?;
    }
    if let Some(file) = &config.ca_file {
        options = options.add_root_certificates(file.clone());
    }
    Ok(options)
}

/// A part of an address, in which signs with a meaning there stand percent-encoded.
fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// Tries for `wait_ms`: a server that starts beside this process may come a moment later.
async fn first_connection(servers: &[ServerAddr], options: ConnectOptions, wait_ms: u64) -> Result<Client, String> {
    let deadline = tokio::time::Instant::now() + Duration::from_millis(wait_ms);
    let mut wait_ms = RECONNECT_WAIT_MS_MIN;
    loop {
        let cause = match tokio::time::timeout_at(deadline, options.clone().connect(servers)).await {
            Ok(Ok(client)) => return Ok(client),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        let next = tokio::time::Instant::now() + Duration::from_millis(wait_ms);
        if next >= deadline {
            return Err(cause);
        }
        tokio::time::sleep_until(next).await;
        wait_ms *= 2;
    }
}

/// The wait before try number `attempt` of a lost connection: none, then doubling up to the bound.
fn reconnect_wait_ms(attempt: usize, wait_ms_max: u64) -> u64 {
    let Some(doublings) = attempt.checked_sub(2) else { return 0 };
    let factor = 1_u64.checked_shl(u32::try_from(doublings).unwrap_or(u32::MAX)).unwrap_or(u64::MAX);
    RECONNECT_WAIT_MS_MIN.saturating_mul(factor).min(wait_ms_max)
}

/// Between half of the wait and all of it, so that processes that lost one server do not come back as one.
fn jittered(wait_ms: u64, chance: f64) -> Duration {
    Duration::from_millis(wait_ms).mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn waits_double_up_to_their_bound_and_vary_below_it() {
        let waits: Vec<u64> = (0..8).map(|attempt| reconnect_wait_ms(attempt, 700)).collect();
        assert_eq!(waits, [0, 0, 50, 100, 200, 400, 700, 700]);
        assert_eq!(reconnect_wait_ms(usize::MAX, 700), 700);
        assert_eq!(jittered(700, 0.0), Duration::from_millis(350));
        assert!(jittered(700, 0.999) < Duration::from_millis(700));
    }

    #[tokio::test]
    async fn what_cannot_be_reached_is_said_without_its_password() {
        let to = |url: &str| NatsConfig { connect_wait_ms_max: 200, ..NatsConfig::new(vec![Secret(url.to_owned())]) };
        let error = Nats::connect(&to("nats://ann:hidden@127.0.0.1:1"), "test").await.unwrap_err();
        assert!(matches!(error, NatsError::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains("127.0.0.1:1") && !error.to_string().contains("hidden"), "{error}");
        let error = Nats::connect(&to("http s://ann:hidden@nowhere"), "test").await.unwrap_err();
        assert!(matches!(error, NatsError::Address(_)) && !error.to_string().contains("hidden"), "{error}");
        let error = Nats::connect(&NatsConfig::new(Vec::new()), "test").await.unwrap_err();
        assert!(matches!(error, NatsError::Address(_)), "{error}");
    }
}
