//! What follows from other services' events: visits move work orders, people are recognised, agencies known.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sanbao_platform::bus::{ConsumeError, Consumer, Event, Reads, reads};
use sanbao_platform::db::Tx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::{audit, described, on};
use serde::Deserialize;
use uuid::Uuid;

use super::state::Step;
use super::store::{self, History, Request, RequestId};
use crate::App;

const BOOKING: &str = "booking";
const VISITS: &[(&str, Step)] = &[
    ("booking.visit.scheduled", Step::VisitScheduled),
    ("booking.visit.started", Step::VisitStarted),
    ("booking.visit.completed", Step::VisitCompleted),
    ("booking.visit.cancelled", Step::VisitCancelled),
    ("booking.visit.no_show", Step::VisitNoShow),
];

const PUT_ELDER: &str = "insert into elder
    (person_id, organisation_id, area_code, birth_year, sex, national_id_index, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (person_id) do update set organisation_id = excluded.organisation_id, area_code = excluded.area_code,
        birth_year = excluded.birth_year, sex = excluded.sex, national_id_index = excluded.national_id_index,
        updated_at = excluded.updated_at";
const LINK: &str = "update request set person_id = $1 where national_id_index = $2 and person_id is null";
const PUT_AGENCY: &str = "insert into agency (organisation_id, name_zh, name_en, updated_at) values ($1, $2, $3, $4)
    on conflict (organisation_id) do update set name_zh = excluded.name_zh, name_en = excluded.name_en,
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
    }
}

/// What is read of visits.
const VISIT_KINDS: &[Reads] = &[
    reads::<VisitEvent>("booking.visit.scheduled"),
    reads::<VisitEvent>("booking.visit.started"),
    reads::<VisitEvent>("booking.visit.completed"),
    reads::<VisitEvent>("booking.visit.cancelled"),
    reads::<VisitEvent>("booking.visit.no_show"),
];
/// What is read of people and organisations.
const DIRECTORY_KINDS: &[Reads] = &[
    reads::<PersonEvent>("booking.person.registered"),
    reads::<PersonEvent>("booking.person.updated"),
    reads::<OrganisationEvent>("booking.organisation.registered"),
    reads::<OrganisationEvent>("booking.organisation.updated"),
];

/// Whose events this part takes.
pub fn consumers(app: &App) -> Vec<Consumer> {
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
            handler: Arc::new(|tx, event| Box::pin(directory(tx, event))),
        },
    ]
}

/// Moves the work order that a visit belongs to. A step that the state does not allow changes
/// nothing: the visit was called off because the request was, or the news is an old one.
async fn visit(tx: &mut Tx, event: &Event) -> Result<(), ConsumeError> {
    let data: VisitEvent = event.read()?;
    let step = VISITS.iter().find(|(kind, _)| *kind == event.kind).map(|(_, step)| *step);
    let (Some(id), Some(step)) = (data.request_id, step) else { return Ok(()) };
    let Some(before) = store::find(tx, id).await? else {
        return Err(ConsumeError::Reject(format!("{}: no request {id}", event.kind)));
    };
    // A visit of an agency that gave the request back has nothing to say any more.
    let stale = step != Step::VisitScheduled && before.visit_id.is_some() && before.visit_id != data.visit_id;
    let Some(state) = before.state.step(step).ok().filter(|_| !stale) else {
        tracing::info!(request = %id, state = before.state.name(), kind = event.kind, "a visit's event changes nothing");
        return Ok(());
    };
    let at = data.at.unwrap_or(event.occurred_at);
    let visit_id = data.visit_id.filter(|_| step != Step::VisitCancelled);
    let after = Request { state, state_since: at, visit_id, ..before.clone() };
    if !store::update(tx, &after).await? {
        return Err(ConsumeError::Retry("the request changed meanwhile".into()));
    }
    store::add_history(tx, id, &History::of(at, step, &before, state)).await?;
    store::count(tx, &store::changes(Some(&before), &after)).await?;
    let action = format!("request.{}", step.path());
    audit::record_as(tx, at, None, &action, "request", Some(id.0), &event.event_id.to_string(), "done").await?;
    store::touch(tx, [after.agency_id]);
    Ok(())
}

/// Remembers a person or an agency.
async fn directory(tx: &mut Tx, event: &Event) -> Result<(), ConsumeError> {
    if event.kind.starts_with("booking.organisation.") {
        let data: OrganisationEvent = event.read()?;
        if data.kind == "home_care_agency" {
            put_agency(tx, data.organisation_id, &data.name_zh, &data.name_en, event.occurred_at).await?;
        }
        return Ok(());
    }
    let p: PersonEvent = event.read()?;
    on!(tx, |c| {
        let row = sqlx::query(PUT_ELDER).bind(p.person_id).bind(p.organisation_id).bind(&p.area_code);
        let row = row.bind(p.birth_year).bind(&p.sex).bind(&p.national_id_index).bind(event.occurred_at);
        row.execute(c).await.map(drop)
    })?;
    if let Some(index) = &p.national_id_index {
        on!(tx, |c| sqlx::query(LINK).bind(p.person_id).bind(index).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Adds an agency to those a request can be sent to, or gives it its new name.
pub async fn put_agency(
    tx: &mut Tx,
    id: OrganisationId,
    name_zh: &str,
    name_en: &str,
    now: DateTime<Utc>,
) -> Result<(), sanbao_platform::db::DbError> {
    on!(tx, |c| sqlx::query(PUT_AGENCY).bind(id).bind(name_zh).bind(name_en).bind(now).execute(c).await.map(drop))?;
    Ok(())
}
