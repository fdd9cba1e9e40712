//! A request that somebody has in hand: it is given to a person, the elder is waited for, and it is opened again.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::Tx;
use sanbao_platform::http::Ctx;
use sanbao_platform::problem::{CONFLICT, Problem};
use uuid::Uuid;

use super::input::parse_moment;
use super::model::{Assignee, Request};
use super::queue::people;
use super::state::RequestStateName;
use super::step::RequestStepName;

/// The elder is waited for so long at most.
pub const PAUSE_DAYS_MAX: i64 = 14;
/// A request that was closed is opened again within so many days.
pub const REOPEN_DAYS_MAX: i64 = 30;

/// Whether a request can still be opened again.
fn is_reopenable(request: &Request, now: DateTime<Utc>) -> bool {
    let closed = request.state_name() == RequestStateName::Closed;
    !closed || now - request.state_since <= Duration::days(REOPEN_DAYS_MAX)
}

/// Refuses to open again what was closed long ago.
pub(super) fn reopened_in_time(request: &Request, now: DateTime<Utc>) -> Result<(), Problem> {
    if is_reopenable(request, now) {
        return Ok(());
    }
    let zh = format!("办结已超过 {REOPEN_DAYS_MAX} 天，不能重办，请登记新工单");
    let en = format!("It was closed more than {REOPEN_DAYS_MAX} days ago: take down a new request");
    Err(Problem::new(&CONFLICT).detail(zh, en))
}

/// The person to whom a request is given; nobody when none is named.
pub(super) async fn assignee(tx: &mut Tx, ctx: &Ctx, to: Option<Uuid>) -> Result<Option<Assignee>, Problem> {
    let Some(id) = to else { return Ok(None) };
    let unknown =
        || Problem::field("/assignee", "您的单位里没有这位工作人员", "There is no such person in your office");
    people::find(tx, &ctx.actor, id).await?.map(Some).ok_or_else(unknown)
}

/// Until when the elder is waited for.
pub(super) fn pause_until(request: &Request, text: Option<&str>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
    if request.pause.standing(now).is_some() {
        return Err(Problem::new(&CONFLICT).detail("已经暂停计时", "Its clock stands still already"));
    }
    let wrong = |zh: &'static str, en: &'static str| Problem::field("/until", zh, en);
    let until = text.and_then(parse_moment);
    let until = until.ok_or_else(|| wrong("看不懂这个时间", "This is no time"))?;
    if until <= now {
        return Err(wrong("应晚于现在", "It must lie ahead"));
    }
    if until > now + Duration::days(PAUSE_DAYS_MAX) {
        return Err(wrong("最多等 14 天", "At most 14 days ahead"));
    }
    Ok(until)
}

/// Refuses to go on with what does not stand still.
pub(super) fn require_pause(request: &Request, now: DateTime<Utc>) -> Result<(), Problem> {
    match request.pause.standing(now) {
        Some(_) => Ok(()),
        None => Err(Problem::new(&CONFLICT).detail("没有暂停计时", "Its clock does not stand still")),
    }
}

/// Whether a step that the state allows is possible now.
pub(super) fn is_possible(request: &Request, step: RequestStepName, now: DateTime<Utc>) -> bool {
    match step {
        RequestStepName::Pause => request.pause.standing(now).is_none(),
        RequestStepName::Resume => request.pause.standing(now).is_some(),
        RequestStepName::Reopen => is_reopenable(request, now),
        _ => true,
    }
}
