//! The stays of matters with levels: each has a clock of its own, and figures are made of them.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::lifecycle::Change;
use sanbao_platform::{on, text_enum};

use super::clock;
use super::id::MatterId;
use super::model::Matter;
use super::state::{MatterState, MatterStep};
use crate::area::Level;

const BEGIN: &str =
    "insert into matter_stay (matter_id, nth, area_code, level, began_as, began_at, due_at, began_in, due_in)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const END: &str =
    "update matter_stay set ended_as = $3, ended_at = $4, ended_in = $5, minutes = $6, whole_minutes = $7, sent = $8
    where matter_id = $1 and nth = $2 and ended_at is null";
const OF: &str =
    "select level, began_as, began_at, due_at, ended_as, ended_at from matter_stay where matter_id = $1 order by nth";

text_enum! {
    /// The way in which a matter came to lie with a level.
    pub enum StayBegin {
        Raised = "raised",
        SentUp = "sent_up",
        /// It came back with the answer.
        Answered = "answered",
        Reopened = "reopened",
    }
}

text_enum! {
    /// The way in which it went on.
    pub enum StayEnd {
        Settled = "settled",
        Answered = "answered",
        SentUp = "sent_up",
        TakenBack = "taken_back",
    }
}

/// A stay of a matter with a level.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Stay {
    pub level: Level,
    pub began_as: StayBegin,
    pub began_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    pub ended_as: Option<StayEnd>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// Ends the stay that a step ends, and begins the one that it begins.
pub(super) async fn follow(tx: &mut Tx, change: &Change<Matter>) -> Result<(), DbError> {
    let after = &change.after;
    let Some((before, step)) = change.before.as_ref().zip(change.step.as_ref()) else {
        return begin(tx, after, StayBegin::Raised).await;
    };
    let (end_as, begin_as) = match step {
        MatterStep::Settle { .. } => (Some(StayEnd::Settled), None),
        MatterStep::TakeBack { .. } => (Some(StayEnd::TakenBack), None),
        MatterStep::Answer { .. } => (Some(StayEnd::Answered), Some(StayBegin::Answered)),
        MatterStep::SendUp { .. } => (Some(StayEnd::SentUp), Some(StayBegin::SentUp)),
        MatterStep::Reopen { .. } => (None, Some(StayBegin::Reopened)),
    };
    if let Some(end_as) = end_as {
        end(tx, before, after, end_as).await?;
    }
    match begin_as {
        Some(begin_as) => begin(tx, after, begin_as).await,
        None => Ok(()),
    }
}

async fn begin(tx: &mut Tx, of: &Matter, began_as: StayBegin) -> Result<(), DbError> {
    let due = of.due_at.unwrap_or(of.state_since);
    on!(tx, |c| {
        let row =
            sqlx::query(BEGIN).bind(of.id).bind(of.stay).bind(&of.area_code).bind(of.state.levels().at).bind(began_as);
        let row = row.bind(of.state_since).bind(due).bind(clock::month(of.state_since)).bind(due_month(due));
        row.execute(c).await.map(drop)
    })?;
    Ok(())
}

/// The month of the last day that a level had: the moment itself is the midnight after it.
fn due_month(due: DateTime<Utc>) -> String {
    clock::month(due - chrono::Duration::seconds(1))
}

async fn end(tx: &mut Tx, before: &Matter, after: &Matter, ended_as: StayEnd) -> Result<(), DbError> {
    let at = after.state_since;
    let whole = matches!(after.state, MatterState::Settled(_));
    let minutes = |since: DateTime<Utc>| (at - since).num_minutes().max(0);
    on!(tx, |c| {
        let row = sqlx::query(END).bind(before.id).bind(before.stay).bind(ended_as).bind(at).bind(clock::month(at));
        let row = row.bind(minutes(before.state_since)).bind(whole.then(|| minutes(before.raised_at)));
        row.bind(before.sent).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// The stays of a matter, the first one first.
pub async fn of(conn: &mut Conn, id: MatterId) -> Result<Vec<Stay>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(OF).bind(id).fetch_all(c).await)?)
}
