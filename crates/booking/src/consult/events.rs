//! The events of a consult for other services.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::{self, EventKind, NewEvent};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::lifecycle::Change;
use sanbao_platform::{described, event_kinds};
use serde::Serialize;
use uuid::Uuid;

use super::id::ConsultId;
use super::model::Consult;
use super::state::ConsultStep;

described! {
    /// The data of `booking.consult.*`.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub struct ConsultEvent {
        pub consult_id: ConsultId,
        /// When the step was taken.
        pub at: DateTime<Utc>,
    }
}

described! {
    /// The data of `booking.consult.ticket_revoked`: one of `ticket` and `person` is there.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub struct TicketRevoked {
        pub consult_id: ConsultId,
        /// The one ticket that the relay turns away.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub ticket: Option<Uuid>,
        /// The person whose tickets, issued before `at`, the relay turns away.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub person: Option<Uuid>,
        /// When they were taken back.
        pub at: DateTime<Utc>,
    }
}

event_kinds! {
    ConsultEvent {
        DRAFT = "booking.consult.draft" 1 "An invitation was begun.";
        REVISED = "booking.consult.revised" 1 "The invitation was changed.";
        SUBMITTED = "booking.consult.submitted" 1 "The invitation was sent to the hospital.";
        RETURNED = "booking.consult.returned" 1 "The hospital asked for more facts.";
        REJECTED = "booking.consult.rejected" 1 "The hospital refused.";
        ACCEPTED = "booking.consult.accepted" 1 "A doctor took it on.";
        SCHEDULED = "booking.consult.scheduled" 1 "Doctor, resident and room were booked.";
        RESCHEDULED = "booking.consult.rescheduled" 1 "Another doctor, room or time was booked.";
        DELAYED = "booking.consult.delayed" 1 "Somebody said how late it will be.";
        CANCELLED = "booking.consult.cancelled" 1 "It was called off.";
        IN_SESSION = "booking.consult.in_session" 1 "Both sides were in the room.";
        OPINION_DRAFT = "booking.consult.opinion_draft" 1 "The meeting was over.";
        NO_SHOW = "booking.consult.no_show" 1 "Somebody did not come.";
        SIGNED = "booking.consult.signed" 1 "The doctor signed the opinion.";
        ADOPTED = "booking.consult.adopted" 1 "The inviting side said what it did with the opinion.";
        ARCHIVED = "booking.consult.archived" 1 "The file was closed.";
        ERASED = "booking.consult.erased" 1 "Its resident was erased: what is personal of it goes.";
        MEDIA_OVER = "booking.consult.media_over" 1 "What was said in its room is kept no longer.";
        REMOVED = "booking.consult.removed" 1 "Its papers are kept no longer: nothing of it is there any more.";
        EXPIRED = "booking.consult.expired" 1 "Nobody acted within the wanted time.";
    }
    TicketRevoked {
        TICKET_REVOKED = "booking.consult.ticket_revoked" 1 "A ticket, or every ticket of a person, was taken back.";
    }
}

/// The kind that tells of a step; `None` for the first draft. A step that is not told gives nothing.
fn kind_of(step: Option<&ConsultStep>) -> Option<&'static EventKind<ConsultEvent>> {
    Some(match step {
        None => &DRAFT,
        Some(ConsultStep::Revise(_)) => &REVISED,
        Some(ConsultStep::Submit) => &SUBMITTED,
        Some(ConsultStep::Return(_)) => &RETURNED,
        Some(ConsultStep::Reject(_)) => &REJECTED,
        Some(ConsultStep::Accept(_)) => &ACCEPTED,
        Some(ConsultStep::Schedule(_) | ConsultStep::Book(_)) => &SCHEDULED,
        Some(ConsultStep::Reschedule(_) | ConsultStep::Exchange(_)) => &RESCHEDULED,
        Some(ConsultStep::Delay(_)) => &DELAYED,
        Some(ConsultStep::Cancel(_)) => &CANCELLED,
        Some(ConsultStep::Start(_)) => &IN_SESSION,
        Some(ConsultStep::Finish(_)) => &OPINION_DRAFT,
        Some(ConsultStep::NoShow(_)) => &NO_SHOW,
        Some(ConsultStep::Sign) => &SIGNED,
        Some(ConsultStep::Adopt) => &ADOPTED,
        Some(ConsultStep::Archive) => &ARCHIVED,
        Some(ConsultStep::Expire) => &EXPIRED,
        // A draft of the opinion concerns its writer alone.
        Some(ConsultStep::SaveOpinion) => return None,
    })
}

/// The events of a change.
pub(super) fn of(at: DateTime<Utc>, change: &Change<Consult>) -> Result<Vec<NewEvent>, DbError> {
    let id = change.after.id;
    let told = kind_of(change.step.as_ref());
    told.map(|kind| NewEvent::of(at, kind, id, &ConsultEvent { consult_id: id, at })).into_iter().collect()
}

/// Tells the relay that the resident of a consult was erased.
pub(crate) async fn erased(tx: &mut Tx, consult: ConsultId, at: DateTime<Utc>) -> Result<(), DbError> {
    bus::emit(tx, at, &ERASED, consult, &ConsultEvent { consult_id: consult, at }).await
}

/// Tells the relay that what was said in the room of a consult is kept no longer.
pub(crate) async fn media_over(tx: &mut Tx, consult: ConsultId, at: DateTime<Utc>) -> Result<(), DbError> {
    bus::emit(tx, at, &MEDIA_OVER, consult, &ConsultEvent { consult_id: consult, at }).await
}

/// Tells the relay that a consult is kept no longer.
pub(crate) async fn removed(tx: &mut Tx, consult: ConsultId, at: DateTime<Utc>) -> Result<(), DbError> {
    bus::emit(tx, at, &REMOVED, consult, &ConsultEvent { consult_id: consult, at }).await
}

/// The tickets that the relay turns away.
#[derive(Clone, Copy, Debug)]
pub(super) enum Revoked {
    Ticket(Uuid),
    /// Every ticket of a person that was issued before.
    Person(Uuid),
}

/// Tells the relay whom to turn away, at once and on every node.
pub(super) async fn ticket_revoked(
    tx: &mut Tx,
    consult: ConsultId,
    what: Revoked,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    let (ticket, person) = match what {
        Revoked::Ticket(ticket) => (Some(ticket), None),
        Revoked::Person(person) => (None, Some(person)),
    };
    let data = TicketRevoked { consult_id: consult, ticket, person, at };
    bus::emit(tx, at, &TICKET_REVOKED, consult, &data).await
}
