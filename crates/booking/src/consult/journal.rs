//! Taking a step: the guarded update, its event, its audit row and its line in the history, in one
//! transaction.

use chrono::{DateTime, Utc};
use sanbao_platform::audit;
use sanbao_platform::auth::Actor;
use sanbao_platform::bus;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::entry;
use super::id::ConsultId;
use super::model::Consult;
use super::state::{State, StateName, Step};
use super::store;

/// The topic of live lists.
pub const TOPIC: &str = "consults";

const REMEMBER: &str = "insert into consult_event
    (id, consult_id, version, at, actor, actor_name, action, from_state, to_state, note)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const HISTORY: &str = "select at, actor_name, action, from_state, to_state, note from consult_event
    where consult_id = $1 order by version limit 200";

/// Who takes a step: a person, or the house itself (an event, the passing of time).
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// Somebody logged in.
    Person(&'a Ctx),
    /// Nobody; the text stands in for a request id.
    House(&'a str, DateTime<Utc>),
}

impl By<'_> {
    fn actor(&self) -> Option<&Actor> {
        match self {
            Self::Person(ctx) => Some(&ctx.actor),
            Self::House(..) => None,
        }
    }

    /// When.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::Person(ctx) => ctx.now(),
            Self::House(_, now) => *now,
        }
    }

    fn request_id(&self) -> &str {
        match self {
            Self::Person(ctx) => &ctx.request_id,
            Self::House(what, _) => what,
        }
    }
}

/// What `booking.consult.*` events carry.
#[derive(Debug, Serialize)]
struct ConsultEvent {
    consult_id: ConsultId,
    at: DateTime<Utc>,
}

/// A line of a consult's history.
#[derive(Clone, Debug, Serialize, sqlx::FromRow, ToSchema)]
pub struct HistoryLine {
    /// When.
    pub at: DateTime<Utc>,
    /// Who; absent when the house itself did it.
    pub actor_name: Option<String>,
    /// The step's name.
    pub action: String,
    /// From which state.
    pub from_state: Option<StateName>,
    /// To which.
    pub to_state: StateName,
    /// What was said.
    pub note: Option<String>,
}

/// Writes that a draft was begun.
pub async fn begun(tx: &mut Tx, ctx: &Ctx, consult: &Consult) -> Result<(), Problem> {
    Ok(written(tx, By::Person(ctx), consult, "create", None, StateName::Draft, None).await?)
}

/// Takes `step` and gives the consult in its next state.
pub async fn take(tx: &mut Tx, by: By<'_>, consult: Consult, step: Step) -> Result<Consult, Problem> {
    let note = step.note().map(str::to_owned);
    take_noted(tx, by, consult, step, note).await
}

/// As [`take`], with a line of its own in the history.
pub async fn take_noted(
    tx: &mut Tx,
    by: By<'_>,
    consult: Consult,
    step: Step,
    note: Option<String>,
) -> Result<Consult, Problem> {
    let (action, from) = (step.name(), consult.state.name());
    let next: State = consult.state.clone().apply(step)?;
    store::advance(tx, &consult, &next, by.now()).await?;
    let to = next.name();
    take_back(tx, by, &consult, &next).await?;
    let state_since = if from == to { consult.state_since } else { by.now() };
    let consult = Consult { state: next, state_since, version: consult.version + 1, ..consult };
    written(tx, by, &consult, action, Some(from), to, note.as_deref()).await?;
    Ok(consult)
}

/// Tickets that the step makes void. What the room itself has ended needs none taken back.
async fn take_back(tx: &mut Tx, by: By<'_>, before: &Consult, next: &State) -> Result<(), DbError> {
    let meets = |state: &State| matches!(state.name(), StateName::Scheduled | StateName::InSession);
    if !meets(&before.state) || matches!(by, By::House(..)) {
        return Ok(());
    }
    if !meets(next) {
        return entry::revoke_all(tx, before.id, by.now()).await;
    }
    if let Some(doctor) = before.state.doctor().filter(|doctor| next.doctor() != Some(*doctor)) {
        entry::revoke(tx, before.id, doctor.into(), by.now()).await?;
    }
    Ok(())
}

async fn written(
    tx: &mut Tx,
    by: By<'_>,
    consult: &Consult,
    action: &'static str,
    from: Option<StateName>,
    to: StateName,
    note: Option<&str>,
) -> Result<(), DbError> {
    let now = by.now();
    let actor = by.actor();
    on!(tx, |c| {
        let row = sqlx::query(REMEMBER).bind(uuid_v7(now)).bind(consult.id).bind(consult.version).bind(now);
        let row = row.bind(actor.map(|a| a.subject)).bind(actor.map(|a| a.name.as_str())).bind(action);
        row.bind(from).bind(to).bind(note).execute(c).await.map(drop)
    })?;
    // A step within a state is told under its own name, so that `…scheduled` means one thing.
    let kind = match action {
        "delay" => "delayed",
        "reschedule" => "rescheduled",
        "revise" => "revised",
        _ => to.name(),
    };
    let event = ConsultEvent { consult_id: consult.id, at: now };
    bus::publish(tx, now, &format!("booking.consult.{kind}"), consult.id, &event).await?;
    let action = format!("consult.{action}");
    let id: Uuid = consult.id.into();
    audit::record_as(tx, now, actor, &action, "consult", Some(id), by.request_id(), "done").await?;
    touch(tx, consult);
    Ok(())
}

/// Tells both sides' lists.
pub fn touch(tx: &mut Tx, consult: &Consult) {
    tx.touch(TOPIC, consult.inviting.id);
    if consult.state.name() != StateName::Draft {
        tx.touch(TOPIC, consult.invited.id);
    }
}

/// What has happened so far, in order.
pub async fn history(conn: &mut Conn, id: ConsultId) -> Result<Vec<HistoryLine>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(HISTORY).bind(id).fetch_all(c).await)?)
}
