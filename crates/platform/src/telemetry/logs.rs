//! The log on standard error: its filter, which may be read again while the process runs, and panics as events.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fs;
use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, reload};

use super::otlp;

/// The largest file of a filter that is read, in bytes.
const FILE_BYTES_MAX: u64 = 4096;
/// The levels, as a filter names them.
const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

/// The filter of the log: `info`, `sanbao_platform=debug,info`, or `@FILE` for the first line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogFilter {
    /// Given as it is.
    Text(String),
    /// The first line of this file, read at the start and whenever the process is told to read its files again.
    File(PathBuf),
}

/// Why a filter is none.
#[derive(Debug, thiserror::Error)]
pub enum LogFilterError {
    /// A word that is no level, and no level of a part.
    #[error(
        "{0:?} is no level of a log: write off, error, warn, info, debug or trace, or a part with its level as in sanbao_platform=debug"
    )]
    Level(String),
    /// It names no level at all.
    #[error("it is empty: write a level, such as info")]
    Empty,
    /// The file cannot be read.
    #[error("the file {0}: {1}")]
    File(PathBuf, io::Error),
}

/// The filter that `text` stands for. A word alone is a level: a filter of `inof` would be silent about everything else.
fn parsed(text: &str) -> Result<EnvFilter, LogFilterError> {
    let mut words = text.split(',').map(str::trim).filter(|word| !word.is_empty()).peekable();
    if words.peek().is_none() {
        return Err(LogFilterError::Empty);
    }
    for word in words {
        let level = word.rsplit_once('=').map_or(word, |(_, level)| level);
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            return Err(LogFilterError::Level(word.to_owned()));
        }
    }
    EnvFilter::try_new(text).map_err(|_| LogFilterError::Level(text.to_owned()))
}

fn read(path: &Path) -> Result<EnvFilter, LogFilterError> {
    use io::Read as _;
    let mut text = String::new();
    let file = fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
    file.map_err(|e| LogFilterError::File(path.to_owned(), e))?;
    parsed(text.lines().next().unwrap_or_default())
}

impl LogFilter {
    /// The filter now; a file is read.
    fn filter(&self) -> Result<EnvFilter, LogFilterError> {
        match self {
            Self::Text(text) => parsed(text),
            Self::File(path) => read(path),
        }
    }
}

impl FromStr for LogFilter {
    type Err = LogFilterError;

    fn from_str(text: &str) -> Result<Self, LogFilterError> {
        match text.strip_prefix('@') {
            Some("") => Err(LogFilterError::Empty),
            Some(path) => Ok(Self::File(path.into())),
            None => parsed(text).map(|_| Self::Text(text.to_owned())),
        }
    }
}

impl std::fmt::Display for LogFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::File(path) => write!(f, "@{}", path.display()),
        }
    }
}

type Reload = Arc<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>;

/// The log of this process, started.
#[derive(Clone)]
pub struct Logs {
    filter: LogFilter,
    /// None where another log was started before, as in tests.
    reload: Option<Reload>,
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Logs({})", self.filter)
    }
}

impl Logs {
    /// Reads the filter's file again, if it stands in one. What is no filter changes nothing, and the log says so.
    pub fn read_again(&self) {
        let LogFilter::File(path) = &self.filter else { return };
        match (read(path), &self.reload) {
            (Ok(filter), Some(reload)) => {
                let text = filter.to_string();
                match reload(filter) {
                    Ok(()) => tracing::info!(filter = text, "another filter of the log is used"),
                    Err(error) => tracing::error!(%error, "the filter of the log stays"),
                }
            }
            (Ok(_), None) => {}
            (Err(error), _) => tracing::error!(%error, "the new filter of the log is not used; the old one goes on"),
        }
    }
}

/// Starts logging to standard error, panics included: JSON lines, or plain lines when `plain`. Where an exporter was started
/// ([`otlp::start`]), the lines go to its collector too.
///
/// # Errors
/// The filter stands in a file that cannot be read or holds none.
pub fn start_logs(filter: &LogFilter, plain: bool) -> Result<Logs, LogFilterError> {
    let (layer, handle) = reload::Layer::new(filter.filter()?);
    let log = tracing_subscriber::registry().with(layer).with(otlp::is_on().then_some(otlp::Lines));
    // A second start, as in tests, leaves the first one standing.
    let started = if plain {
        // Colours are for a terminal; in a file they stand between a field's name and its value.
        let colours = io::stderr().is_terminal();
        log.with(fmt::layer().with_writer(io::stderr).compact().with_target(false).with_ansi(colours)).try_init()
    } else {
        // The list of spans holds the current one.
        log.with(fmt::layer().with_writer(io::stderr).json().flatten_event(true).with_current_span(false)).try_init()
    };
    std::panic::set_hook(Box::new(log_panic));
    let reload: Reload = Arc::new(move |filter| handle.reload(filter));
    Ok(Logs { filter: filter.clone(), reload: started.is_ok().then_some(reload) })
}

/// Logs a panic of a request or of a task as one event, within the span in which it happened. Where a message was put
/// together it may quote what somebody typed, so it is left out then; the place tells what it was.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string);
    let said = panic.payload().downcast_ref::<&'static str>().copied();
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(at, said, backtrace, "panicked");
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_no_filter() {
        for text in ["info", "WARN", "sanbao_platform=debug,info", "sanbao_platform::bus=trace", "off", "info, warn"] {
            assert!(text.parse::<LogFilter>().is_ok(), "{text}");
        }
        for text in ["inof", "sanbao_platform", "sanbao_platform=loud", "info,,inof", "nonsense=", "", " , ", "@"] {
            assert!(text.parse::<LogFilter>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_filter_stands_in_a_file_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let filter: LogFilter = format!("@{}", path.display()).parse().unwrap();
        assert!(matches!(filter.filter().unwrap_err(), LogFilterError::File(..)));
        fs::write(&path, "sanbao=debug,info\n# a second line says nothing\n").unwrap();
        assert_eq!(filter.filter().unwrap().to_string(), "sanbao=debug,info");
        fs::write(&path, "loud\n").unwrap();
        assert!(matches!(filter.filter().unwrap_err(), LogFilterError::Level(_)));
        assert_eq!(filter.to_string(), format!("@{}", path.display()));
    }
}
