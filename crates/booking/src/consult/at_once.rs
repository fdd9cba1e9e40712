//! Booking without waiting for the hospital's answer, where the agreement of the two institutions says so (直接约定). The hospital
//! may return such a consult until it begins.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::lifecycle::{self, By, StepError};
use sanbao_platform::problem::Problem;

use super::asked;
use super::input::Urgency;
use super::model::Consult;
use super::problems::BEGUN;
use super::state::{Booked, ConsultState, ConsultStateName, ConsultStep, ConsultStepName};
use super::timing::is_due;
use crate::account::affiliation;

/// Whether a time of the invited hospital, whose zone it is, is booked as soon as the invitation is sent: an agreement of the two
/// counts today and on that day, and says so. What is most urgent is always answered by a doctor.
pub(super) async fn applies(
    conn: &mut Conn,
    now: DateTime<Utc>,
    consult: &Consult,
    (starts_at, zone): (DateTime<Utc>, Tz),
) -> Result<bool, DbError> {
    if consult.urgency == Urgency::Stat {
        return Ok(false);
    }
    let [today, day] = [now, starts_at].map(|at| at.with_timezone(&zone).date_naive());
    affiliation::books_at_once(conn, (consult.inviting.id, consult.invited.id), (today, day)).await
}

/// Whether sending a consult as it stands would book the time that it asks for.
pub(super) async fn would(conn: &mut Conn, now: DateTime<Utc>, consult: &Consult) -> Result<bool, DbError> {
    let unsent = matches!(consult.state.name(), ConsultStateName::Draft | ConsultStateName::Returned);
    match consult.asked.filter(|asked| unsent && asked.interval.ends_at() > now) {
        Some(asked) => applies(conn, now, consult, (asked.interval.starts_at(), consult.zones.1)).await,
        None => Ok(false),
    }
}

/// Sends an invitation, and books it where its time was taken to be booked at once.
pub(super) async fn send(
    tx: &mut Tx,
    by: &By<'_>,
    consult: Consult,
    booked: Option<Booked>,
) -> Result<Consult, StepError> {
    let sent = lifecycle::advance(tx, by, consult, ConsultStep::Submit).await?;
    match booked {
        Some(booked) => lifecycle::advance(tx, by, sent, ConsultStep::Book(booked)).await,
        None => Ok(sent),
    }
}

/// Books an invitation that was just sent, where its time was taken to be booked at once.
pub(super) async fn book(tx: &mut Tx, by: &By<'_>, sent: Consult) -> Result<Consult, Problem> {
    match asked::taken_at_once(tx, &sent).await? {
        Some(booked) => Ok(lifecycle::advance(tx, by, sent, ConsultStep::Book(booked)).await?),
        None => Ok(sent),
    }
}

/// Refuses to return a booked consult whose time has begun: people stand at the door.
pub(super) fn require_returnable(consult: &Consult, now: DateTime<Utc>) -> Result<(), Problem> {
    if matches!(consult.state, ConsultState::Scheduled(_)) && !is_due(&consult.state, ConsultStepName::Return, now) {
        return Err(Problem::new(&BEGUN)
            .detail("约定的时间已经开始，不能再退回", "The booked time has begun, so it is not returned any more"));
    }
    Ok(())
}
