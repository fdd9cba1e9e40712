//! What needs-analysis says: an accepted request becomes an order, a cancelled one calls it off.

use chrono::{DateTime, SubsecRound as _, Utc};
use futures_util::FutureExt as _;
use sanbao_platform::audit;
use sanbao_platform::bus::{ConsumeError, Consumer, Event, Reads, reads};
use sanbao_platform::db::Tx;
use sanbao_platform::described;
use sanbao_platform::id::OrganisationId;
use serde::Deserialize;
use std::sync::Arc;
use uuid::Uuid;

use super::agency::Agency;
use super::change::{self, HOLDER, Step, TOPIC};
use super::state::{Closing, State};
use super::store::{self, Visit, VisitId};
use crate::App;
use crate::account::person::{ElderContact, find_or_register};
use crate::calendar;

const ACCEPTED: &str = "needs.request.accepted";
const CANCELLED: &str = "needs.request.cancelled";
/// What stands on an order that its request took with it.
const REQUEST_CANCELLED: &str = "需求已取消";

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
    /// The fields that are read of a cancelled request.
    #[derive(Debug, Deserialize)]
    struct Cancelled {
        request_id: Uuid,
    }
}

/// What is read of needs-analysis.
const KINDS: &[Reads] = &[reads::<Accepted>(ACCEPTED), reads::<Cancelled>(CANCELLED)];

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
                    _ => call_off(tx, now, event).await,
                }
            }
            .boxed()
        }),
    }
}

async fn order(tx: &mut Tx, now: DateTime<Utc>, event: &Event) -> Result<(), ConsumeError> {
    let wish: Accepted = event.read()?;
    if store::find_live(tx, wish.request_id).await?.is_some() {
        return Ok(());
    }
    if Agency::find(tx, wish.agency_id).await?.is_none() {
        return Err(ConsumeError::Reject(format!("no home-care agency {}", wish.agency_id)));
    }
    let contact = ElderContact {
        person_id: wish.person_id,
        name: wish.name.clone(),
        phone: wish.phone.clone(),
        address: wish.address.clone(),
        area_code: Some(wish.area_code.clone()),
        national_id_index: wish.national_id_index,
    };
    let visit = Visit {
        id: VisitId::new(now),
        request_id: wish.request_id,
        agency: wish.agency_id,
        person: find_or_register(tx, now, &contact).await?,
        service_type: wish.category,
        name: wish.name,
        phone: wish.phone.unwrap_or_default(),
        address: wish.address.unwrap_or_default(),
        area_code: wish.area_code,
        note: wish.note.unwrap_or_default(),
        wanted_from: wish.wanted_from.map(|t| t.trunc_subsecs(6)),
        wanted_until: wish.wanted_until.map(|t| t.trunc_subsecs(6)),
        request_withdrawn: false,
        state: State::Requested,
        caregiver_name: None,
        created_at: now,
        version: 1,
    };
    if store::insert(tx, &visit).await? {
        tx.touch(TOPIC, visit.agency);
        record(tx, now, "visit.order", visit.id, event, "done").await?;
    }
    Ok(())
}

async fn call_off(tx: &mut Tx, now: DateTime<Utc>, event: &Event) -> Result<(), ConsumeError> {
    let gone: Cancelled = event.read()?;
    store::withdraw(tx, gone.request_id).await?;
    let Some(visit) = store::find_live(tx, gone.request_id).await? else { return Ok(()) };
    let id = visit.id;
    let closing = Closing { at: now, reason: REQUEST_CANCELLED.into() };
    let Ok(state) = visit.state.clone().cancel(closing) else {
        // Somebody is there already, or was: the visit is what happened.
        return Ok(record(tx, now, "visit.cancel", id, event, "too_late").await?);
    };
    calendar::release(tx, HOLDER, id.0).await?;
    let step = Step { state, event: "cancelled", at: now };
    match change::apply(tx, now, visit, step).await? {
        Some(_) => Ok(record(tx, now, "visit.cancel", id, event, "done").await?),
        None => Err(ConsumeError::Retry("the visit was changed at the same time".into())),
    }
}

async fn record(
    tx: &mut Tx,
    now: DateTime<Utc>,
    action: &str,
    id: VisitId,
    event: &Event,
    outcome: &str,
) -> Result<(), sanbao_platform::db::DbError> {
    audit::record_as(tx, now, None, action, "visit", Some(id.0), &event.event_id.to_string(), outcome).await
}
