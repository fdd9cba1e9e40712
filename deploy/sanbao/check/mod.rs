//! `sanbao check`: whether this installation would hold a day. Each line is measured now, and says what to do where it is not
//! well; what cannot be measured from here is said to be unknown, never well.

mod certificate;
mod clock;
mod store;
mod turn;

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::cli_keeping::CheckArgs;
use crate::command_error::CommandError;
use crate::settings::{Settings, Turn};

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Good,
    /// It holds today and will not for long.
    Soon,
    Bad,
    /// It could not be measured from here.
    Unknown,
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "好 good",
            Self::Soon => "注意 soon",
            Self::Bad => "不行 bad",
            Self::Unknown => "不知 unknown",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The thing, in Chinese and in English: `磁盘 disk`.
    pub what: String,
    pub standing: Standing,
    /// The measured value.
    pub said: String,
    /// The way to mend it, in Chinese and in English; none where it is well.
    pub advice: Option<(&'static str, &'static str)>,
}

impl Finding {
    fn good(what: impl Into<String>, said: impl Into<String>) -> Self {
        Self { what: what.into(), standing: Standing::Good, said: said.into(), advice: None }
    }

    fn wanting(
        what: impl Into<String>,
        standing: Standing,
        said: impl Into<String>,
        zh: &'static str,
        en: &'static str,
    ) -> Self {
        Self { what: what.into(), standing, said: said.into(), advice: Some((zh, en)) }
    }
}

/// Everything that is looked at.
async fn findings(settings: &Settings, ntp: &str) -> Vec<Finding> {
    let mut all = store::look(settings).await;
    all.extend(certificate::look(settings));
    if let Turn::Embedded { listen, tls, public_ips, .. } = &settings.turn {
        all.extend(turn::look(*listen, tls.as_ref().map(|tls| tls.listen), public_ips).await);
    }
    all.push(clock::look(ntp).await);
    all
}

/// Looks at everything and tells it; the exit code is 1 where something is bad.
pub async fn run(args: &CheckArgs) -> Result<ExitCode, CommandError> {
    let all = match args.turn {
        Some(at) => turn::look_at(at).await,
        None => findings(&args.serve.settings()?, &args.ntp).await,
    };
    let mut out = io::stdout().lock();
    for Finding { what, standing, said, advice } in &all {
        writeln!(out, "[{}] {what}: {said}", standing.word())?;
        if let Some((zh, en)) = advice {
            writeln!(out, "    {zh}\n    {en}")?;
        }
    }
    out.flush()?;
    let bad = all.iter().any(|finding| finding.standing == Standing::Bad);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
