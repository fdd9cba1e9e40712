//! The further rows of a consult's steps: links that follow, times that are freed, tickets and consents that end.

use sanbao_platform::audit;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::lifecycle::{By, Change};

use super::model::Consult;
use super::state::{ConsultState, ConsultStateName, ConsultStep};
use super::ticket::issued;
use super::{booking, consent, fetch, guest};
use crate::calendar;

/// Writes what belongs to one change.
pub(super) async fn up(tx: &mut Tx, by: &By<'_>, change: &Change<Consult>) -> Result<(), DbError> {
    let id = change.after.id;
    match &change.step {
        Some(ConsultStep::Schedule(to) | ConsultStep::Book(to) | ConsultStep::Reschedule(to)) if to.has_links => {
            guest::follow(tx, id, to.appointment.interval.ends_at(), by.at()).await?;
        }
        Some(ConsultStep::Exchange(to)) => {
            guest::follow(tx, id, to.appointment.interval.ends_at(), by.at()).await?;
        }
        Some(ConsultStep::Cancel(_) | ConsultStep::NoShow(_)) => {
            calendar::release(tx, booking::HOLDER, id.0).await?;
        }
        Some(step) if gives_up(step, &change.after) => {
            calendar::release(tx, booking::HOLDER, id.0).await?;
        }
        Some(ConsultStep::Revise(revision)) if revision.other_person => void_agreements(tx, by, &change.after).await?,
        _ => {}
    }
    void_fetching(tx, by, change).await?;
    take_tickets_back(tx, by, change).await
}

/// That somebody fetches the person was said of the time that was booked.
async fn void_fetching(tx: &mut Tx, by: &By<'_>, change: &Change<Consult>) -> Result<(), DbError> {
    let begins = |consult: &Consult| consult.state.appointment().map(|a| a.interval.starts_at());
    let former = change.before.as_ref().and_then(begins);
    let returned = matches!(change.step, Some(ConsultStep::Return(_)));
    match by {
        By::Person(ctx)
            if former.is_some() && (returned || begins(&change.after).is_some_and(|at| Some(at) != former)) =>
        {
            fetch::void(tx, change.after.id, ctx.actor.subject.into(), by.at()).await
        }
        _ => Ok(()),
    }
}

/// Whether the time that is held for an invitation is given up: when it is answered otherwise than by the doctor whom it asks.
fn gives_up(step: &ConsultStep, consult: &Consult) -> bool {
    consult.asked.is_some_and(|asked| match step {
        ConsultStep::Accept(doctor) => *doctor != asked.doctor,
        ConsultStep::Return(_) | ConsultStep::Reject(_) | ConsultStep::Expire => true,
        _ => false,
    })
}

/// Consents and family links belong to the person: when a consult is about another, they stand no more.
async fn void_agreements(tx: &mut Tx, by: &By<'_>, consult: &Consult) -> Result<(), DbError> {
    let By::Person(ctx) = by else { return Ok(()) };
    let (id, now, account) = (consult.id, by.at(), ctx.actor.subject.into());
    if consent::withdraw_all(tx, id, account, now).await? > 0 {
        audit::record(tx, ctx, "consult.consent.withdraw", "consult", id).await?;
    }
    if guest::revoke_all(tx, id, account, now).await? > 0 {
        audit::record(tx, ctx, "consult.guest_link.revoke", "consult", id).await?;
    }
    issued::revoke_all(tx, id, now).await
}

/// Whether the room is there to be entered, as long as nobody ends it.
fn meets(state: &ConsultState) -> bool {
    matches!(state.name(), ConsultStateName::Scheduled | ConsultStateName::InSession)
}

/// Tickets that the step makes void. A ticket that the room itself has ended needs no taking back.
async fn take_tickets_back(tx: &mut Tx, by: &By<'_>, change: &Change<Consult>) -> Result<(), DbError> {
    let Some(before) = change.before.as_ref().filter(|before| meets(&before.state)) else { return Ok(()) };
    if matches!(by, By::Automatic { .. }) {
        return Ok(());
    }
    let after = &change.after.state;
    let interval = |state: &ConsultState| state.appointment().map(|a| a.interval);
    // A ticket of the old time would open the room before the new one.
    if !meets(after) || interval(after) != interval(&before.state) {
        return issued::revoke_all(tx, before.id, by.at()).await;
    }
    if let Some(doctor) = before.state.doctor().filter(|doctor| after.doctor() != Some(*doctor)) {
        issued::revoke(tx, before.id, doctor.into(), None, by.at()).await?;
    }
    Ok(())
}
