//! What callers see of consults.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::policy::Decision;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account::{AccountId, LocationId, PersonId};
use crate::consult::id::ConsultId;
use crate::consult::invitation::Title;
use crate::consult::journal::HistoryLine;
use crate::consult::model::{Consult, OrganisationName};
use crate::consult::policy::Action;
use crate::consult::state::StateName;

/// The resident a consult is about.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ResidentView {
    /// Id.
    pub id: PersonId,
    /// Name.
    pub name: String,
    /// `male`, `female` or `unknown`.
    pub sex: String,
    /// Birthday.
    pub birth_date: Option<NaiveDate>,
}

/// Doctor, room and time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AppointmentView {
    /// The doctor.
    pub doctor_id: AccountId,
    /// The room.
    pub room_id: LocationId,
    /// The room's name.
    pub room_name: Option<String>,
    /// From.
    pub starts_at: DateTime<Utc>,
    /// Up to, and without.
    pub ends_at: DateTime<Utc>,
    /// How much later it will be.
    pub delay_minutes: i32,
    /// When it is expected to begin: the start, and the delay.
    pub expected_at: DateTime<Utc>,
}

/// A consult in a list: no clinical text.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConsultLine {
    /// Id.
    pub id: ConsultId,
    /// Where it stands.
    pub state: StateName,
    /// Since when.
    pub state_since: DateTime<Utc>,
    /// The care home.
    pub inviting: OrganisationName,
    /// The hospital.
    pub invited: OrganisationName,
    /// The resident's name.
    pub resident_name: String,
    /// The wanted specialty's code.
    pub wanted_specialty: String,
    /// Wanted not before.
    pub wanted_from: DateTime<Utc>,
    /// Wanted not after.
    pub wanted_until: DateTime<Utc>,
    /// The doctor's name, from acceptance on.
    pub doctor_name: Option<String>,
    /// Once booked.
    pub appointment: Option<AppointmentView>,
    /// Whether a consent stands.
    pub has_consent: bool,
    /// What the caller may do next.
    pub actions: Vec<&'static str>,
}

/// A consult with all that belongs to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConsultView {
    /// As in a list.
    #[serde(flatten)]
    pub line: ConsultLine,
    /// The resident.
    pub resident: ResidentView,
    /// Who wrote the invitation.
    pub requested_by_name: String,
    /// Why.
    pub reason: String,
    /// What is to be decided.
    pub purpose: String,
    /// History, findings, diagnosis and treatment.
    pub case_summary: String,
    /// The wanted rank.
    pub wanted_title: Option<Title>,
    /// What was said when it came into its state.
    pub state_note: Option<String>,
    /// Who took it on.
    pub doctor_id: Option<AccountId>,
    /// When the meeting began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the meeting ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Also the `ETag`.
    pub version: i64,
    /// What has happened.
    pub history: Vec<HistoryLine>,
}

/// The permission that a step needs; `None` for what only the house does.
fn action_of(step: &str) -> Option<Action> {
    Some(match step {
        "revise" | "submit" => Action::Invite,
        "accept" | "return" | "reject" => Action::Answer,
        "schedule" | "reschedule" => Action::Schedule,
        "delay" => Action::Delay,
        "cancel" => Action::Cancel,
        "finish" => Action::Finish,
        "no_show" => Action::NoShow,
        "save_opinion" | "sign" => Action::Opinion,
        "adopt" | "archive" => Action::Adopt,
        _ => return None,
    })
}

/// The steps that the state allows and the actor may take.
pub fn actions(consult: &Consult, actor: &Actor, specialty: Option<&str>) -> Vec<&'static str> {
    let may = |step: &&&'static str| {
        action_of(step).is_some_and(|action| consult.decide(actor, specialty, action) == Decision::Allow)
    };
    consult.state.name().legal().iter().filter(may).copied().collect()
}

impl ConsultLine {
    /// The line as the actor sees it.
    pub fn of(consult: &Consult, actor: &Actor, specialty: Option<&str>) -> Self {
        let appointment = consult.state.appointment().map(|a| AppointmentView {
            doctor_id: a.doctor,
            room_id: a.room,
            room_name: consult.room_name.clone(),
            starts_at: a.interval.starts_at(),
            ends_at: a.interval.ends_at(),
            delay_minutes: a.delay_minutes,
            expected_at: a.interval.starts_at() + Duration::minutes(i64::from(a.delay_minutes)),
        });
        Self {
            id: consult.id,
            state: consult.state.name(),
            state_since: consult.state_since,
            inviting: consult.inviting.clone(),
            invited: consult.invited.clone(),
            resident_name: consult.resident_name.clone(),
            wanted_specialty: consult.wanted_specialty.clone(),
            wanted_from: consult.wanted.0,
            wanted_until: consult.wanted.1,
            doctor_name: consult.doctor_name.clone(),
            appointment,
            has_consent: consult.has_consent,
            actions: actions(consult, actor, specialty),
        }
    }
}

impl ConsultView {
    /// The whole as the actor sees it.
    pub fn of(consult: &Consult, actor: &Actor, specialty: Option<&str>, history: Vec<HistoryLine>) -> Self {
        let (started_at, finished_at) = consult.state.meeting();
        Self {
            line: ConsultLine::of(consult, actor, specialty),
            resident: ResidentView {
                id: consult.resident_id,
                name: consult.resident_name.clone(),
                sex: consult.resident_sex.clone(),
                birth_date: consult.resident_birth_date,
            },
            requested_by_name: consult.requested_by_name.clone(),
            reason: consult.reason.clone(),
            purpose: consult.purpose.clone(),
            case_summary: consult.case_summary.clone(),
            wanted_title: consult.wanted_title,
            state_note: consult.state.note().map(str::to_owned),
            doctor_id: consult.state.doctor(),
            started_at,
            finished_at,
            version: consult.version,
            history,
        }
    }
}
