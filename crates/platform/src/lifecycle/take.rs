//! A person's way to a step: load → policy → stored answer → version → preparation → apply → save.

use std::future::Future;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{By, Lifecycle, PairOrder, State as _, StepError, StepName as _, StepNameOf, StepOf, advance, take_pair};
use crate::db::Tx;
use crate::http::{Ctx, ETag, Idempotency, IfMatch, Path};
use crate::policy::Decision;
use crate::problem::Problem;
use crate::service::ServiceState;
use crate::text_enum::TextEnum;

/// The guard against taking a step twice, or over what somebody else has changed: the headers `Idempotency-Key` and
/// `If-Match`. Every handler of a step takes both.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Repeats of one key get the first answer again.
    pub key: Idempotency,
    /// The version that the caller read.
    pub if_match: IfMatch,
}

impl<S: Send + Sync> FromRequestParts<S> for Guard {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let key = Idempotency::from_request_parts(parts, state).await?;
        Ok(Self { key, if_match: IfMatch::from_request_parts(parts, state).await? })
    }
}

/// A step as a request asks for it: of which service, by whom, of which thing, under which guard. Every handler of a
/// step takes this, then its body if it has one, and hands its order to [`take`](Self::take).
#[derive(Debug)]
pub struct StepRequest<App, Id> {
    app: App,
    ctx: Ctx,
    id: Id,
    guard: Guard,
}

impl<App, Id> FromRequestParts<App> for StepRequest<App, Id>
where
    App: ServiceState,
    Id: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let ctx = Ctx::from_request_parts(parts, app).await?;
        let Path(id) = Path::from_request_parts(parts, app).await?;
        let guard = Guard::from_request_parts(parts, app).await?;
        Ok(Self { app: app.clone(), ctx, id, guard })
    }
}

impl<App: ServiceState, Id> StepRequest<App, Id> {
    /// Takes the ordered step by way of [`take`].
    pub async fn take<A: Lifecycle<App = App, Id = Id>, O: Order<A>>(self, order: O) -> Result<Response, Problem> {
        take(&self.app, &self.ctx, self.id, &self.guard, &order).await
    }

    /// Takes the ordered step of two by way of [`take_pair`].
    pub async fn take_pair<A, O>(self, order: O) -> Result<Response, Problem>
    where
        A: Lifecycle<App = App, Id = Id>,
        O: PairOrder<A>,
        Id: PartialEq,
    {
        take_pair(&self.app, &self.ctx, self.id, &self.guard, &order).await
    }

    /// The version that was read, where it is that of a part with versions of its own: the order checks it, and the
    /// aggregate's is not asked for.
    pub fn version_of_part(&mut self) -> IfMatch {
        std::mem::replace(&mut self.guard.if_match, IfMatch(None))
    }
}

/// By whom an order was given, and to which service.
#[derive(Debug)]
pub struct Call<'a, A: Lifecycle> {
    pub app: &'a A::App,
    pub ctx: &'a Ctx,
}

#[expect(clippy::expl_impl_clone_on_copy, reason = "a derived one would ask the aggregate to be `Copy`")]
impl<A: Lifecycle> Clone for Call<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: Lifecycle> Copy for Call<'_, A> {}

/// A person's order: a request's body, before anything of it is looked up. Its serialised form is what an
/// `Idempotency-Key` stands for.
pub trait Order<A: Lifecycle>: Serialize + Send + Sync {
    /// The step that it asks for.
    fn step(&self) -> StepNameOf<A>;

    /// Checks the order, takes what the step needs (time in the calendar) and gives the step. The caller may take it,
    /// and the state allows it. Nothing but SQL is awaited here; an error undoes everything.
    fn prepare(
        &self,
        call: Call<'_, A>,
        tx: &mut Tx,
        aggregate: &A,
    ) -> impl Future<Output = Result<StepOf<A>, Problem>> + Send;

    /// The answer, once the step is written: the aggregate as the caller sees it. An order that leads further in the
    /// same transaction, such as a second step, does so here.
    fn answer(
        &self,
        call: Call<'_, A>,
        tx: &mut Tx,
        after: A,
    ) -> impl Future<Output = Result<StepAnswer, Problem>> + Send {
        seen(call, tx, after)
    }

    /// The details that are added to a refusal once the transaction is over, such as the nearest free times.
    fn explain(&self, _call: Call<'_, A>, _aggregate: &A, problem: Problem) -> impl Future<Output = Problem> + Send {
        std::future::ready(problem)
    }
}

/// The answer to a step.
#[derive(Clone, Debug)]
pub struct StepAnswer {
    /// 200 for a step; 201 where it made something.
    pub status: StatusCode,
    /// Counts the changes; the `ETag`.
    pub version: i64,
    pub body: serde_json::Value,
}

impl StepAnswer {
    /// 200 with a view.
    pub fn ok(version: i64, view: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_value(view).map_err(Problem::internal)?;
        Ok(Self { status: StatusCode::OK, version, body })
    }
}

/// The aggregate as the caller sees it now.
pub async fn seen<A: Lifecycle>(call: Call<'_, A>, tx: &mut Tx, after: A) -> Result<StepAnswer, Problem> {
    StepAnswer::ok(after.version(), &A::view(call.app, tx, call.ctx, after.id()).await?)
}

/// The steps that the caller may take now: legal in the state, open to people, allowed by the policy, and not too
/// early.
pub fn actions<A: Lifecycle>(aggregate: &A, ctx: &Ctx, stance: &A::Stance) -> Vec<StepNameOf<A>> {
    let mut legal = aggregate.legal();
    legal.retain(|step| {
        step.by_person() && A::allows(ctx, stance, *step) == Decision::Allow && A::timely(ctx, stance, *step)
    });
    legal
}

/// The aggregate and how the caller stands to it, if the caller may take a step of this name.
pub(super) async fn permitted<A: Lifecycle>(
    Call { app, ctx }: Call<'_, A>,
    tx: &mut Tx,
    id: A::Id,
    name: StepNameOf<A>,
) -> Result<(A, A::Stance), Problem> {
    let aggregate = A::find(tx, id).await?.ok_or_else(Problem::not_found)?;
    let stance = aggregate.stance(app, tx, ctx).await?;
    A::sees(ctx, &stance).require()?;
    A::allows(ctx, &stance, name).require()?;
    Ok((aggregate, stance))
}

/// Refuses a step that the state does not allow, with those that the caller may take instead.
pub(super) fn require_legal<A: Lifecycle>(
    call: Call<'_, A>,
    aggregate: &A,
    stance: &A::Stance,
    name: StepNameOf<A>,
) -> Result<(), Problem> {
    if aggregate.legal().contains(&name) {
        return Ok(());
    }
    let legal = actions(aggregate, call.ctx, stance).into_iter().map(TextEnum::as_str).collect();
    Err(StepError::Illegal { refused: aggregate.state().illegal(name), legal }.into())
}

/// The refusal of an old version, with what was done since.
pub(super) async fn outdated<A: Lifecycle>(
    call: Call<'_, A>,
    id: A::Id,
    if_match: &IfMatch,
    problem: Problem,
) -> Problem {
    match if_match.newest() {
        Some(read) => A::since(call.app, call.ctx, id, read, problem).await,
        None => problem,
    }
}

/// Takes the step that a person ordered, and answers with the aggregate as the person sees it then.
///
/// A caller who may not see it gets 404, one who may not do it 403, a repeat of its `Idempotency-Key` the first answer,
/// an old `If-Match` 412, a step that the state does not allow 409 with the steps that this caller may take instead.
pub async fn take<A: Lifecycle, O: Order<A>>(
    app: &A::App,
    ctx: &Ctx,
    id: A::Id,
    guard: &Guard,
    order: &O,
) -> Result<Response, Problem> {
    let (call, name) = (Call { app, ctx }, order.step());
    let mut tx = app.deps().db.begin().await?;
    let (aggregate, stance) = permitted::<A>(call, &mut tx, id, name).await?;
    let what = format!("{}.{name} {id}", A::NAME, name = name.as_str());
    if let Some(replay) = guard.key.begin(&mut tx, ctx, &what, order).await? {
        return Ok(replay);
    }
    if let Err(old) = guard.if_match.check(aggregate.version()) {
        drop(tx);
        return Err(outdated::<A>(call, id, &guard.if_match, old).await);
    }
    let step = match require_legal(call, &aggregate, &stance, name) {
        Ok(()) => order.prepare(call, &mut tx, &aggregate).await,
        Err(refused) => Err(refused),
    };
    let step = match step {
        Ok(step) => step,
        Err(problem) => {
            drop(tx);
            return Err(order.explain(call, &aggregate, problem).await);
        }
    };
    let after = advance(&mut tx, &By::Person(ctx), aggregate, step).await?;
    let answer = order.answer(call, &mut tx, after).await?;
    let tag = ETag(answer.version);
    let response = guard.key.finish_tagged(&mut tx, ctx, answer.status, tag, &answer.body).await?;
    tx.commit().await?;
    Ok(response)
}
