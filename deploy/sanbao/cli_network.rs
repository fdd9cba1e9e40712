//! The flags of what lies between processes, and of how long things are kept. No I/O.

use std::path::PathBuf;

use clap::Args;
use sanbao_platform::bus::{Retention, StreamLimits};
use sanbao_platform::config::Secret;
use sanbao_platform::nats::NatsConfig;

use crate::cli_secret::secret_of;
use crate::settings::{MIB, SettingsError};

/// The flags of NATS.
#[derive(Clone, Debug, Args)]
pub struct NatsArgs {
    /// The NATS servers (nats-server -js, 2.9 or newer) between services that run apart: `nats://user:password@host:4222`, or `@FILE`.
    #[arg(long, env = "SANBAO_NATS", hide_env_values = true, value_name = "URL", value_delimiter = ',', value_parser = secret_of)]
    pub nats: Vec<Secret<String>>,
    /// A NATS credentials file instead of a password in the address.
    #[arg(long, env = "SANBAO_NATS_CREDENTIALS", value_name = "FILE")]
    pub nats_credentials: Option<PathBuf>,
    /// The authority of the NATS servers' certificates, PEM, beside those that this machine trusts.
    #[arg(long, env = "SANBAO_NATS_CA", value_name = "FILE")]
    pub nats_ca: Option<PathBuf>,
    /// How many NATS servers keep each message: 3 in a cluster of three.
    #[arg(long, env = "SANBAO_NATS_REPLICAS", default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u8).range(1..=5))]
    pub nats_replicas: u8,
    /// The beginning of the network's subjects and streams.
    #[arg(long, env = "SANBAO_NATS_PREFIX", default_value = "sanbao", value_name = "NAME")]
    pub nats_prefix: String,
}

impl NatsArgs {
    pub(crate) fn nats(&self) -> Result<Option<NatsConfig>, SettingsError> {
        let prefix = &self.nats_prefix;
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            let because = "letters, digits, - and _ only";
            return Err(SettingsError::Value { flag: "--nats-prefix", value: prefix.clone(), because });
        }
        if self.nats.is_empty() {
            let given = [("--nats-credentials", &self.nats_credentials), ("--nats-ca", &self.nats_ca)];
            let alone = given.into_iter().find(|(_, file)| file.is_some());
            return alone.map_or(Ok(None), |(given, _)| Err(SettingsError::Pair { given, missing: "--nats" }));
        }
        Ok(Some(NatsConfig {
            credentials_file: self.nats_credentials.clone(),
            ca_file: self.nats_ca.clone(),
            prefix: prefix.clone(),
            replicas: usize::from(self.nats_replicas),
            ..NatsConfig::new(self.nats.clone())
        }))
    }
}

/// The flags of the network between processes, and how long things are kept.
#[derive(Clone, Debug, Args)]
pub struct NetworkArgs {
    // A doc comment here would replace the flattened help.
    #[command(flatten)]
    pub nats: NatsArgs,
    /// How many days an event stays in its stream.
    #[arg(long, env = "SANBAO_NATS_STREAM_DAYS_MAX", default_value_t = 30, value_name = "DAYS",
          value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub nats_stream_days_max: u32,
    /// How large a service's stream of events may grow, in MiB.
    #[arg(long, env = "SANBAO_NATS_STREAM_MIB_MAX", default_value_t = 1024, value_name = "MIB",
          value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub nats_stream_mib_max: u64,
    /// How many days the databases keep events that all their readers have.
    #[arg(long, env = "SANBAO_KEEP_EVENT_DAYS", default_value_t = 90, value_name = "DAYS",
          value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub keep_event_days: u32,
    /// How many days the answers of calls with an Idempotency-Key are kept.
    #[arg(long, env = "SANBAO_KEEP_ANSWER_DAYS", default_value_t = 7, value_name = "DAYS",
          value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub keep_answer_days: u32,
}

impl NetworkArgs {
    pub(crate) fn stream_limits(&self) -> StreamLimits {
        StreamLimits { age_days_max: self.nats_stream_days_max, bytes_max: self.nats_stream_mib_max * MIB }
    }

    pub(crate) fn retention(&self) -> Result<Retention, SettingsError> {
        if self.keep_event_days < self.nats_stream_days_max && !self.nats.nats.is_empty() {
            let because = "a stream that is lost is filled again from the database: keep events there at least as \
                           long as --nats-stream-days-max";
            let value = self.keep_event_days.to_string();
            return Err(SettingsError::Value { flag: "--keep-event-days", value, because });
        }
        Ok(Retention { event_days_min: self.keep_event_days, answer_days_min: self.keep_answer_days })
    }
}
