//! A consult as it is loaded: its invitation, its state, and the names a reader needs.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use sanbao_platform::audit::{Disclosure, Personal, Subject, Subjects};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::DbError;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::fetch::Fetcher;
use super::id::ConsultId;
use super::input::{Invitation, Title, Urgency};
use super::state::{Appointment, ConsultState, ConsultStateName, Held};
use crate::account::shared_device::DeviceName;
use crate::account::{AccountId, LocationId, PersonId, SharedDeviceId};
use crate::calendar::Interval;

/// An organisation by id and names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrganisationName {
    pub id: OrganisationId,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
}

impl OrganisationName {
    /// The name in a language.
    pub fn name(&self, lang: Lang) -> &str {
        lang.pick(&self.name_zh, &self.name_en)
    }
}

/// The resident whom a consult is about, and the case.
#[derive(Clone, Default)]
pub struct About {
    pub name: String,
    /// `male`, `female` or `unknown`.
    pub sex: String,
    /// The resident's birthday.
    pub birth_date: Option<NaiveDate>,
    /// Part one of the invitation: why a consult is asked for.
    pub reason: String,
    /// Part two: the question to be decided.
    pub purpose: String,
    /// Part four: the case in words.
    pub case_summary: String,
}

/// The time that an invitation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedTime {
    pub doctor: AccountId,
    /// The room of the inviting side, where one is asked for.
    pub room: Option<LocationId>,
    pub interval: Interval,
}

/// One consult.
#[derive(Clone, Debug)]
pub struct Consult {
    pub id: ConsultId,
    /// The care home that invites and decides.
    pub inviting: OrganisationName,
    /// The hospital that is invited.
    pub invited: OrganisationName,
    /// The inviting and the invited side's zones.
    pub zones: (Tz, Tz),
    /// Telephone numbers to fall back on: of the inviting and the invited side.
    pub phones: (Option<String>, Option<String>),
    /// The person whom it is about.
    pub resident_id: PersonId,
    /// That person, and the case in words.
    pub about: Personal<About>,
    /// The person who wrote the invitation.
    pub requested_by: AccountId,
    pub requested_by_name: String,
    /// Part three of the invitation: the earliest and the latest moment wanted.
    pub wanted: (DateTime<Utc>, DateTime<Utc>),
    /// Part five: the specialty's code.
    pub wanted_specialty: String,
    /// Part five: the least rank, if one is asked for.
    pub wanted_title: Option<Title>,
    /// How soon an answer is needed.
    pub urgency: Urgency,
    /// The time that is asked for; of one that was accepted, what was asked for.
    pub asked: Option<AskedTime>,
    pub asked_doctor_name: Option<String>,
    /// The shared devices that are to be brought.
    pub devices: Vec<DeviceName>,
    pub state: ConsultState,
    /// The moment of the step into this state.
    pub state_since: DateTime<Utc>,
    pub doctor_name: Option<String>,
    pub room_name: Option<String>,
    /// Whether a consent stands.
    pub has_consent: bool,
    /// The member of the inviting side's staff who fetches the person for the booked time.
    pub fetcher: Option<Fetcher>,
    /// Grows with every change.
    pub version: i64,
}

impl Consult {
    /// Whether it cannot wait (特急).
    pub fn is_stat(&self) -> bool {
        self.urgency == Urgency::Stat
    }

    /// A new draft. The names of those whom the invitation mentions by id are joined when it is read.
    pub fn begun(now: DateTime<Utc>, actor: &Actor, invitation: &Invitation, asked: Option<AskedTime>) -> Self {
        let unnamed = |id| OrganisationName { id, name_zh: String::new(), name_en: String::new() };
        let draft = Self {
            id: ConsultId::new(now),
            inviting: unnamed(actor.organisation),
            invited: unnamed(invitation.hospital_id),
            zones: (Tz::UTC, Tz::UTC),
            phones: (None, None),
            resident_id: invitation.resident_id,
            about: Personal::default(),
            requested_by: actor.subject.into(),
            requested_by_name: actor.name.clone(),
            wanted: (now, now),
            wanted_specialty: String::new(),
            wanted_title: None,
            urgency: Urgency::Routine,
            asked: None,
            asked_doctor_name: None,
            devices: Vec::new(),
            state: ConsultState::Draft,
            state_since: now,
            doctor_name: None,
            room_name: None,
            has_consent: false,
            fetcher: None,
            version: 1,
        };
        draft.revised(invitation, asked)
    }

    /// The consult with another invitation.
    #[must_use]
    pub fn revised(self, invitation: &Invitation, asked: Option<AskedTime>) -> Self {
        let about = About {
            reason: invitation.reason.clone(),
            purpose: invitation.purpose.clone(),
            case_summary: invitation.case_summary.clone(),
            ..self.about.into_unseen()
        };
        Self {
            invited: OrganisationName { id: invitation.hospital_id, ..self.invited },
            resident_id: invitation.resident_id,
            about: about.into(),
            wanted: (*invitation.wanted_from, *invitation.wanted_until),
            wanted_specialty: invitation.wanted_specialty.clone(),
            wanted_title: invitation.wanted_title,
            urgency: invitation.urgency,
            asked,
            devices: invitation.device_ids.iter().map(|id| DeviceName { id: *id, name: String::new() }).collect(),
            ..self
        }
    }

    /// The resident and the case, for an answer that shows them.
    pub fn about(&self, shows: &Disclosure) -> &About {
        self.about.show(shows, self)
    }

    /// The devices as the calendar knows them.
    pub fn device_resources(&self) -> impl Iterator<Item = Uuid> {
        self.devices.iter().map(|device| device.id.0)
    }

    /// Whether the actor is of the inviting side.
    pub fn invited_by(&self, actor: &Actor) -> bool {
        actor.organisation == self.inviting.id
    }

    /// The zone of the actor's side.
    pub fn zone_of(&self, actor: &Actor) -> Tz {
        if self.invited_by(actor) { self.zones.0 } else { self.zones.1 }
    }
}

impl Subjects for Consult {
    fn subjects(&self) -> Vec<Subject> {
        vec![Subject::new("consult", self.id), Subject::new("person", self.resident_id)]
    }
}

/// The row that every statement over consults selects.
#[derive(sqlx_macros::FromRow)]
pub(super) struct ConsultRow {
    id: ConsultId,
    inviting_id: OrganisationId,
    inviting_zh: String,
    inviting_en: String,
    inviting_phone: Option<String>,
    time_zone: String,
    invited_id: OrganisationId,
    invited_zh: String,
    invited_en: String,
    invited_phone: Option<String>,
    invited_zone: String,
    resident_id: PersonId,
    resident_name: String,
    resident_sex: String,
    resident_birth_date: Option<NaiveDate>,
    requested_by: AccountId,
    requested_by_name: String,
    reason: String,
    purpose: String,
    wanted_from: DateTime<Utc>,
    wanted_until: DateTime<Utc>,
    case_summary: String,
    wanted_specialty: String,
    wanted_title: Option<Title>,
    urgency: Urgency,
    asked_doctor_id: Option<AccountId>,
    asked_doctor_name: Option<String>,
    asked_room_id: Option<LocationId>,
    asked_starts_at: Option<DateTime<Utc>>,
    asked_ends_at: Option<DateTime<Utc>>,
    device_1_id: Option<SharedDeviceId>,
    device_1_name: Option<String>,
    device_2_id: Option<SharedDeviceId>,
    device_2_name: Option<String>,
    device_3_id: Option<SharedDeviceId>,
    device_3_name: Option<String>,
    state: ConsultStateName,
    state_note: Option<String>,
    state_since: DateTime<Utc>,
    doctor_id: Option<AccountId>,
    doctor_name: Option<String>,
    room_id: Option<LocationId>,
    room_name: Option<String>,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    delay_minutes: i32,
    overbooked_starts_at: Option<DateTime<Utc>>,
    at_once: bool,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    has_consent: bool,
    fetched_by: Option<AccountId>,
    fetched_by_name: Option<String>,
    version: i64,
}

impl ConsultRow {
    fn bad(&self, column: &'static str, cause: impl std::fmt::Display) -> DbError {
        DbError::BadRow { table: "consult", column, row: self.id.to_string(), cause: cause.to_string() }
    }

    fn appointment(&self) -> Result<Option<Appointment>, DbError> {
        let (Some(doctor), Some(room), Some(starts_at), Some(ends_at)) =
            (self.doctor_id, self.room_id, self.starts_at, self.ends_at)
        else {
            return Ok(None);
        };
        let interval = Interval::new(starts_at, ends_at).map_err(|e| self.bad("ends_at", e))?;
        let overbooked = self.overbooked_starts_at == Some(starts_at);
        let (delay_minutes, at_once) = (self.delay_minutes, self.at_once);
        Ok(Some(Appointment { doctor, room, interval, delay_minutes, overbooked, at_once }))
    }

    fn asked(&self) -> Result<Option<AskedTime>, DbError> {
        let (Some(doctor), Some(starts_at), Some(ends_at)) =
            (self.asked_doctor_id, self.asked_starts_at, self.asked_ends_at)
        else {
            return Ok(None);
        };
        let interval = Interval::new(starts_at, ends_at).map_err(|e| self.bad("asked_ends_at", e))?;
        Ok(Some(AskedTime { doctor, room: self.asked_room_id, interval }))
    }

    fn booked(&self) -> Result<Appointment, DbError> {
        self.appointment()?.ok_or_else(|| self.bad("starts_at", "nothing is booked in this state"))
    }

    fn held(&self) -> Result<Held, DbError> {
        let finished_at = self.finished_at.ok_or_else(|| self.bad("finished_at", "missing in this state"))?;
        Ok(Held { appointment: self.booked()?, started_at: self.started_at, finished_at })
    }

    fn state(&self) -> Result<ConsultState, DbError> {
        let reason = || self.state_note.clone().unwrap_or_default();
        Ok(match self.state {
            ConsultStateName::Draft => ConsultState::Draft,
            ConsultStateName::Submitted => ConsultState::Submitted,
            ConsultStateName::Returned => ConsultState::Returned { reason: reason() },
            ConsultStateName::Rejected => ConsultState::Rejected { reason: reason() },
            ConsultStateName::Accepted => {
                ConsultState::Accepted { doctor: self.doctor_id.ok_or_else(|| self.bad("doctor_id", "missing"))? }
            }
            ConsultStateName::Scheduled => ConsultState::Scheduled(self.booked()?),
            ConsultStateName::InSession => ConsultState::InSession {
                appointment: self.booked()?,
                started_at: self.started_at.ok_or_else(|| self.bad("started_at", "missing in this state"))?,
            },
            ConsultStateName::OpinionDraft => ConsultState::OpinionDraft(self.held()?),
            ConsultStateName::Signed => ConsultState::Signed(self.held()?),
            ConsultStateName::Adopted => ConsultState::Adopted(self.held()?),
            ConsultStateName::Archived => ConsultState::Archived(self.held()?),
            ConsultStateName::Cancelled => {
                ConsultState::Cancelled { reason: reason(), appointment: self.appointment()? }
            }
            ConsultStateName::NoShow => ConsultState::NoShow { reason: reason(), appointment: self.booked()? },
            ConsultStateName::Expired => ConsultState::Expired,
        })
    }
}

impl TryFrom<ConsultRow> for Consult {
    type Error = DbError;

    fn try_from(row: ConsultRow) -> Result<Self, DbError> {
        let (state, asked) = (row.state()?, row.asked()?);
        let inviting_zone = row.time_zone.parse().map_err(|e| row.bad("inviting_id", e))?;
        let invited_zone = row.invited_zone.parse().map_err(|e| row.bad("invited_id", e))?;
        let about = About {
            name: row.resident_name,
            sex: row.resident_sex,
            birth_date: row.resident_birth_date,
            reason: row.reason,
            purpose: row.purpose,
            case_summary: row.case_summary,
        };
        let devices = [
            row.device_1_id.zip(row.device_1_name),
            row.device_2_id.zip(row.device_2_name),
            row.device_3_id.zip(row.device_3_name),
        ];
        Ok(Self {
            id: row.id,
            inviting: OrganisationName { id: row.inviting_id, name_zh: row.inviting_zh, name_en: row.inviting_en },
            invited: OrganisationName { id: row.invited_id, name_zh: row.invited_zh, name_en: row.invited_en },
            zones: (inviting_zone, invited_zone),
            phones: (row.inviting_phone, row.invited_phone),
            resident_id: row.resident_id,
            about: about.into(),
            requested_by: row.requested_by,
            requested_by_name: row.requested_by_name,
            wanted: (row.wanted_from, row.wanted_until),
            wanted_specialty: row.wanted_specialty,
            wanted_title: row.wanted_title,
            urgency: row.urgency,
            asked,
            asked_doctor_name: row.asked_doctor_name,
            devices: devices.into_iter().flatten().map(|(id, name)| DeviceName { id, name }).collect(),
            state,
            state_since: row.state_since,
            doctor_name: row.doctor_name,
            room_name: row.room_name,
            has_consent: row.has_consent,
            fetcher: row.fetched_by.zip(row.fetched_by_name).map(|(account_id, name)| Fetcher { account_id, name }),
            version: row.version,
        })
    }
}
