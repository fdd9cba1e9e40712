//! Writing a step: row, history, counts, events, audit row and the notice to live lists, in one transaction.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::facts::{self, Facts};
use super::{By, IllegalStep, Lifecycle, State as _, Step, StepOf};
use crate::audit::Done;
use crate::bus;
use crate::db::{DbError, Tx};
use crate::history::Line;
use crate::problem::{CONFLICT, Problem};
use crate::text_enum::TextEnum as _;

/// The difference that a step made to an aggregate.
#[derive(Clone, Debug)]
pub struct Change<A: Lifecycle> {
    /// As it was read; `None` when it is new.
    pub before: Option<A>,
    /// The step; `None` when it is new.
    pub step: Option<StepOf<A>>,
    /// As it is now.
    pub after: A,
    /// Why it was made, for its first line in the history: the file that it came from.
    pub because: Option<String>,
}

impl<A: Lifecycle> Change<A> {
    /// A new aggregate.
    pub fn created(after: A) -> Self {
        Self { before: None, step: None, after, because: None }
    }

    /// The same with a reason for it.
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { because: Some(reason.into()), ..self }
    }

    /// The word of the step.
    pub fn word(&self) -> &'static str {
        self.step.as_ref().map_or(A::CREATED, |step| step.name().as_str())
    }

    /// Whether a row comes of it that was not there.
    fn is_new(&self) -> bool {
        self.before.is_none() && !self.of_part()
    }

    fn of_part(&self) -> bool {
        self.step.as_ref().is_some_and(Step::of_part)
    }

    fn line(&self, by: &By<'_>) -> (Uuid, Line) {
        let (actor, step) = (by.actor(), self.step.as_ref());
        let line = Line {
            version: self.after.version(),
            at: by.at(),
            actor: actor.map(|a| a.subject.into()),
            actor_name: actor.map(|a| a.name.clone()),
            organisation: actor.map(|a| a.organisation.into()),
            step: self.word().to_owned(),
            from_state: self.before.as_ref().map(|b| b.state().name().as_str().to_owned()),
            to_state: self.after.state().name().as_str().to_owned(),
            reason: step.and_then(|s| s.reason()).or(self.because.as_deref()).map(str::to_owned),
            note: step.and_then(|s| s.note()).map(str::to_owned),
        };
        (self.after.id().into(), line)
    }
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The state does not allow it.
    #[error("{refused}")]
    Illegal {
        /// The step that was tried, and where.
        refused: IllegalStep,
        /// The words of the steps that would have been legal.
        legal: Vec<&'static str>,
    },
    /// Somebody else has changed the aggregate since it was read.
    #[error("changed by somebody else meanwhile")]
    Overtaken,
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<StepError> for Problem {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Illegal { refused, legal } => Self::invalid_transition(refused.state, refused.step, &legal),
            StepError::Overtaken => Self::new(&CONFLICT).detail(
                "刚刚有人改动了这条记录，您的操作没有执行，请刷新后再看",
                "Somebody has just changed this, so nothing was done; reload and look again",
            ),
            StepError::Db(error) => error.into(),
        }
    }
}

impl From<StepError> for bus::ConsumeError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Db(error) => error.into(),
            // The state that refuses now is not the one that the handler saw: it reads anew.
            other => Self::Retry(other.to_string()),
        }
    }
}

/// The change that `step` would make to `before`: pure, nothing is written.
pub fn step<A: Lifecycle>(before: A, step: StepOf<A>, at: DateTime<Utc>) -> Result<Change<A>, StepError> {
    let legal = before.legal();
    let refuse = |refused| StepError::Illegal { refused, legal: legal.iter().map(|s| s.as_str()).collect() };
    if !legal.contains(&step.name()) {
        return Err(refuse(before.state().illegal(step.name())));
    }
    let state = before.state().clone().apply(step.clone()).map_err(refuse)?;
    let after = before.clone().advanced(state, &step, at);
    Ok(Change { before: Some(before), step: Some(step), after, because: None })
}

/// Takes one step and gives the aggregate as it is then.
pub async fn advance<A: Lifecycle>(tx: &mut Tx, by: &By<'_>, before: A, order: StepOf<A>) -> Result<A, StepError> {
    let change = step(before, order, by.at())?;
    let mut saved = save(tx, by, vec![change]).await?;
    saved.pop().map(|change| change.after).ok_or(StepError::Overtaken)
}

/// Writes a new aggregate; [`StepError::Overtaken`] when there is such a one already.
pub async fn create<A: Lifecycle>(tx: &mut Tx, by: &By<'_>, new: A) -> Result<(), StepError> {
    let saved = save(tx, by, vec![Change::created(new)]).await?;
    if saved.is_empty() { Err(StepError::Overtaken) } else { Ok(()) }
}

/// Writes changes with all that belongs to them and gives those that were written. Of an aggregate that somebody
/// else has changed meanwhile nothing is written.
pub async fn save<A: Lifecycle>(tx: &mut Tx, by: &By<'_>, changes: Vec<Change<A>>) -> Result<Vec<Change<A>>, DbError> {
    let mut written = Vec::with_capacity(changes.len());
    let new: Vec<&A> = changes.iter().filter(|change| change.is_new()).map(|change| &change.after).collect();
    let mut fresh = A::write_new(tx, &new).await?.into_iter();
    for change in changes {
        let is_written = if change.is_new() {
            fresh.next().unwrap_or_default()
        } else {
            change.of_part() || A::write(tx, change.before.as_ref(), &change.after).await?
        };
        if is_written {
            written.push(change);
        }
    }
    A::follow_up(tx, by, &written).await?;
    let whole = written.iter().filter(|change| !change.of_part());
    let lines: Vec<(Uuid, Line)> = whole.map(|change| change.line(by)).collect();
    let mut events = Vec::new();
    for change in &written {
        events.extend(A::events(by, change)?);
    }
    let done: Vec<Done<'_>> = written.iter().map(|change| done(by, change)).collect();
    facts::write(tx, &Facts { aggregate: A::NAME, lines: &lines, events: &events, done: &done }).await?;
    for key in written.iter().flat_map(A::audience) {
        tx.touch(A::TOPIC, key);
    }
    Ok(written)
}

fn done<'a, A: Lifecycle>(by: &'a By<'_>, change: &Change<A>) -> Done<'a> {
    Done {
        at: by.at(),
        actor: by.actor(),
        // Audit rows have always had underscores where paths have hyphens.
        action: Cow::Owned(format!("{}.{}", A::NAME, change.word().replace('-', "_"))),
        resource_kind: A::NAME,
        resource: change.after.id().into(),
        request_id: by.request_id(),
    }
}
