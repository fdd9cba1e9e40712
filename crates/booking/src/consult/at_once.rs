//! Booking without waiting for the hospital's answer, where the agreement of the two institutions says so (直接约定). The hospital
//! may return such a consult until it begins.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{self, By, StepError};
use sanbao_platform::problem::Problem;

use super::input::Wanted;
use super::model::Consult;
use super::practitioner::store::{self as doctors, PractitionerPost};
use super::problems::{BEGUN, NOT_AT_ONCE};
use super::state::{Booked, ConsultState, ConsultStateName, ConsultStep, ConsultStepName};
use super::timing::is_due;
use super::{asked, booking, store};
use crate::account::{AccountId, affiliation};

/// Whether a time of the invited hospital, whose zone it is, is booked as soon as the invitation is sent: an agreement of the two
/// counts today and on that day, and says so. What is most urgent is always answered by a doctor; so is a time that has begun, which
/// could not be returned any more, and what was returned, since somebody has to see whether that is enough now.
async fn applies(
    conn: &mut Conn,
    now: DateTime<Utc>,
    consult: &Consult,
    (starts_at, zone): (DateTime<Utc>, Tz),
) -> Result<bool, DbError> {
    let is_returned = consult.state.name() == ConsultStateName::Returned;
    if consult.is_stat() || is_returned || starts_at <= now {
        return Ok(false);
    }
    let [today, day] = [now, starts_at].map(|at| at.with_timezone(&zone).date_naive());
    affiliation::books_at_once(conn, (consult.inviting.id, consult.invited.id), (today, day)).await
}

/// The same in the step that books the time. The agreement is held: who ends or changes it at that moment waits for the booking, or is
/// waited for.
pub(super) async fn takes(
    tx: &mut Tx,
    now: DateTime<Utc>,
    consult: &Consult,
    time: (DateTime<Utc>, Tz),
) -> Result<bool, DbError> {
    if !applies(tx, now, consult, time).await? {
        return Ok(false);
    }
    affiliation::hold(tx, consult.inviting.id, consult.invited.id).await?;
    applies(tx, now, consult, time).await
}

/// Whether sending a consult as it stands would book the time that it asks for.
pub(super) async fn would(conn: &mut Conn, now: DateTime<Utc>, consult: &Consult) -> Result<bool, DbError> {
    let unsent = consult.state.name() == ConsultStateName::Draft;
    match consult.asked.filter(|_| unsent) {
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

/// Whether a booked consult stays one that no doctor has answered when it gets this doctor and time. At the hospital's word that is an
/// answer. The inviting side may only take what it could have booked at once: anything else a doctor has to answer.
pub(super) async fn stays(
    tx: &mut Tx,
    ctx: &Ctx,
    consult: &Consult,
    (doctor, starts_at): (AccountId, DateTime<Utc>),
) -> Result<bool, Problem> {
    let unanswered = consult.state.appointment().filter(|booked| booked.at_once && consult.invited_by(&ctx.actor));
    let Some(booked) = unanswered else { return Ok(false) };
    if booked.doctor == doctor && booked.interval.starts_at() == starts_at {
        return Ok(true);
    }
    let post = PractitionerPost { doctor, hospital: consult.invited.id };
    let found = doctors::find(tx, post).await?;
    let ranks = found.is_none_or(|found| consult.wanted_title.is_none_or(|least| found.title >= least));
    // As in every booking the consult and the doctor first, then the agreement, then the calendar.
    store::hold_for(tx, consult.id, Some(doctor)).await?;
    if takes(tx, ctx.now(), consult, (starts_at, consult.zones.1)).await? && ranks {
        return Ok(true);
    }
    Err(Problem::new(&NOT_AT_ONCE))
}

/// Another doctor, room and time of a booked consult.
pub(super) async fn moved(tx: &mut Tx, ctx: &Ctx, consult: &Consult, wanted: &Wanted) -> Result<Booked, Problem> {
    let doctor = wanted.doctor_id.or(consult.state.doctor());
    let at_once = match doctor {
        Some(doctor) => stays(tx, ctx, consult, (doctor, *wanted.starts_at)).await?,
        None => false,
    };
    let mut booked = booking::take(tx, ctx, consult, wanted).await?;
    booked.appointment.at_once = at_once;
    Ok(booked)
}

/// Refuses to return a booked consult whose time has begun: people stand at the door.
pub(super) fn require_returnable(consult: &Consult, now: DateTime<Utc>) -> Result<(), Problem> {
    if matches!(consult.state, ConsultState::Scheduled(_)) && !is_due(&consult.state, ConsultStepName::Return, now) {
        return Err(Problem::new(&BEGUN)
            .detail("约定的时间已经开始，不能再退回", "The booked time has begun, so it is not returned any more"));
    }
    Ok(())
}
