//! The description that an aggregate with a life cycle gives of itself.

use std::fmt::{Debug, Display};
use std::future::Future;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::Change;
use crate::auth::Actor;
use crate::bus::NewEvent;
use crate::db::{Conn, DbError, Tx};
use crate::http::Ctx;
use crate::policy::Decision;
use crate::problem::Problem;
use crate::service::ServiceState;
use crate::text_enum::TextEnum;

/// The steps of an aggregate's life cycle.
pub type StepOf<A> = <<A as Lifecycle>::State as State>::Step;
/// Their names.
pub type StepNameOf<A> = <StepOf<A> as Step>::Name;

/// A step that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step} is not legal in {state}")]
pub struct IllegalStep {
    /// The word of the state.
    pub state: &'static str,
    /// The word of the step that was tried.
    pub step: &'static str,
}

/// Where an aggregate stands: an enum that carries what belongs to each state.
pub trait State: Clone + Debug + Send + Sync + Sized + 'static {
    /// The states by name alone.
    type Name: TextEnum;
    /// The steps.
    type Step: Step;

    /// The state's name.
    fn name(&self) -> Self::Name;

    /// The state after `step`: pure, and the only place that says which step leads where.
    fn apply(self, step: Self::Step) -> Result<Self, IllegalStep>;

    /// The steps that [`apply`](Self::apply) takes from here, found by asking it.
    fn legal(&self) -> Vec<<Self::Step as Step>::Name> {
        let names = <Self::Step as Step>::Name::ALL.iter().copied();
        names.filter(|name| self.clone().apply(name.example()).is_ok()).collect()
    }

    /// The refusal of a step of this name.
    fn illegal(&self, step: <Self::Step as Step>::Name) -> IllegalStep {
        IllegalStep { state: self.name().as_str(), step: step.as_str() }
    }
}

/// The steps that none of `states` takes: those of which `apply` says nothing yet. For the tests of a life cycle, with
/// one state of each name.
#[cfg(feature = "testing")]
pub fn legal_nowhere<S: State>(states: impl IntoIterator<Item = S>) -> Vec<<S::Step as Step>::Name> {
    let taken: Vec<_> = states.into_iter().flat_map(|state| state.legal()).collect();
    <S::Step as Step>::Name::ALL.iter().copied().filter(|step| !taken.contains(step)).collect()
}

/// Something that is done to an aggregate, with what belongs to it.
pub trait Step: Clone + Debug + Send + Sync + 'static {
    /// The steps by name alone.
    type Name: StepName<Step = Self>;

    /// The step's name.
    fn name(&self) -> Self::Name;

    /// Why it is taken, where the step asks for a reason.
    fn reason(&self) -> Option<&str> {
        None
    }

    /// The remark that came with it.
    fn note(&self) -> Option<&str> {
        None
    }

    /// Whether the step changes only a part of the aggregate that counts its own versions, such as a draft that is
    /// saved every few seconds. Then the aggregate's row, version and history stay as they are, and `advanced` must
    /// leave the version; [`follow_up`](Lifecycle::follow_up) and the audit row are the same as for other steps.
    fn of_part(&self) -> bool {
        false
    }
}

/// A step by its name alone, as it stands in the API's paths, in the history and in audit rows.
pub trait StepName: TextEnum {
    /// The step with what belongs to it.
    type Step;

    /// A step of this name with nothing in it: what is asked to learn whether the step would be legal.
    fn example(self) -> Self::Step;

    /// Whether people take it; the others are taken by events and timers alone.
    fn by_person(self) -> bool {
        true
    }
}

/// The origin of a step.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// Somebody logged in.
    Person(&'a Ctx),
    /// Nobody: an event, a timer, a file.
    Automatic {
        /// The text in the place of the request's id: the event's, or the name of the timer.
        cause: &'a str,
        /// When it took place.
        at: DateTime<Utc>,
        /// For whom, where a person set it in motion: an import.
        actor: Option<&'a Actor>,
    },
}

impl By<'_> {
    /// When the step takes place.
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Person(ctx) => ctx.now(),
            Self::Automatic { at, .. } => *at,
        }
    }

    /// The account that takes it.
    pub fn actor(&self) -> Option<&Actor> {
        match self {
            Self::Person(ctx) => Some(&ctx.actor),
            Self::Automatic { actor, .. } => *actor,
        }
    }

    /// The request's id of the audit row.
    pub fn request_id(&self) -> &str {
        match self {
            Self::Person(ctx) => &ctx.request_id,
            Self::Automatic { cause, .. } => cause,
        }
    }
}

/// An aggregate that has a life cycle: what [`advance`](super::advance) and [`take`](super::take) must know of it.
pub trait Lifecycle: Clone + Debug + Send + Sync + Sized + 'static {
    /// Its kind, in history and audit rows: `consult`.
    const NAME: &'static str;
    /// The word of its first line in the history.
    const CREATED: &'static str = "create";
    /// The topic of live lists that show it.
    const TOPIC: &'static str;

    /// The service's state.
    type App: ServiceState;
    /// Its id.
    type Id: Copy + Debug + Display + Into<Uuid> + Send + Sync;
    /// Where it stands.
    type State: State;
    /// How a caller stands to it, as the policy wants to know.
    type Stance: Clone + Debug + Send + Sync;
    /// The view that callers get.
    type View: Serialize + Send;

    /// Its id.
    fn id(&self) -> Self::Id;
    /// Counts its changes; the entity tag.
    fn version(&self) -> i64;
    /// Where it stands.
    fn state(&self) -> &Self::State;

    /// The steps that are legal now. An aggregate that allows less than its state says so here.
    fn legal(&self) -> Vec<StepNameOf<Self>> {
        self.state().legal()
    }

    /// The aggregate after `step`, which has led to `state`: pure. The version grows by one here.
    #[must_use]
    fn advanced(self, state: Self::State, step: &StepOf<Self>, at: DateTime<Utc>) -> Self;

    /// The aggregate of an id.
    fn find(conn: &mut Conn, id: Self::Id) -> impl Future<Output = Result<Option<Self>, DbError>> + Send;

    /// Keeps the rows of these ids, in their order, from being changed by others until the transaction ends. What is
    /// locked beside them, such as times in a calendar, is locked after them. Where there is one writer only it is nothing.
    fn hold(_tx: &mut Tx, _ids: &[Self::Id]) -> impl Future<Output = Result<(), DbError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Writes the row of `after`: a new one, or over the version of `before`. `false` when somebody else was faster.
    fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> impl Future<Output = Result<bool, DbError>> + Send;

    /// Writes the rows of new ones, and says of each whether it was written, as [`Self::write`] does.
    fn write_new(tx: &mut Tx, new: &[&Self]) -> impl Future<Output = Result<Vec<bool>, DbError>> + Send {
        async move {
            let mut written = Vec::with_capacity(new.len());
            for one in new {
                written.push(Self::write(tx, None, one).await?);
            }
            Ok(written)
        }
    }

    /// The further rows of the same transaction: counts, tickets that are taken back.
    fn follow_up(
        tx: &mut Tx,
        by: &By<'_>,
        changes: &[Change<Self>],
    ) -> impl Future<Output = Result<(), DbError>> + Send;

    /// The events for other services.
    fn events(by: &By<'_>, change: &Change<Self>) -> Result<Vec<NewEvent>, DbError>;

    /// Whose live lists show it: the keys of [`TOPIC`](Self::TOPIC).
    fn audience(change: &Change<Self>) -> Vec<Uuid>;

    /// How the caller stands to it.
    fn stance(
        &self,
        app: &Self::App,
        conn: &mut Conn,
        ctx: &Ctx,
    ) -> impl Future<Output = Result<Self::Stance, Problem>> + Send;

    /// Whether the caller may know that it exists.
    fn sees(ctx: &Ctx, stance: &Self::Stance) -> Decision;

    /// Whether the caller may take a step of this name.
    fn allows(ctx: &Ctx, stance: &Self::Stance, step: StepNameOf<Self>) -> Decision;

    /// Whether the time for a step of this name has come. A step that would be refused for being too early is left out
    /// of the view's list; the order itself says why it refuses.
    fn timely(_ctx: &Ctx, _stance: &Self::Stance, _step: StepNameOf<Self>) -> bool {
        true
    }

    /// The details that are added to the refusal of an old version once the transaction is over: who has done what since. The
    /// caller sees the aggregate.
    fn since(
        _app: &Self::App,
        _ctx: &Ctx,
        _id: Self::Id,
        _read: i64,
        problem: Problem,
    ) -> impl Future<Output = Problem> + Send {
        std::future::ready(problem)
    }

    /// The view that the caller gets of it now.
    fn view(
        app: &Self::App,
        conn: &mut Conn,
        ctx: &Ctx,
        id: Self::Id,
    ) -> impl Future<Output = Result<Self::View, Problem>> + Send;
}
