//! Whether this installation would hold a day, for `sanbao check` and for the administrator's page alike. Each line is measured,
//! and says what to do where it is not well; what cannot be measured from here is said to be unknown, never well.

mod certificate;
mod checkpoint;
mod clock;
mod kept;
mod running;
mod store;
mod turn;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use sanbao_platform::clock::Clock;
use sanbao_platform::lang::Lang;

pub(crate) use checkpoint::look as checkpoints;
pub use kept::KeptHere;
pub(crate) use kept::look as kept;
pub(crate) use running::connections;
pub(crate) use store::of_open;

use crate::cli_keeping::CheckArgs;
use crate::command_error::CommandError;
use crate::role::Role;
use crate::settings::{Settings, Turn};
use crate::texts::TEXTS;

/// How long one part may take to be measured; each has shorter waits of its own.
const PART_SECONDS_MAX: u64 = 10;

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
    /// The key of its word.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Good => "state-good",
            Self::Soon => "state-soon",
            Self::Bad => "state-bad",
            Self::Unknown => "state-unknown",
        }
    }

    fn both(self) -> String {
        let [zh, en] = [Lang::Zh, Lang::En].map(|lang| TEXTS.get(lang, self.key()));
        format!("{zh} {en}")
    }
}

/// A sentence of the texts with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    pub key: &'static str,
    pub values: Vec<(&'static str, String)>,
}

impl Sentence {
    /// A sentence with these values.
    pub fn with<const N: usize>(key: &'static str, values: [(&'static str, String); N]) -> Self {
        Self { key, values: values.into() }
    }

    /// A cause as a part of the system told it.
    pub fn cause(cause: &impl ToString) -> Self {
        Self::with("state-said-cause", [("cause", cause.to_string())])
    }

    /// Its text.
    pub fn text(&self, lang: Lang) -> String {
        let values: Vec<_> = self.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        TEXTS.with(lang, self.key, &values)
    }
}

impl From<&'static str> for Sentence {
    fn from(key: &'static str) -> Self {
        Self { key, values: Vec::new() }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub what: Sentence,
    pub standing: Standing,
    /// The measured value, or why there is none.
    pub said: Sentence,
    /// The key of the way to mend it; none where it is well.
    pub advice: Option<&'static str>,
}

impl Finding {
    fn good(what: impl Into<Sentence>, said: impl Into<Sentence>) -> Self {
        Self { what: what.into(), standing: Standing::Good, said: said.into(), advice: None }
    }

    fn wanting(what: impl Into<Sentence>, standing: Standing, said: impl Into<Sentence>, advice: &'static str) -> Self {
        Self { what: what.into(), standing, said: said.into(), advice: Some(advice) }
    }

    /// The same with another verdict than the best: advice is given only where there is something to do.
    fn judged(what: Sentence, standing: Standing, said: Sentence, advice: &'static str) -> Self {
        let advice = (standing != Standing::Good).then_some(advice);
        Self { what, standing, said, advice }
    }
}

/// The findings of one part, or that it did not answer in time.
pub(crate) async fn in_time(what: &'static str, part: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    tokio::time::timeout(Duration::from_secs(PART_SECONDS_MAX), part).await.unwrap_or_else(|_| {
        let said = Sentence::with("state-said-no-answer", [("seconds", PART_SECONDS_MAX.to_string())]);
        vec![Finding::wanting(what, Standing::Unknown, said, "state-do-no-answer")]
    })
}

/// The same of a part that reads files: a disk that hangs stops neither the tasks of the process nor this beyond its time.
async fn of_files(what: &'static str, part: impl FnOnce() -> Vec<Finding> + Send + 'static) -> Vec<Finding> {
    let failed = |error| vec![Finding::wanting(what, Standing::Unknown, Sentence::cause(&error), "state-do-no-answer")];
    in_time(what, async { tokio::task::spawn_blocking(part).await.unwrap_or_else(failed) }).await
}

/// Everything that is looked at from outside of the databases: certificate, disk, TURN, clock.
pub(crate) async fn around(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    let turn = async {
        match &settings.turn {
            Turn::Embedded { listen, tls, public_ips, .. } => {
                turn::look(*listen, tls.as_ref().map(|tls| tls.listen), public_ips).await
            }
            Turn::External { .. } => vec![turn::unseen("state-said-turn-external")],
            // Only the process of the relay is told of TURN.
            Turn::Off if settings.role.is_some_and(|role| role != Role::Signalling) => {
                vec![turn::unseen("state-said-turn-elsewhere")]
            }
            Turn::Off => Vec::new(),
        }
    };
    let (storage, its_settings, its_clock) = (settings.storage.clone(), settings.clone(), clock.clone());
    let (disk, certificate, turn, time) = tokio::join!(
        of_files("state-disk", move || vec![store::disk_of(&storage)]),
        of_files("state-certificate", move || certificate::look(&its_settings, &its_clock).into_iter().collect()),
        in_time("state-turn", turn),
        in_time("state-clock", async { vec![clock::look(&settings.ntp, clock).await] })
    );
    [disk, certificate, turn, time].concat()
}

/// The services that run elsewhere, none of which is seen from a process with those of `here`.
pub(crate) fn elsewhere(here: &[Role]) -> Vec<Finding> {
    let away = Role::ALL.iter().filter(|role| !here.contains(role));
    away.map(|role| {
        let what = Sentence::with("state-service", [("name", role.name().to_owned())]);
        Finding::wanting(what, Standing::Unknown, "state-said-elsewhere", "state-do-elsewhere")
    })
    .collect()
}

/// Everything that the command looks at.
async fn findings(settings: &Settings) -> Vec<Finding> {
    let clock = Clock::system();
    let mut all = store::look(settings, &clock).await;
    all.extend(elsewhere(settings.roles()));
    all.extend(around(settings, &clock).await);
    all
}

/// Looks at everything and tells it; the exit code is 1 where something is bad.
pub async fn run(args: &CheckArgs) -> Result<ExitCode, CommandError> {
    let all = match args.turn {
        Some(at) => turn::look_at(at).await,
        None => findings(&args.serve.settings()?).await,
    };
    let mut out = io::stdout().lock();
    for finding in &all {
        write!(out, "{}", told(finding))?;
    }
    out.flush()?;
    let bad = all.iter().any(|finding| finding.standing == Standing::Bad);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A finding in both languages.
fn told(Finding { what, standing, said, advice }: &Finding) -> String {
    let line = |lang, colon| format!("{}{colon}{}", what.text(lang), said.text(lang));
    let mut text = format!("[{}] {}\n    {}\n", standing.both(), line(Lang::Zh, "："), line(Lang::En, ": "));
    for advice in advice.iter().flat_map(|key| [Lang::Zh, Lang::En].map(|lang| TEXTS.get(lang, key))) {
        text.push_str("    → ");
        text.push_str(&advice);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn files_are_read_beside_the_tasks_of_the_process() {
        let (send, receive) = std::sync::mpsc::channel();
        let part = of_files("state-disk", move || vec![receive.recv().unwrap()]);
        let finding = Finding::good("state-disk", "state-said-connected");
        // On the thread of the tasks it would wait for ever.
        let (found, ()) = tokio::join!(part, async { send.send(finding.clone()).unwrap() });
        assert_eq!(found, [finding]);
    }

    #[test]
    fn a_service_that_runs_elsewhere_is_never_called_good() {
        assert_eq!(elsewhere(Role::ALL), []);
        let away = elsewhere(&[Role::Booking]);
        let told: Vec<_> = away.iter().map(|finding| (finding.what.text(Lang::Zh), finding.standing)).collect();
        let unknown = |name: &str| (format!("{name} 部分"), Standing::Unknown);
        assert_eq!(told, [unknown("signalling"), unknown("needs-analysis")]);
    }
}
