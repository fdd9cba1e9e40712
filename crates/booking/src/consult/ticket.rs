//! The ticket into the consult room: all that the relay must know, signed.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::auth::{Keys, Scope};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use uuid::Uuid;

use super::id::ConsultId;
use super::model::Consult;
use super::state::{Appointment, InvalidTransition, State};
use super::{CONSENT_MISSING, TICKET_WINDOW};

/// The room opens so long before the booked start, in minutes.
pub const OPENS_BEFORE_MINUTES: i64 = 30;
/// The room closes so long after the booked (and delayed) end, in minutes.
pub const CLOSES_AFTER_MINUTES: i64 = 60;

/// Who enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomRole {
    /// The inviting side, with the resident.
    Host,
    /// The doctor.
    Clinician,
    /// Family, let in by those inside.
    Guest,
}

/// A person at the door.
#[derive(Clone, Debug)]
pub struct Entrant<'a> {
    /// The account, or the guest link's id.
    pub subject: Uuid,
    /// The name that the others see.
    pub name: &'a str,
    /// The organisation; none for family.
    pub organisation: Option<OrganisationId>,
    /// As whom.
    pub role: RoomRole,
}

#[derive(Debug, Serialize)]
struct Claims<'a> {
    consult: ConsultId,
    sub: Uuid,
    name: &'a str,
    org: Option<OrganisationId>,
    role: RoomRole,
    lobby: bool,
    publish: bool,
    control: bool,
    phone: Option<&'a str>,
    title: &'a str,
}

/// When the room is open.
pub fn window(appointment: &Appointment) -> (DateTime<Utc>, DateTime<Utc>) {
    let delay = Duration::minutes(i64::from(appointment.delay_minutes));
    let opens = appointment.interval.starts_at() - Duration::minutes(OPENS_BEFORE_MINUTES);
    (opens, appointment.interval.ends_at() + delay + Duration::minutes(CLOSES_AFTER_MINUTES))
}

/// A ticket for the room's window, provided that the consult is booked or going on, that the room is
/// open and that a consent stands.
pub fn issue(keys: &Keys, now: DateTime<Utc>, consult: &Consult, entrant: &Entrant<'_>) -> Result<String, Problem> {
    let (State::Scheduled(appointment) | State::InSession { appointment, .. }) = &consult.state else {
        return Err(InvalidTransition { from: consult.state.name(), action: "ticket" }.into());
    };
    if !consult.has_consent {
        return Err(Problem::new(&CONSENT_MISSING));
    }
    let (not_before, expires) = window(appointment);
    if now < not_before || now >= expires {
        return Err(Problem::new(&TICKET_WINDOW).with("opens_at", not_before).with("closes_at", expires));
    }
    let inside = entrant.role != RoomRole::Guest;
    // Each side is given the other side's telephone.
    let phone = if entrant.role == RoomRole::Host { &consult.phones.1 } else { &consult.phones.0 };
    let claims = Claims {
        consult: consult.id,
        sub: entrant.subject,
        name: entrant.name,
        org: entrant.organisation,
        role: entrant.role,
        lobby: !inside,
        publish: true,
        control: inside,
        phone: phone.as_deref(),
        title: &consult.resident_name,
    };
    let scope = Scope { purpose: "ticket", audience: "signalling", not_before, expires };
    keys.sign(scope, now, &claims).map_err(Problem::internal)
}
