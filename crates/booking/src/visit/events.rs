//! The events of a visit for other services.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::DbError;
use sanbao_platform::lifecycle::Change;
use sanbao_platform::{described, event_kinds};
use serde::Serialize;
use uuid::Uuid;

use super::id::VisitId;
use super::model::Visit;
use super::state::{Closing, VisitStep};

described! {
    /// The data of `booking.visit.*`.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub struct VisitEvent {
        pub visit_id: VisitId,
        /// The request it came from.
        pub request_id: Uuid,
        /// When it took place.
        pub at: DateTime<Utc>,
    }
}

described! {
    /// The data of `booking.visit.cancelled`.
    #[derive(Clone, Debug, Serialize)]
    pub struct VisitCancelled {
        pub visit_id: VisitId,
        /// The request it came from.
        pub request_id: Uuid,
        /// When it was called off.
        pub at: DateTime<Utc>,
        /// Whether it had a caregiver and a time.
        pub was_scheduled: bool,
        /// Whether its request was cancelled, so that the publisher of requests has nothing to learn.
        pub withdrawn: bool,
        /// Why, in people's words.
        pub reason: String,
    }
}

event_kinds! {
    VisitEvent {
        SCHEDULED = "booking.visit.scheduled" 1 "An order got a caregiver and a time.";
        RESCHEDULED = "booking.visit.rescheduled" 1 "A visit got another caregiver, another time, or both.";
        STARTED = "booking.visit.started" 1 "The caregiver came.";
        COMPLETED = "booking.visit.completed" 1 "The caregiver left; the visit is done.";
        NO_SHOW = "booking.visit.no_show" 1 "The time came and nobody met anybody.";
    }
    VisitCancelled {
        CANCELLED = "booking.visit.cancelled" 1 "An order was called off before it began.";
    }
}

/// The events of a change. `at` is when the step took place, which a proof may date back.
pub(super) fn of(at: DateTime<Utc>, change: &Change<Visit>) -> Result<Vec<NewEvent>, DbError> {
    let visit = &change.after;
    let tell = |kind, when| {
        let data = VisitEvent { visit_id: visit.id, request_id: visit.request_id, at: when };
        Ok(vec![NewEvent::of(at, kind, visit.id, &data)?])
    };
    match &change.step {
        Some(VisitStep::Schedule(_)) => tell(&SCHEDULED, at),
        Some(VisitStep::Reschedule(_) | VisitStep::Exchange(_)) => tell(&RESCHEDULED, at),
        Some(VisitStep::CheckIn(proof)) => tell(&STARTED, proof.at),
        Some(VisitStep::CheckOut(proof)) => tell(&COMPLETED, proof.at),
        Some(VisitStep::NoShow(closing)) => tell(&NO_SHOW, closing.at),
        Some(VisitStep::Cancel(closing)) => Ok(vec![cancelled(at, visit, closing)?]),
        // Needs-analysis knows what it has said itself, and learns of a new order by its schedule.
        None | Some(VisitStep::Repeat(_) | VisitStep::Update(_)) => Ok(Vec::new()),
    }
}

fn cancelled(at: DateTime<Utc>, visit: &Visit, closing: &Closing) -> Result<NewEvent, DbError> {
    let data = VisitCancelled {
        visit_id: visit.id,
        request_id: visit.request_id,
        at: closing.at,
        was_scheduled: visit.state.slot().is_some(),
        withdrawn: visit.request_withdrawn,
        reason: closing.reason.clone(),
    };
    NewEvent::of(at, &CANCELLED, visit.id, &data)
}
