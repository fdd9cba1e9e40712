//! The events of needs-analysis: an accepted request becomes an order, a corrected one corrects it, a cancelled one
//! calls it off.

use chrono::{DateTime, SubsecRound as _, Utc};
use futures_util::FutureExt as _;
use sanbao_platform::audit;
use sanbao_platform::bus::{ConsumeError, Consumer, Event, Reads, reads};
use sanbao_platform::db::Tx;
use sanbao_platform::described;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{self, By, Lifecycle as _, StepError};
use serde::Deserialize;
use std::sync::Arc;
use uuid::Uuid;

use super::agency::Agency;
use super::details::{Contact, Details};
use super::model::Visit;
use super::state::{Closing, VisitStep, VisitStepName};
use super::store;
use crate::App;
use crate::account::person::{Elder, ElderContact, find_or_register, has_ended, tell_if_held};

const ACCEPTED: &str = "needs.request.accepted";
const UPDATED: &str = "needs.request.updated";
const CANCELLED: &str = "needs.request.cancelled";
/// The reason on an order that its request took with it.
const REQUEST_CANCELLED: &str = "需求已取消";
/// The reason on an order for somebody who has died or left.
const PERSON_ENDED: &str = "本人已登记为去世或离开";

described! {
    /// The fields that are read of an accepted request.
    #[derive(Debug, Deserialize)]
    struct Accepted {
        request_id: Uuid,
        agency_id: OrganisationId,
        person_id: Option<Uuid>,
        name: String,
        phone: Option<String>,
        address: Option<String>,
        area_code: String,
        national_id_index: Option<String>,
        category: String,
        #[serde(default)]
        note: Option<String>,
        wanted_from: Option<DateTime<Utc>>,
        wanted_until: Option<DateTime<Utc>>,
    }
}

described! {
    /// The fields that are read of a request that was corrected.
    #[derive(Debug, Deserialize)]
    struct Updated {
        request_id: Uuid,
        name: String,
        phone: Option<String>,
        address: Option<String>,
        area_code: String,
        category: String,
        #[serde(default)]
        note: Option<String>,
        wanted_from: Option<DateTime<Utc>>,
        wanted_until: Option<DateTime<Utc>>,
    }
}

impl From<Updated> for Details {
    fn from(wish: Updated) -> Self {
        let contact = Contact {
            name: wish.name,
            phone: wish.phone.unwrap_or_default(),
            address: wish.address.unwrap_or_default(),
            note: wish.note.unwrap_or_default(),
        };
        Self {
            service_type: wish.category,
            contact: contact.into(),
            area_code: wish.area_code,
            wanted_from: wish.wanted_from.map(|t| t.trunc_subsecs(6)),
            wanted_until: wish.wanted_until.map(|t| t.trunc_subsecs(6)),
        }
    }
}

impl From<Accepted> for Details {
    fn from(wish: Accepted) -> Self {
        Self::from(Updated {
            request_id: wish.request_id,
            name: wish.name,
            phone: wish.phone,
            address: wish.address,
            area_code: wish.area_code,
            category: wish.category,
            note: wish.note,
            wanted_from: wish.wanted_from,
            wanted_until: wish.wanted_until,
        })
    }
}

described! {
    /// The fields that are read of a cancelled request.
    #[derive(Debug, Deserialize)]
    struct Cancelled {
        request_id: Uuid,
    }
}

/// The events that are read from needs-analysis.
const KINDS: &[Reads] = &[reads::<Accepted>(ACCEPTED), reads::<Updated>(UPDATED), reads::<Cancelled>(CANCELLED)];

/// The follower of needs-analysis.
pub fn consumer(app: &App) -> Consumer {
    let clock = app.deps.clock.clone();
    Consumer {
        name: "booking.visits",
        publisher: "needs-analysis",
        kinds: KINDS,
        db: app.deps.db.clone(),
        clock: app.deps.clock.clone(),
        handler: Arc::new(move |tx, event| {
            let now = clock.now();
            async move {
                match event.kind.as_str() {
                    ACCEPTED => order(tx, now, event).await,
                    UPDATED => correct(tx, now, event).await,
                    _ => call_off(tx, now, event).await,
                }
            }
            .boxed()
        }),
    }
}

async fn order(tx: &mut Tx, now: DateTime<Utc>, event: &Event) -> Result<(), ConsumeError> {
    let wish: Accepted = event.read()?;
    if store::newest(tx, wish.request_id).await?.is_some_and(|visit| visit.state.name().is_open()) {
        return Ok(());
    }
    if Agency::find(tx, wish.agency_id).await?.is_none() {
        return Err(ConsumeError::Reject(format!("no home-care agency {}", wish.agency_id)));
    }
    let contact = ElderContact {
        person_id: wish.person_id,
        agency: Some(wish.agency_id),
        name: wish.name.clone(),
        phone: wish.phone.clone(),
        address: wish.address.clone(),
        area_code: Some(wish.area_code.clone()),
        national_id_index: wish.national_id_index.clone(),
    };
    let (request_id, agency_id) = (wish.request_id, wish.agency_id);
    let wish = Details::from(wish);
    let (person, wish, is_gone) = match find_or_register(tx, now, &contact).await? {
        Elder::Here(person) => (person, wish, has_ended(tx, person).await?),
        // The order is called off, and says nothing of somebody who was erased.
        Elder::Erased(person) => (person, Details { contact: Contact::default().into(), ..wish }, true),
    };
    let visit = Visit::ordered(now, request_id, agency_id, person, wish);
    let cause = event.event_id.to_string();
    match lifecycle::create(tx, &automatic(now, &cause), visit.clone()).await {
        Ok(()) => {}
        // There is such an order already.
        Err(StepError::Overtaken) => return Ok(()),
        Err(other) => return Err(other.into()),
    }
    tell_if_held(tx, person, now).await?;
    if is_gone {
        // The street gets the request back with the reason.
        let closing = Closing { at: now, reason: PERSON_ENDED.into() };
        lifecycle::advance(tx, &automatic(now, &cause), visit, VisitStep::Cancel(closing)).await?;
    }
    Ok(())
}

/// An open order takes over what its request says now. A visit that is over stays as it was.
async fn correct(tx: &mut Tx, now: DateTime<Utc>, event: &Event) -> Result<(), ConsumeError> {
    let wish: Updated = event.read()?;
    let Some(visit) = store::newest(tx, wish.request_id).await? else { return Ok(()) };
    let details = Details::from(wish);
    if !visit.legal().contains(&VisitStepName::Update) || visit.details == details {
        return Ok(());
    }
    let cause = event.event_id.to_string();
    lifecycle::advance(tx, &automatic(now, &cause), visit, VisitStep::Update(details)).await?;
    Ok(())
}

async fn call_off(tx: &mut Tx, now: DateTime<Utc>, event: &Event) -> Result<(), ConsumeError> {
    let gone: Cancelled = event.read()?;
    store::withdraw(tx, gone.request_id).await?;
    let Some(visit) = store::newest(tx, gone.request_id).await? else { return Ok(()) };
    let cause = event.event_id.to_string();
    let closing = Closing { at: now, reason: REQUEST_CANCELLED.into() };
    if visit.legal().contains(&VisitStepName::Cancel) {
        lifecycle::advance(tx, &automatic(now, &cause), visit, VisitStep::Cancel(closing)).await?;
    } else if visit.state.checked_in_at().is_some() {
        // Somebody is there already, or was: the visit is what happened.
        let (kind, id) = (Visit::NAME, Some(visit.id.0));
        audit::record_as(tx, now, None, "visit.cancel", kind, id, &cause, "too_late").await?;
    }
    Ok(())
}

fn automatic(at: DateTime<Utc>, cause: &str) -> By<'_> {
    By::Automatic { cause, at, actor: None }
}
