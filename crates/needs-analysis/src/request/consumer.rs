//! The effects of other services' events: visits move work orders, people are recognised, agencies known.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sanbao_platform::bus::{ConsumeError, Consumer, Event, Reads, reads};
use sanbao_platform::db::Tx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{By, Lifecycle as _, Step as _, advance};
use sanbao_platform::retention::Periods;
use sanbao_platform::{described, on};
use serde::Deserialize;
use uuid::Uuid;

use super::departed;
use super::directory::{self, Organisation};
use super::erased;
use super::held;
use super::id::RequestId;
use super::joined;
use super::model::Request;
use super::step::{RequestStep, Said};
use super::store;
use crate::App;
use crate::area::AreaCode;

const BOOKING: &str = "booking";
const SCHEDULED: &str = "booking.visit.scheduled";
const STARTED: &str = "booking.visit.started";
const COMPLETED: &str = "booking.visit.completed";
const CANCELLED: &str = "booking.visit.cancelled";
const NO_SHOW: &str = "booking.visit.no_show";
const REGISTERED: &str = "booking.organisation.registered";
const CLOSED: &str = "booking.organisation.closed";
const REOPENED: &str = "booking.organisation.reopened";

const PUT_ELDER: &str = "insert into elder
    (person_id, organisation_id, area_code, birth_year, sex, national_id_index, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (person_id) do update set organisation_id = excluded.organisation_id, area_code = excluded.area_code,
        birth_year = excluded.birth_year, sex = excluded.sex, national_id_index = excluded.national_id_index,
        updated_at = excluded.updated_at";

described! {
    #[derive(Debug, Deserialize)]
    struct VisitEvent {
        visit_id: Option<Uuid>,
        /// A visit that nobody asked for here has none.
        request_id: Option<RequestId>,
        at: Option<DateTime<Utc>>,
    }
}

described! {
    #[derive(Debug, Deserialize)]
    struct CancelledVisit {
        visit_id: Option<Uuid>,
        request_id: Option<RequestId>,
        at: Option<DateTime<Utc>>,
        /// Whether it had a time; older events, which do not say, were of visits that had one.
        was_scheduled: Option<bool>,
        /// Why, in people's words.
        reason: Option<String>,
        /// Whether it was called off because its request did not want it any more.
        withdrawn: Option<bool>,
    }
}

described! {
    #[derive(Debug, Deserialize)]
    struct PersonEvent {
        person_id: Uuid,
        organisation_id: Option<Uuid>,
        area_code: Option<String>,
        birth_year: Option<i32>,
        sex: Option<String>,
        national_id_index: Option<String>,
    }
}

described! {
    #[derive(Debug, Deserialize)]
    struct OrganisationEvent {
        organisation_id: OrganisationId,
        kind: String,
        name_zh: String,
        name_en: String,
        /// The area that it lies in; older events do not say.
        area_code: Option<String>,
    }
}

described! {
    #[derive(Debug, Deserialize)]
    struct OrganisationEnd {
        organisation_id: OrganisationId,
    }
}

/// The events that are read of visits.
const VISIT_KINDS: &[Reads] = &[
    reads::<VisitEvent>(SCHEDULED),
    reads::<VisitEvent>(STARTED),
    reads::<VisitEvent>(COMPLETED),
    reads::<CancelledVisit>(CANCELLED),
    reads::<VisitEvent>(NO_SHOW),
];
/// The events that are read of people and organisations.
const DIRECTORY_KINDS: &[Reads] = &[
    reads::<PersonEvent>("booking.person.registered"),
    reads::<PersonEvent>("booking.person.updated"),
    joined::KINDS[0],
    joined::KINDS[1],
    joined::KINDS[2],
    departed::KINDS[0],
    departed::KINDS[1],
    erased::KINDS[0],
    reads::<OrganisationEvent>(REGISTERED),
    reads::<OrganisationEnd>(CLOSED),
    reads::<OrganisationEnd>(REOPENED),
];

/// Whose events this part takes.
pub fn consumers(app: &App) -> Vec<Consumer> {
    let periods = app.config.periods;
    vec![
        Consumer {
            name: "needs-analysis.visits",
            publisher: BOOKING,
            kinds: VISIT_KINDS,
            db: app.deps.db.clone(),
            clock: app.deps.clock.clone(),
            handler: Arc::new(|tx, event| Box::pin(visit(tx, event))),
        },
        Consumer {
            name: "needs-analysis.directory",
            publisher: BOOKING,
            kinds: DIRECTORY_KINDS,
            db: app.deps.db.clone(),
            clock: app.deps.clock.clone(),
            handler: Arc::new(move |tx, event| Box::pin(remember(tx, periods, event))),
        },
        // A place of its own: a process of an earlier version moves that of the directory past kinds that it does not know.
        Consumer {
            name: "needs-analysis.holds",
            publisher: BOOKING,
            kinds: held::KINDS,
            db: app.deps.db.clone(),
            clock: app.deps.clock.clone(),
            handler: Arc::new(|tx, event| Box::pin(held::take(tx, event))),
        },
    ]
}

/// The meaning of a visit's event for the request that it belongs to.
struct News {
    request: RequestId,
    visit: Option<Uuid>,
    at: DateTime<Utc>,
    step: RequestStep,
}

/// Reads a visit's event; `None` when it means nothing here.
fn news(event: &Event) -> Result<Option<News>, ConsumeError> {
    if event.kind == CANCELLED {
        let gone: CancelledVisit = event.read()?;
        let undated = !gone.was_scheduled.unwrap_or(true);
        let Some(request) = gone.request_id.filter(|_| !(undated && gone.withdrawn.unwrap_or(false))) else {
            return Ok(None);
        };
        let said = Said { reason: gone.reason, note: None };
        let step = if undated { RequestStep::OrderCancelled(said) } else { RequestStep::VisitCancelled(said) };
        let at = gone.at.unwrap_or(event.occurred_at);
        return Ok(Some(News { request, visit: gone.visit_id, at, step }));
    }
    let VisitEvent { visit_id: visit, request_id, at } = event.read()?;
    let step = match event.kind.as_str() {
        SCHEDULED => RequestStep::VisitScheduled(visit),
        STARTED => RequestStep::VisitStarted(visit),
        COMPLETED => RequestStep::VisitCompleted(visit),
        NO_SHOW => RequestStep::VisitNoShow(visit),
        other => return Err(ConsumeError::Reject(format!("{other} is not read here"))),
    };
    let at = at.unwrap_or(event.occurred_at);
    Ok(request_id.map(|request| News { request, visit, at, step }))
}

/// Whether the news is of another order than the one that the agency has now.
fn is_stale(request: &Request, news: &News) -> bool {
    let Some(order) = request.state.order() else { return false };
    match news.step {
        RequestStep::VisitScheduled(_) => false,
        // An order that has a time is another one; so is one that was called off before this one began.
        RequestStep::OrderCancelled(_) => order.visit.is_some() || news.at < order.accepted_at,
        _ => order.visit.is_some() && order.visit != news.visit,
    }
}

/// Moves the work order that a visit belongs to. A step that the state does not allow changes
/// nothing: the visit was called off because the request was, or the news is an old one.
async fn visit(tx: &mut Tx, event: &Event) -> Result<(), ConsumeError> {
    let Some(news) = news(event)? else { return Ok(()) };
    let Some(request) = Request::find(tx, news.request).await? else {
        return Err(ConsumeError::Reject(format!("{}: no request {}", event.kind, news.request)));
    };
    if is_stale(&request, &news) || !request.legal().contains(&news.step.name()) {
        let state = request.state_name();
        tracing::info!(request = %request.id, %state, kind = event.kind, "a visit's event changes nothing");
        return Ok(());
    }
    let cause = event.event_id.to_string();
    advance(tx, &By::Automatic { cause: &cause, at: news.at, actor: None }, request, news.step).await?;
    Ok(())
}

/// Remembers an agency or a street office, and whether it was closed.
async fn organisation(tx: &mut Tx, event: &Event) -> Result<(), ConsumeError> {
    let at = event.occurred_at;
    if event.kind != REGISTERED {
        let end: OrganisationEnd = event.read()?;
        return Ok(directory::set_closed(tx, end.organisation_id, event.kind == CLOSED, at).await?);
    }
    let OrganisationEvent { organisation_id: id, kind, name_zh, name_en, area_code } = event.read()?;
    match kind.as_str() {
        "home_care_agency" => directory::put_agency(tx, id, &name_zh, &name_en, at).await?,
        "street_office" => {
            let area_code = area_code.and_then(|code| AreaCode::parse(&code).ok());
            directory::put_office(tx, &Organisation { id, name_zh, name_en, area_code }, at).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Remembers a person or an organisation, that two people are one, and that somebody has died or left.
async fn remember(tx: &mut Tx, periods: Periods, event: &Event) -> Result<(), ConsumeError> {
    if matches!(event.kind.as_str(), joined::JOINED | joined::SEPARATED | joined::MOVED) {
        return joined::take(tx, event).await;
    }
    if matches!(event.kind.as_str(), departed::ENDED | departed::RESTORED) {
        return departed::take(tx, event).await;
    }
    if event.kind == erased::ERASED {
        return erased::take(tx, periods, event).await;
    }
    if event.kind.starts_with("booking.organisation.") {
        return organisation(tx, event).await;
    }
    let p: PersonEvent = event.read()?;
    on!(tx, |c| {
        let row = sqlx::query(PUT_ELDER).bind(p.person_id).bind(p.organisation_id).bind(&p.area_code);
        let row = row.bind(p.birth_year).bind(&p.sex).bind(&p.national_id_index).bind(event.occurred_at);
        row.execute(c).await.map(drop)
    })?;
    if let Some(index) = &p.national_id_index {
        store::link(tx, p.person_id, index).await?;
    }
    Ok(())
}
