//! On which side of a transfer the caller stands, and the record that is meant there.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::problem::Problem;

use super::model::Transfer;
use super::policy::TransferRelation;
use super::state::TransferState;
use super::store::{self, Reach};
use crate::account::area;
use crate::account::organisation::{self, Organisation, OrganisationKind};
use crate::account::person::model::Person;
use crate::account::person::store as persons;

/// How long the side that has the record may leave a wish unanswered before the street office over both may answer, in days.
pub(super) const ANSWER_DAYS: i64 = 7;

/// How the caller stands to a transfer.
#[derive(Clone, Debug)]
pub struct TransferStance {
    pub(super) relation: TransferRelation,
    /// The record of the caller's side; none where the person is nobody's whom the caller may know.
    pub(super) person: Option<Personal<Person>>,
}

/// Up to when a wish was asked for that is late at `now`.
pub(super) fn late(now: DateTime<Utc>) -> DateTime<Utc> {
    now - Duration::days(ANSWER_DAYS)
}

/// The areas that a caller of an office reaches.
pub(super) fn reach(ctx: &Ctx, own: &Organisation) -> Reach {
    Reach { areas: ctx.actor.areas.join(","), today: own.day(ctx.now()), late: late(ctx.now()) }
}

/// How the caller stands to a transfer.
pub(super) async fn of(conn: &mut Conn, ctx: &Ctx, transfer: &Transfer) -> Result<TransferStance, Problem> {
    let own = organisation::own(conn, ctx).await?;
    if transfer.to_organisation == Some(own.id) {
        let person = persons::find(conn, transfer.person_id).await?;
        // It may be handed on since.
        let person = person.filter(|person| person.unseen().organisation_id == Some(own.id));
        return Ok(TransferStance { relation: TransferRelation::Asker, person });
    }
    let held_here = transfer.handover().is_some_and(|handover| handover.from == Some(own.id));
    if held_here || transfer.decided_by() == Some(own.id) {
        return answered(conn, ctx, &own, transfer).await;
    }
    match (&transfer.state, holder(conn, ctx, &own, transfer).await?) {
        (TransferState::Asked, Some((relation, person))) => Ok(TransferStance { relation, person: Some(person) }),
        _ => Ok(TransferStance { relation: TransferRelation::Foreign, person: None }),
    }
}

/// How the caller stands to a transfer whose record its organisation had, or that it has answered: as it stood then, so that
/// the answer can be told again.
async fn answered(
    conn: &mut Conn,
    ctx: &Ctx,
    own: &Organisation,
    transfer: &Transfer,
) -> Result<TransferStance, Problem> {
    let (is_own, person) = match &transfer.state {
        TransferState::Accepted(handover) => {
            let is_own = handover.from.is_none_or(|from| from == own.id);
            (is_own, persons::find_as_stored(conn, handover.held).await?)
        }
        // It stands where it was.
        TransferState::Declined { .. } => match holder(conn, ctx, own, transfer).await? {
            Some((relation, person)) => (relation != TransferRelation::Over, Some(person)),
            // It was handed on since.
            None => {
                let in_time = transfer.decided_at.is_none_or(|at| transfer.asked_at > late(at));
                (own.kind != OrganisationKind::StreetOffice || in_time, None)
            }
        },
        TransferState::Asked | TransferState::Withdrawn | TransferState::Overtaken { .. } => (true, None),
    };
    let relation = if is_own { at(own) } else { TransferRelation::Over };
    Ok(TransferStance { relation, person })
}

/// How a side that has, or had, the record stands.
fn at(own: &Organisation) -> TransferRelation {
    if own.kind == OrganisationKind::CareHome { TransferRelation::Home } else { TransferRelation::AtHome }
}

/// The record that the caller may answer for, and as what.
async fn holder(
    conn: &mut Conn,
    ctx: &Ctx,
    own: &Organisation,
    transfer: &Transfer,
) -> Result<Option<(TransferRelation, Personal<Person>)>, Problem> {
    let mut over = None;
    for person in store::held(conn, transfer).await? {
        if belongs(conn, ctx, own, person.unseen()).await? {
            return Ok(Some((at(own), person)));
        }
        if over.is_none() && is_over(conn, ctx, own, transfer, person.unseen()).await? {
            over = Some((TransferRelation::Over, person));
        }
    }
    Ok(over)
}

/// Whether a record is the caller's organisation's to hand over.
async fn belongs(conn: &mut Conn, ctx: &Ctx, own: &Organisation, person: &Person) -> Result<bool, Problem> {
    match (person.organisation_id, person.registered_by) {
        (Some(home), _) => Ok(home == own.id),
        (None, Some(registrar)) => Ok(registrar == own.id),
        (None, None) => {
            let office = own.kind == OrganisationKind::StreetOffice;
            Ok(office && lies_here(conn, ctx, own, person.area_code.as_deref()).await?)
        }
    }
}

/// Whether the caller's office is over both homes, and no answer came in time.
async fn is_over(
    conn: &mut Conn,
    ctx: &Ctx,
    own: &Organisation,
    transfer: &Transfer,
    person: &Person,
) -> Result<bool, Problem> {
    let (Some(home), Some(asker)) = (person.organisation_id, transfer.to_organisation) else { return Ok(false) };
    if own.kind != OrganisationKind::StreetOffice || transfer.asked_at > late(ctx.now()) {
        return Ok(false);
    }
    for id in [home, asker] {
        let organisation = organisation::find(conn, id).await?;
        let code = organisation.and_then(|organisation| organisation.area_code);
        if !lies_here(conn, ctx, own, code.as_deref()).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an area lies under those of the caller.
async fn lies_here(conn: &mut Conn, ctx: &Ctx, own: &Organisation, code: Option<&str>) -> Result<bool, Problem> {
    let Some(code) = code else { return Ok(false) };
    for area in &ctx.actor.areas {
        if area::lies_in(conn, code, area, own.day(ctx.now())).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
