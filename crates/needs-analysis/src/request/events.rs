//! The events of requests for other services.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::DbError;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::Change;
use sanbao_platform::{described, event_kinds};
use serde::Serialize;
use uuid::Uuid;

use super::category::Category;
use super::id::RequestId;
use super::model::Request;
use super::step::RequestStep;

described! {
    /// The facts that an agency must know of an accepted request.
    #[derive(Debug, Serialize)]
    pub struct AcceptedRequest<'a> {
        pub request_id: RequestId,
        /// The agency that took it.
        pub agency_id: OrganisationId,
        /// The person of the network, once known.
        pub person_id: Option<Uuid>,
        /// The elder's name.
        pub name: &'a str,
        /// Empty where nobody gave one.
        pub phone: &'a str,
        /// Empty where nobody gave one.
        pub address: &'a str,
        /// The smallest area that is known.
        pub area_code: &'a str,
        /// The blind index of the elder's resident id.
        pub national_id_index: Option<&'a str>,
        /// The category, as a person has decided or the caller said.
        pub category: Category,
        /// The wish in words.
        pub note: Option<&'a str>,
        /// Help is wanted from then.
        pub wanted_from: Option<DateTime<Utc>>,
        /// Help is wanted until then.
        pub wanted_until: Option<DateTime<Utc>>,
    }
}

described! {
    /// The changed facts of an accepted request: all of them as they are now.
    #[derive(Debug, PartialEq, Serialize)]
    pub struct UpdatedRequest<'a> {
        pub request_id: RequestId,
        /// The elder's name.
        pub name: &'a str,
        /// Empty where nobody gave one.
        pub phone: &'a str,
        /// Empty where nobody gave one.
        pub address: &'a str,
        /// The smallest area that is known.
        pub area_code: &'a str,
        /// The category, as a person has decided or the caller said.
        pub category: Category,
        /// The wish in words.
        pub note: Option<&'a str>,
        /// Help is wanted from then.
        pub wanted_from: Option<DateTime<Utc>>,
        /// Help is wanted until then.
        pub wanted_until: Option<DateTime<Utc>>,
    }
}

described! {
    /// Which request no order is wanted for any more.
    #[derive(Debug, Serialize)]
    pub struct CancelledRequest {
        pub request_id: RequestId,
    }
}

event_kinds! {
    AcceptedRequest<'static> {
        ACCEPTED = "needs.request.accepted" 1 "An agency took a request: it has an order now.";
    }
    UpdatedRequest<'static> {
        UPDATED = "needs.request.updated" 1 "Somebody or an import changed what was said of a request that an agency has taken and not yet done.";
    }
    CancelledRequest {
        CANCELLED = "needs.request.cancelled" 1 "An agency's order has ended before it was done: the request was given back, cancelled, merged, settled or sent elsewhere.";
    }
}

/// The events of a change.
pub fn of(change: &Change<Request>, at: DateTime<Utc>) -> Result<Vec<NewEvent>, DbError> {
    use RequestStep as S;
    let (before, after) = (change.before.as_ref(), &change.after);
    let id = after.id;
    let event = match &change.step {
        Some(S::Accept { .. }) => accepted(after, at)?,
        Some(S::Update { .. } | S::Edit { .. }) => {
            let told = before.map(updated);
            let now = updated(after);
            let news = after.state.order().is_some() && told.as_ref() != Some(&now);
            news.then(|| NewEvent::of(at, &UPDATED, id, &now)).transpose()?
        }
        Some(
            S::Triage { .. }
            | S::Dispatch { .. }
            | S::Reject(_)
            | S::Resolve(_)
            | S::Cancel(_)
            | S::Escalate(_)
            | S::Merge { .. }
            | S::OrderCancelled(_),
        ) => {
            let ended = before.is_some_and(|b| b.state.order().is_some()) && after.state.order().is_none();
            ended.then(|| NewEvent::of(at, &CANCELLED, id, &CancelledRequest { request_id: id })).transpose()?
        }
        Some(
            S::Append { .. }
            | S::Separate { .. }
            | S::FollowUp { .. }
            | S::Comment(_)
            | S::Assign { .. }
            | S::Pause { .. }
            | S::Resume(_)
            | S::Close(_)
            | S::Reopen(_)
            | S::VisitScheduled(_)
            | S::VisitStarted(_)
            | S::VisitCompleted(_)
            | S::VisitCancelled(_)
            | S::VisitNoShow(_),
        )
        | None => None,
    };
    Ok(event.into_iter().collect())
}

/// That the agency has an order now; nothing where none has taken the request.
pub fn accepted(request: &Request, at: DateTime<Utc>) -> Result<Option<NewEvent>, DbError> {
    let Some(order) = request.state.order() else { return Ok(None) };
    let (d, elder) = (&request.details, request.details.elder.unseen());
    let data = AcceptedRequest {
        request_id: request.id,
        agency_id: order.agency,
        person_id: d.person_id,
        name: &elder.name,
        phone: elder.phone.as_deref().unwrap_or_default(),
        address: elder.address.as_deref().unwrap_or_default(),
        area_code: d.area_code.as_str(),
        national_id_index: d.national_id_index.as_deref(),
        category: d.category,
        note: elder.note.as_deref(),
        wanted_from: d.wanted_from,
        wanted_until: d.wanted_until,
    };
    NewEvent::of(at, &ACCEPTED, request.id, &data).map(Some)
}

fn updated(request: &Request) -> UpdatedRequest<'_> {
    let (d, elder) = (&request.details, request.details.elder.unseen());
    UpdatedRequest {
        request_id: request.id,
        name: &elder.name,
        phone: elder.phone.as_deref().unwrap_or_default(),
        address: elder.address.as_deref().unwrap_or_default(),
        area_code: d.area_code.as_str(),
        category: d.category,
        note: elder.note.as_deref(),
        wanted_from: d.wanted_from,
        wanted_until: d.wanted_until,
    }
}
