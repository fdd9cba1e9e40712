//! The ticket into the consult room: all that the relay must know, signed.

pub mod consumer;
pub mod issued;
pub mod role;

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit::Disclosure;
use sanbao_platform::auth::{Keys, Scope};
use sanbao_platform::db::Tx;
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::Words;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use uuid::Uuid;

use self::issued::IssuedTicket;
pub use self::role::RoomRole;
use crate::consult::id::ConsultId;
use crate::consult::model::Consult;
use crate::consult::problems::{CONSENT_MISSING, TICKET_WINDOW};
use crate::consult::state::{Appointment, ConsultState};
use crate::texts::CONSULT as TEXTS;

/// The room opens so long before the booked start, in minutes.
pub const OPENS_BEFORE_MINUTES: i64 = 30;
/// The room closes so long after the booked (and delayed) end, in minutes.
pub const CLOSES_AFTER_MINUTES: i64 = 60;

/// A person at the door.
#[derive(Clone, Debug)]
pub struct Entrant<'a> {
    /// The account's id, or that of a guest's first link.
    pub subject: Uuid,
    /// The name that the others see.
    pub name: &'a str,
    /// The organisation; none for family.
    pub organisation: Option<OrganisationId>,
    pub role: RoomRole,
    /// When a link ends; the room's window ends it sooner.
    pub until: Option<DateTime<Utc>>,
    /// The log-in that asks; none for a link.
    pub session: Option<Uuid>,
}

#[derive(Debug, Serialize)]
struct Claims<'a> {
    consult: ConsultId,
    sub: Uuid,
    name: &'a str,
    org: Option<OrganisationId>,
    role: RoomRole,
    lobby: bool,
    permissions: &'static [&'static str],
    phone: Option<&'a str>,
    title: &'a str,
}

/// When the room is open.
pub fn window(appointment: &Appointment) -> (DateTime<Utc>, DateTime<Utc>) {
    let opens = appointment.interval.starts_at() - Duration::minutes(OPENS_BEFORE_MINUTES);
    (opens, appointment.expected_end() + Duration::minutes(CLOSES_AFTER_MINUTES))
}

/// Whether the room of a consult in this state is open at a moment.
pub fn is_open(state: &ConsultState, now: DateTime<Utc>) -> bool {
    let booked = state.appointment().filter(|_| admits(state));
    booked.map(window).is_some_and(|(opens, closes)| opens <= now && now < closes)
}

/// Whether tickets are issued in a state at all.
pub fn admits(state: &ConsultState) -> bool {
    matches!(state, ConsultState::Scheduled(_) | ConsultState::InSession { .. })
}

/// The refusal while the room is closed. The family has no other page to learn from when it is to begin.
fn closed(consult: &Consult, appointment: &Appointment, now: DateTime<Utc>) -> Problem {
    let ((opens, closes), expected) = (window(appointment), appointment.expected_at());
    let problem = Problem::new(&TICKET_WINDOW).with("opens_at", opens).with("closes_at", closes);
    let problem = problem.with("expected_at", expected);
    if now >= closes {
        return problem;
    }
    let said = |lang| {
        let words = Words::new(&TEXTS, lang, consult.zones.0);
        TEXTS.with(
            lang,
            "room-not-open",
            &[("time", &words.near_text(expected, now)), ("minutes", &OPENS_BEFORE_MINUTES.to_string())],
        )
    };
    problem.detail(said(Lang::Zh), said(Lang::En))
}

/// A ticket for the room's window, provided that the consult is booked or going on, that the room is open and that a
/// consent stands. It is kept, so that it can be taken back. A person who waits at the door came by a link, and a link
/// is one ticket: the first device that enters with it keeps it.
pub async fn issue(
    tx: &mut Tx,
    keys: &Keys,
    (now, shows): (DateTime<Utc>, &Disclosure),
    consult: &Consult,
    entrant: &Entrant<'_>,
) -> Result<String, Problem> {
    let (ConsultState::Scheduled(appointment) | ConsultState::InSession { appointment, .. }) = &consult.state else {
        return Err(Problem::invalid_transition(consult.state.name(), "ticket", &[]));
    };
    if !consult.has_consent {
        return Err(Problem::new(&CONSENT_MISSING));
    }
    let (not_before, closes) = window(appointment);
    if now < not_before || now >= closes {
        return Err(closed(consult, appointment, now));
    }
    let expires = entrant.until.map_or(closes, |until| until.min(closes));
    let standing = if entrant.role.waits() {
        issued::standing(tx, consult.id, entrant.subject, entrant.role).await?
    } else {
        None
    };
    let id = standing.unwrap_or_else(|| uuid_v7(now));
    // Each side is given the other side's telephone.
    let phone = if entrant.role == RoomRole::Host { &consult.phones.1 } else { &consult.phones.0 };
    let claims = Claims {
        consult: consult.id,
        sub: entrant.subject,
        name: entrant.name,
        org: entrant.organisation,
        role: entrant.role,
        lobby: entrant.role.waits(),
        permissions: entrant.role.permissions(),
        phone: phone.as_deref(),
        title: &consult.about(shows).name,
    };
    let scope = Scope { purpose: "ticket", audience: "signalling", not_before, expires };
    let ticket = keys.sign_as(id, scope, now, &claims).map_err(Problem::internal)?;
    let issued = IssuedTicket {
        id,
        consult: consult.id,
        person: entrant.subject,
        name: entrant.name,
        role: entrant.role,
        organisation: entrant.organisation.unwrap_or(consult.inviting.id),
        at: now,
        expires_at: expires,
        session: entrant.session,
    };
    issued::keep(tx, &issued).await?;
    Ok(ticket)
}
