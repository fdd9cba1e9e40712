//! A person's way to a step that two aggregates of a kind take together, such as an exchange of their times.

use std::future::Future;

use axum::response::Response;
use serde::Serialize;
use uuid::Uuid;

use super::take::{outdated, permitted, require_legal};
use super::{By, Call, Guard, Lifecycle, StepAnswer, StepError, StepNameOf, StepOf, save, step};
use crate::db::Tx;
use crate::http::{Condition, Ctx, ETag, IfMatch};
use crate::problem::Problem;
use crate::service::ServiceState;
use crate::text_enum::TextEnum;

/// The field of an order's body that names the other of the two.
pub const WITH: &str = "/with";

/// A person's order over two aggregates: that of the path, and another that the body names under [`WITH`].
pub trait PairOrder<A: Lifecycle>: Serialize + Send + Sync {
    /// The answer, once both are written.
    type Answer: Serialize + Send;

    /// The step that it asks of both.
    fn step(&self) -> StepNameOf<A>;

    /// The other one.
    fn with(&self) -> A::Id;

    /// The version of the other one that the caller read; that of the first is in `If-Match`.
    fn version(&self) -> Option<i64>;

    /// Checks the order, takes what the steps need, and gives both. The caller may take them, and the states allow them.
    fn prepare(
        &self,
        call: Call<'_, A>,
        tx: &mut Tx,
        pair: [&A; 2],
    ) -> impl Future<Output = Result<[StepOf<A>; 2], Problem>> + Send;

    /// Both as the caller sees them then.
    fn answer(&self, views: [A::View; 2]) -> Self::Answer;

    /// The details that are added to a refusal once the transaction is over.
    fn explain(&self, _call: Call<'_, A>, _pair: [&A; 2], problem: Problem) -> impl Future<Output = Problem> + Send {
        std::future::ready(problem)
    }
}

/// One that the caller may not see is like one that is not there; since a field names it, the field is at fault.
fn hidden(problem: Problem) -> Problem {
    if problem.status() != axum::http::StatusCode::NOT_FOUND {
        return problem;
    }
    Problem::field(WITH, "没有这一条，请重新选择", "There is no such one; choose again")
}

/// Takes the step that a person ordered of two, in one transaction, by way of [`take`](super::take). Where somebody has
/// changed one of them meanwhile, neither is written.
pub async fn take_pair<A: Lifecycle, O: PairOrder<A>>(
    app: &A::App,
    ctx: &Ctx,
    id: A::Id,
    guard: &Guard,
    order: &O,
) -> Result<Response, Problem>
where
    A::Id: PartialEq,
{
    let (call, name) = (Call { app, ctx }, order.step());
    let mut tx = app.deps().db.begin().await?;
    let mut both = [id, order.with()];
    both.sort_by_key(|id| Into::<Uuid>::into(*id));
    A::hold(&mut tx, &both).await?;
    let (first, stance) = permitted::<A>(call, &mut tx, id, name).await?;
    if order.with() == id {
        return Err(Problem::field(WITH, "请选择另一条", "Choose another one than itself"));
    }
    let (other, others) = permitted::<A>(call, &mut tx, order.with(), name).await.map_err(hidden)?;
    let what = format!("{}.{name} {id}", A::NAME, name = name.as_str());
    if let Some(replay) = guard.key.begin(&mut tx, ctx, &what, order).await? {
        return Ok(replay);
    }
    let read_of_other = IfMatch(order.version().map(|read| Condition::OneOf(vec![read])));
    for (id, version, if_match) in
        [(id, first.version(), &guard.if_match), (order.with(), other.version(), &read_of_other)]
    {
        if let Err(old) = if_match.check(version) {
            drop(tx);
            return Err(outdated::<A>(call, id, if_match, old).await);
        }
    }
    let both = require_legal(call, &first, &stance, name).and_then(|()| require_legal(call, &other, &others, name));
    let steps = match both {
        Ok(()) => order.prepare(call, &mut tx, [&first, &other]).await,
        Err(refused) => Err(refused),
    };
    let [step_of_first, step_of_other] = match steps {
        Ok(steps) => steps,
        Err(problem) => {
            drop(tx);
            return Err(order.explain(call, [&first, &other], problem).await);
        }
    };
    let with = order.with();
    let changes = vec![step(first, step_of_first, ctx.now())?, step(other, step_of_other, ctx.now())?];
    let saved = save(&mut tx, &By::Person(ctx), changes).await?;
    let [first, _] = saved.as_slice() else { return Err(StepError::Overtaken.into()) };
    let version = first.after.version();
    let views = [A::view(app, &mut tx, ctx, id).await?, A::view(app, &mut tx, ctx, with).await?];
    let answer = StepAnswer::ok(version, &order.answer(views))?;
    let response = guard.key.finish_tagged(&mut tx, ctx, answer.status, ETag(version), &answer.body).await?;
    tx.commit().await?;
    Ok(response)
}
