//! Requests that go on in another one (并单): which one that may be, what was merged into it, and the way back.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::history;
use sanbao_platform::lifecycle::{By, Call, IllegalStep, Lifecycle as _, State as _, StepError, advance};
use sanbao_platform::on;
use sanbao_platform::problem::{CONFLICT, Problem};
use sanbao_platform::text_enum::TextEnum as _;

use super::id::RequestId;
use super::model::Request;
use super::state::{Involvement, RequestState, RequestStateName};
use super::step::{RequestStep, RequestStepName, Said};
use super::store;
use crate::policy::Action;

/// A merge is taken back within so many days.
pub const BACK_DAYS_MAX: i64 = 30;
/// The merged requests that are told of one.
const MERGED_MAX: i64 = 50;

const MERGED: &str = "select id from request where merged_into = $1 and removed_at is null
    order by received_at desc, id desc limit $2";

/// The state that a merged request comes back to.
pub(super) fn separated(state: RequestState, back: RequestStateName) -> Result<RequestState, IllegalStep> {
    let RequestState::Merged { involvement, .. } = state else {
        return Err(state.illegal(RequestStepName::Separate));
    };
    Ok(match (back, involvement.agency()) {
        (RequestStateName::Triaged, None) => RequestState::Triaged,
        (RequestStateName::Dispatched, Some(agency)) => RequestState::Dispatched { agency },
        (RequestStateName::Rejected, Some(agency)) => RequestState::Rejected { agency },
        (RequestStateName::Escalated, _) => RequestState::Escalated(involvement),
        (RequestStateName::Reopened, _) => RequestState::Reopened(involvement),
        (_, None) => RequestState::Received,
        (_, Some(agency)) => RequestState::Reopened(Involvement::Asked(agency)),
    })
}

/// The state that a request was merged from, as its history has it; not for a merge of long ago.
pub(super) async fn back(tx: &mut Tx, request: &Request, now: DateTime<Utc>) -> Result<RequestStateName, Problem> {
    if now - request.state_since > Duration::days(BACK_DAYS_MAX) {
        let (zh, en) = ("并单已超过 30 天，不能再撤销", "It was merged more than 30 days ago and stays so");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    let lines = history::of(tx, Request::NAME, request.id).await?;
    let merge = lines.unseen().iter().rev().find(|line| line.step == RequestStepName::Merge.as_str());
    let from = merge.and_then(|line| RequestStateName::from_text(line.from_state.as_deref()?));
    Ok(from.unwrap_or(RequestStateName::Received))
}

/// The request another goes on in: one that the actor handles too and that is still open.
pub(super) async fn target(
    call: Call<'_, Request>,
    conn: &mut Conn,
    into: Option<RequestId>,
    own: Option<RequestId>,
    pointer: &str,
) -> Result<Request, Problem> {
    let unknown = || Problem::field(pointer, "没有这条工单，或它已结束", "There is no such request, or it has ended");
    let id = into.filter(|id| own != Some(*id)).ok_or_else(unknown)?;
    let other = store::find(conn, id).await?.filter(|r| r.state_name().is_open()).ok_or_else(unknown)?;
    let standing = other.stance(call.app, conn, call.ctx).await?;
    standing.allows(call.ctx, Action::RequestHandle).require().map_err(|_| unknown())?;
    Ok(other)
}

/// Joins a call to the open request that it is about: its words stand in that one's history, and that one is as urgent.
pub(super) async fn join(tx: &mut Tx, by: &By<'_>, call: Request, open: Request) -> Result<Request, StepError> {
    let note = call.details.elder.unseen().note.clone();
    let (into, urgency) = (open.id, call.details.urgency);
    let appended = RequestStep::Append { urgency, said: Said { reason: None, note } };
    advance(tx, by, open, appended).await?;
    advance(tx, by, call, RequestStep::Merge { into, said: Said::default() }).await
}

/// The requests that go on in one, the newest first.
pub async fn of(conn: &mut Conn, id: RequestId) -> Result<Vec<RequestId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(MERGED).bind(id).bind(MERGED_MAX).fetch_all(c).await)?)
}
