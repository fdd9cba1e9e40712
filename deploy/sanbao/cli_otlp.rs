//! The flags of the collector of traces and logs. No I/O but for the secret that is given as a file.

use std::path::PathBuf;

use clap::Args;
use sanbao_platform::config::Secret;
use sanbao_platform::telemetry::otlp::{OtlpConfig, OtlpError};

use crate::cli_secret::secret_of;
use crate::settings::SettingsError;

/// The flags of the collector.
#[derive(Clone, Debug, Args)]
pub struct OtlpArgs {
    /// A collector of traces and of the log's lines, by OTLP over HTTP (JSON): `http://collector:4318`.
    #[arg(long, env = "SANBAO_OTLP", value_name = "URL")]
    pub otlp: Option<String>,
    /// Headers of each call to the collector: `authorization=Bearer%20TOKEN`, several with a comma between, or `@FILE`.
    #[arg(long, env = "SANBAO_OTLP_HEADERS", hide_env_values = true, value_name = "HEADERS", value_parser = secret_of)]
    pub otlp_headers: Option<Secret<String>>,
    /// The authority of the collector's certificate, PEM, beside those that this machine trusts.
    #[arg(long, env = "SANBAO_OTLP_CA", value_name = "FILE")]
    pub otlp_ca: Option<PathBuf>,
}

impl OtlpArgs {
    pub(crate) fn collector(&self) -> Result<Option<OtlpConfig>, SettingsError> {
        let Some(url) = &self.otlp else {
            let given = [("--otlp-headers", self.otlp_headers.is_some()), ("--otlp-ca", self.otlp_ca.is_some())];
            let alone = given.into_iter().find(|(_, given)| *given);
            return alone.map_or(Ok(None), |(given, _)| Err(SettingsError::Pair { given, missing: "--otlp" }));
        };
        let config = OtlpConfig::new(url, self.otlp_headers.as_ref(), self.otlp_ca.clone());
        // Neither is repeated: an address may have a password in it by mistake.
        let wrong = |flag, because| SettingsError::Value { flag, value: "***".to_owned(), because };
        config.map(Some).map_err(|error| match error {
            OtlpError::Headers => wrong("--otlp-headers", "name=value, several with a comma between"),
            _ => wrong(
                "--otlp",
                "http:// or https://, a host and perhaps a path, without user, password and query: http://collector:4318",
            ),
        })
    }
}
