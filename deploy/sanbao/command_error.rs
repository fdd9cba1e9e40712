//! Why a command of the command line did not do what it was asked to.

use std::io;

use sanbao_platform::telemetry::LogFilterError;
use sanbao_platform::telemetry::otlp::OtlpError;

use crate::folder::FolderError;
use crate::health::HealthError;
use crate::keeping::KeepingError;
use crate::lan::LanError;
use crate::run::RunError;
use crate::settings::SettingsError;
use crate::stores::ComposeError;

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The configuration cannot work.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The folder is not to be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The log's filter is none.
    #[error("--log: {0}")]
    Log(#[from] LogFilterError),
    /// The collector cannot be reached as the flags say.
    #[error("--otlp-ca: {0}")]
    Otlp(#[from] OtlpError),
    /// It is not ready, or nobody answers.
    #[error(transparent)]
    Health(#[from] HealthError),
    /// It could not be put together.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// It was not kept, or not brought back.
    #[error(transparent)]
    Keeping(#[from] KeepingError),
    /// It ended before it was asked to.
    #[error(transparent)]
    Run(#[from] RunError),
    /// No certificate for the house.
    #[error(transparent)]
    Lan(#[from] LanError),
    /// Standard output is closed.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
    /// It makes no sense now.
    #[error("{0}")]
    Refused(&'static str),
    /// It is not clear for which organisation it is; the text names the choices.
    #[error("{0}")]
    Organisation(String),
    /// A service could not do its part.
    #[error("{0}: {1}")]
    Service(&'static str, String),
}
