//! The shape in which callers see consults.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::history;
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{self, Lifecycle as _};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum::TextEnum as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::carried::OVERBOOKED;
use super::fetch::Fetcher;
use super::id::ConsultId;
use super::input::{Title, Urgency};
use super::model::{Consult, OrganisationName};
use super::policy::{ConsultAction, ConsultStance};
use super::state::{ConsultStateName, ConsultStepName};
use super::store;
use crate::account::shared_device::DeviceName;
use crate::account::{AccountId, LocationId, PersonId};

/// The resident a consult is about.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ResidentView {
    pub id: PersonId,
    pub name: String,
    /// `male`, `female` or `unknown`.
    pub sex: String,
    pub birth_date: Option<NaiveDate>,
}

/// Doctor, room and time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AppointmentView {
    pub doctor_id: AccountId,
    pub room_id: LocationId,
    pub room_name: Option<String>,
    pub starts_at: DateTime<Utc>,
    /// Up to, and without.
    pub ends_at: DateTime<Utc>,
    /// How much later it will be.
    pub delay_minutes: i32,
    /// When it is expected to begin: the start, and the delay.
    pub expected_at: DateTime<Utc>,
    /// Whether the doctor was booked for it on purpose beside another consult, or beyond the own rules (加号).
    pub overbooked: bool,
    /// Whether it was booked without waiting for the hospital's answer, by the agreement of the two: until it begins, the booked
    /// doctor may return it.
    pub at_once: bool,
}

/// The time that an invitation asks for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AskedView {
    pub doctor_id: AccountId,
    pub doctor_name: Option<String>,
    /// The room, where one is asked for.
    pub room_id: Option<LocationId>,
    pub starts_at: DateTime<Utc>,
    /// Up to, and without.
    pub ends_at: DateTime<Utc>,
}

impl AskedView {
    fn of(consult: &Consult) -> Option<Self> {
        consult.asked.map(|asked| Self {
            doctor_id: asked.doctor,
            doctor_name: consult.asked_doctor_name.clone(),
            room_id: asked.room,
            starts_at: asked.interval.starts_at(),
            ends_at: asked.interval.ends_at(),
        })
    }
}

/// A consult in a list: no clinical text.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConsultLine {
    pub id: ConsultId,
    pub state: ConsultStateName,
    /// The moment of the step into this state.
    pub state_since: DateTime<Utc>,
    /// How soon an answer is needed.
    pub urgency: Urgency,
    /// The care home that invites.
    pub inviting: OrganisationName,
    /// The hospital that is invited.
    pub invited: OrganisationName,
    pub resident_name: String,
    /// The wanted specialty's code.
    pub wanted_specialty: String,
    /// The earliest moment wanted.
    pub wanted_from: DateTime<Utc>,
    /// The latest moment wanted.
    pub wanted_until: DateTime<Utc>,
    /// The doctor's name, from acceptance on.
    pub doctor_name: Option<String>,
    /// Present once it is booked.
    pub appointment: Option<AppointmentView>,
    /// The shared devices that are to be brought.
    pub devices: Vec<DeviceName>,
    /// Whether a consent stands.
    pub has_consent: bool,
    /// The member of staff who fetches the person for the booked time; told to the inviting side alone.
    pub fetcher: Option<Fetcher>,
    /// The steps that the caller may take next.
    pub actions: Vec<&'static str>,
}

/// A consult with all that belongs to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConsultView {
    /// As in a list.
    #[serde(flatten)]
    pub line: ConsultLine,
    pub resident: ResidentView,
    /// The person who wrote the invitation.
    pub requested_by_name: String,
    pub reason: String,
    /// The question to be decided.
    pub purpose: String,
    /// History, findings, diagnosis and treatment.
    pub case_summary: String,
    /// The least rank, if one is asked for.
    pub wanted_title: Option<Title>,
    /// The time that is asked for. While it is submitted, that is held; the asked doctor books it by taking the consult on.
    pub asked: Option<AskedView>,
    /// The words that were said when it came into its state.
    pub state_note: Option<String>,
    /// The doctor who took it on.
    pub doctor_id: Option<AccountId>,
    /// When the meeting began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the meeting ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Counts the changes; the `ETag`.
    pub version: i64,
    /// The steps that were taken, the oldest line first: the newest 200 of them.
    pub history: Vec<HistoryLine>,
    /// Whether older lines of the history are left out.
    pub history_more: bool,
}

/// A line of a consult's history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HistoryLine {
    /// The version of the consult that the step made.
    pub version: i64,
    /// When the step was taken.
    pub at: DateTime<Utc>,
    /// By whom; absent for an event or a timer.
    pub actor_name: Option<String>,
    /// The step's name; `create` for the first line.
    pub action: String,
    pub from_state: Option<ConsultStateName>,
    pub to_state: ConsultStateName,
    /// The words that were said.
    pub note: Option<String>,
    /// Whether the time was given on purpose beside another one, or beyond the doctor's rules; the words say why.
    pub overbooked: bool,
}

/// The history of a consult, the oldest line first, for an answer that shows it; and whether older lines are left out.
pub async fn history(conn: &mut Conn, ctx: &Ctx, consult: &Consult) -> Result<(Vec<HistoryLine>, bool), DbError> {
    let id = consult.id;
    let (lines, more) = history::newest(conn, Consult::NAME, id).await?;
    let mut lines = lines.shown(&ctx.shows, consult);
    keep_back_others(conn, ctx, &mut lines).await?;
    let bad = |column, word: &str| DbError::BadRow {
        table: "history",
        column,
        row: id.to_string(),
        cause: format!("{word} is no state of a consult"),
    };
    let named = |line: history::Line| {
        let to = ConsultStateName::from_text(&line.to_state).ok_or_else(|| bad("to_state", &line.to_state))?;
        Ok(HistoryLine {
            version: line.version,
            at: line.at,
            actor_name: line.actor_name,
            action: line.step,
            from_state: line.from_state.as_deref().and_then(ConsultStateName::from_text),
            to_state: to,
            overbooked: line.note.as_deref() == Some(OVERBOOKED),
            note: line.reason.or(line.note),
        })
    };
    Ok((lines.into_iter().map(named).collect::<Result<_, DbError>>()?, more))
}

/// Takes the other one of an exchange out of the lines where the caller may not read it: it may be another home's.
async fn keep_back_others(conn: &mut Conn, ctx: &Ctx, lines: &mut [history::Line]) -> Result<(), DbError> {
    let other = |line: &history::Line| {
        let exchanged = line.step == ConsultStepName::Exchange.as_str();
        line.note.as_deref().filter(|_| exchanged).and_then(|note| note.parse().ok()).map(ConsultId)
    };
    let ids: Vec<ConsultId> = lines.iter().filter_map(other).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let specialty = store::specialty_of(conn, &ctx.actor).await?;
    let mut others = store::of_ids(conn, &ids).await?;
    others.retain(|o| o.decide(&ctx.actor, specialty.as_deref(), ConsultAction::Read) == Decision::Allow);
    for line in lines {
        if other(line).is_some_and(|id| others.iter().all(|readable| readable.id != id)) {
            line.note = None;
        }
    }
    Ok(())
}

/// The steps that the caller may take now; `specialty` is the caller's own, if a doctor.
pub fn actions(consult: &Consult, ctx: &Ctx, specialty: Option<&str>) -> Vec<&'static str> {
    let stance = ConsultStance::of(ctx, consult, specialty);
    lifecycle::actions(consult, ctx, &stance).into_iter().map(ConsultStepName::as_str).collect()
}

/// The consult as the caller sees it now.
pub async fn seen(conn: &mut Conn, ctx: &Ctx, id: ConsultId) -> Result<ConsultView, Problem> {
    let consult = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
    let specialty = store::specialty_for(conn, &ctx.actor, &consult).await?;
    let history = history(conn, ctx, &consult).await?;
    Ok(ConsultView::of(&consult, ctx, specialty.as_deref(), history))
}

/// 409 for what is no step and the consult's state does not allow, naming the steps that the caller may take now.
pub async fn refused(conn: &mut Conn, ctx: &Ctx, consult: &Consult, action: &str) -> Result<Problem, DbError> {
    let specialty = store::specialty_for(conn, &ctx.actor, consult).await?;
    let legal = actions(consult, ctx, specialty.as_deref());
    Ok(Problem::invalid_transition(consult.state.name(), action, &legal))
}

impl ConsultLine {
    /// The line as the actor sees it.
    pub fn of(consult: &Consult, ctx: &Ctx, specialty: Option<&str>) -> Self {
        let appointment = consult.state.appointment().map(|a| AppointmentView {
            doctor_id: a.doctor,
            room_id: a.room,
            room_name: consult.room_name.clone(),
            starts_at: a.interval.starts_at(),
            ends_at: a.interval.ends_at(),
            delay_minutes: a.delay_minutes,
            expected_at: a.expected_at(),
            overbooked: a.overbooked,
            at_once: a.at_once,
        });
        Self {
            id: consult.id,
            state: consult.state.name(),
            state_since: consult.state_since,
            urgency: consult.urgency,
            inviting: consult.inviting.clone(),
            invited: consult.invited.clone(),
            resident_name: consult.about(&ctx.shows).name.clone(),
            wanted_specialty: consult.wanted_specialty.clone(),
            wanted_from: consult.wanted.0,
            wanted_until: consult.wanted.1,
            doctor_name: consult.doctor_name.clone(),
            appointment,
            devices: consult.devices.clone(),
            has_consent: consult.has_consent,
            fetcher: consult.fetcher.clone().filter(|_| consult.invited_by(&ctx.actor)),
            actions: actions(consult, ctx, specialty),
        }
    }
}

impl ConsultView {
    /// The whole as the actor sees it.
    pub fn of(consult: &Consult, ctx: &Ctx, specialty: Option<&str>, history: (Vec<HistoryLine>, bool)) -> Self {
        let ((started_at, finished_at), about) = (consult.state.meeting(), consult.about(&ctx.shows));
        Self {
            line: ConsultLine::of(consult, ctx, specialty),
            resident: ResidentView {
                id: consult.resident_id,
                name: about.name.clone(),
                sex: about.sex.clone(),
                birth_date: about.birth_date,
            },
            requested_by_name: consult.requested_by_name.clone(),
            reason: about.reason.clone(),
            purpose: about.purpose.clone(),
            case_summary: about.case_summary.clone(),
            wanted_title: consult.wanted_title,
            asked: AskedView::of(consult),
            state_note: consult.state.note().map(str::to_owned),
            doctor_id: consult.state.doctor(),
            started_at,
            finished_at,
            version: consult.version,
            history: history.0,
            history_more: history.1,
        }
    }
}
