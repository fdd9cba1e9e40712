//! Somebody was erased: what this service knows of them goes at once, and each of their requests when nothing has happened to it
//! for as long as work orders are kept (five years); one that is open is called off. The request itself stays, with area, category and state, so that counts stay.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sanbao_platform::bus::{self, ConsumeError, Event, Reads, reads};
use sanbao_platform::db::{Conn, Db, DbError, Tx};
use sanbao_platform::lifecycle::{self, By, Lifecycle as _, StepError};
use sanbao_platform::retention::{Periods, RetentionClass};
use sanbao_platform::service::Task;
use sanbao_platform::{described, on};
use serde::Deserialize;
use uuid::Uuid;

use super::id::RequestId;
use super::model::Request;
use super::step::{RequestStep, RequestStepName, Said};
use super::words;
use crate::{App, door, matter};

/// Somebody was erased.
pub(super) const ERASED: &str = "booking.person.erased";

/// The event that is read of it.
pub(super) const KINDS: [Reads; 1] = [reads::<PersonErased>(ERASED)];

/// Requests that one transaction empties at most.
const BATCH_MAX: i64 = 100;
/// How often the task looks whose time has come, in seconds.
const INTERVAL_SECONDS: u64 = 3_600;

/// Texts in the data of events that are emptied, and values that are taken out: see the catalogue.
const EVENT_TEXTS: &[&str] = &["name", "phone", "address"];
const EVENT_VALUES: &[&str] = &["note", "national_id_index"];

/// The reason on a request that is called off with its person.
const PERSON_ERASED: &str = "本人的资料已抹除";
/// The cause of steps that follow from a list.
const BY_LIST: &str = "erasures apply";

const REMEMBER: &str = "insert into erased_elder (person_id, erased_at) values ($1, $2) on conflict do nothing";
const FORGET_ELDER: &str = "delete from elder where person_id = $1";
const FORGET_PARKED: &str = "delete from parked_event where subject = $1";
const FORGET_ANSWERS: &str = "delete from idempotency where shown in
    (select s.shown from audit_shown s where s.kind in ('person', 'request') and s.id = $1)";
// Who is erased is held no more: an older backup may bring back a hold of whose end nothing is told.
const RELEASE: &str = "delete from held_subject where person_id = $1";
// Of few people who were erased, each by the index of people, however many requests there are.
const DUE: &str = "select r.id from erased_elder e cross join request r
    where r.person_id = e.person_id and r.erased_at is null and r.state_since <= $1
    order by r.id limit $2";
const OPEN: &str =
    "select r.id from request r where r.person_id = $1 and r.state not in ('closed', 'cancelled', 'merged')
    order by r.id";
// A request without a resident id is of a person only by its visit. The version grows: a step that was read before may not write
// this over.
const CLAIM: &str = "update request set person_id = $2, version = version + 1 where id = $1 and person_id is null and removed_at is null";
const EMPTY: &str = "update request set external_id = null, category_raw = null, elder_name = '', phone = null,
    national_id_sealed = null, national_id_index = null, address = null, note = null, person_key = null,
    content_index = null, phone_end = null, erased_at = coalesce(erased_at, $2), version = version + 1 where id = $1";
const EMPTY_HISTORY: &str = "update history set reason = null, note = null
    where aggregate = 'request' and id = $1 and (reason is not null or note is not null)";
const EMPTY_OLD_HISTORY: &str = "update request_history set reason = null, note = null where request_id = $1";

/// The tables from which something is taken, with the statements.
#[cfg(test)]
const TAKEN: &[(&str, &str)] = &[
    ("elder", FORGET_ELDER),
    ("door", door::forget::EMPTY),
    ("matter", matter::forget::EMPTY),
    ("parked_event", FORGET_PARKED),
    ("idempotency", FORGET_ANSWERS),
    ("request", EMPTY),
    ("history", EMPTY_HISTORY),
    ("request_history", EMPTY_OLD_HISTORY),
    ("request_text", words::FORGET),
];

described! {
    #[derive(Debug, Deserialize)]
    pub(super) struct PersonErased {
        person_id: Uuid,
        at: DateTime<Utc>,
        /// The requests of visits to the person; older events do not say.
        #[serde(default)]
        requests: Option<Vec<Uuid>>,
    }
}

/// Somebody who was erased.
#[derive(Clone, Copy, Debug)]
pub struct Gone<'a> {
    /// A record of theirs.
    pub person: Uuid,
    /// The requests of visits to them, which may not name the person here.
    pub requests: &'a [Uuid],
    /// When they were erased.
    pub at: DateTime<Utc>,
}

/// Of which time a work order is kept no longer.
#[derive(Clone, Copy, Debug)]
pub struct Over {
    pub now: DateTime<Utc>,
    pub periods: Periods,
}

/// Takes what is known of somebody who was erased. Told twice, it changes nothing.
pub(super) async fn take(tx: &mut Tx, periods: Periods, event: &Event) -> Result<(), ConsumeError> {
    let PersonErased { person_id: person, at, requests } = event.read()?;
    let requests = requests.unwrap_or_default();
    let over = Over { now: at, periods };
    take_out(tx, &Gone { person, requests: &requests, at }, over, &event.event_id.to_string()).await?;
    Ok(())
}

/// Forgets somebody, empties the requests whose time has come, and calls off what is open; how many were emptied.
async fn take_out(tx: &mut Tx, gone: &Gone<'_>, over: Over, cause: &str) -> Result<usize, StepError> {
    forget(tx, gone).await?;
    let mut all = 0;
    loop {
        let emptied = empty_due(tx, over).await?;
        if emptied == 0 {
            break;
        }
        all += emptied;
    }
    // After that, since to be called off is something that happens to a request.
    call_off(tx, gone, cause).await?;
    Ok(all)
}

/// Forgets somebody as a person of the network, and remembers that their requests are to follow.
async fn forget(tx: &mut Tx, gone: &Gone<'_>) -> Result<(), DbError> {
    // Before the records that lead on to this one are forgotten.
    door::forget::person(tx, gone.person).await?;
    matter::forget::person(tx, gone.person).await?;
    on!(tx, |c| sqlx::query(REMEMBER).bind(gone.person).bind(gone.at).execute(c).await.map(drop))?;
    for statement in [FORGET_ELDER, FORGET_PARKED, FORGET_ANSWERS, RELEASE] {
        on!(tx, |c| sqlx::query(statement).bind(gone.person).execute(c).await.map(drop))?;
    }
    for request in gone.requests {
        on!(tx, |c| sqlx::query(CLAIM).bind(request).bind(gone.person).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Calls off the open requests of somebody. One that is done or being done stays as it is, and goes in its time.
async fn call_off(tx: &mut Tx, gone: &Gone<'_>, cause: &str) -> Result<(), StepError> {
    let open: Vec<RequestId> =
        on!(tx, |c| sqlx::query_scalar(OPEN).bind(gone.person).fetch_all(c).await).map_err(DbError::from)?;
    for id in open {
        let Some(request) = Request::find(tx, id).await? else { continue };
        if request.legal().contains(&RequestStepName::Cancel) {
            let said = Said { reason: Some(PERSON_ERASED.to_owned()), note: None };
            let by = By::Automatic { cause, at: gone.at, actor: None };
            lifecycle::advance(tx, &by, request, RequestStep::Cancel(said)).await?;
        }
    }
    Ok(())
}

/// The requests whose time has come.
async fn due(conn: &mut Conn, over: Over) -> Result<Vec<RequestId>, DbError> {
    let since = over.periods.of(RetentionClass::WorkOrder).since(over.now);
    Ok(on!(conn, |c| sqlx::query_scalar(DUE).bind(since).bind(BATCH_MAX).fetch_all(c).await)?)
}

/// Empties some of the requests whose time has come; how many.
async fn empty_due(tx: &mut Tx, over: Over) -> Result<usize, DbError> {
    let due = due(tx, over).await?;
    for id in &due {
        empty(tx, *id, over.now).await?;
    }
    let due: Vec<Uuid> = due.iter().map(|id| id.0).collect();
    forget_parked(tx, &due).await?;
    Ok(due.len())
}

/// Empties a request of everything that people said and of whom it is for.
pub(super) async fn empty(tx: &mut Tx, id: RequestId, now: DateTime<Utc>) -> Result<(), DbError> {
    bus::empty(tx, &[id.0], EVENT_TEXTS, EVENT_VALUES).await?;
    let (name, address) = words::of(tx, id).await?;
    on!(tx, |c| sqlx::query(EMPTY).bind(id).bind(now).execute(c).await.map(drop))?;
    words::forget(tx, &name, address.as_deref()).await?;
    for statement in [EMPTY_HISTORY, EMPTY_OLD_HISTORY, FORGET_PARKED, FORGET_ANSWERS] {
        on!(tx, |c| sqlx::query(statement).bind(id).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Deletes parked news of visits to these requests: it says why a visit was called off, and has the visit as its subject.
pub(super) async fn forget_parked(tx: &mut Tx, requests: &[Uuid]) -> Result<(), DbError> {
    if !requests.is_empty() {
        bus::forget_parked(tx, |data| bus::is_one_of(data, "request_id", requests)).await?;
    }
    Ok(())
}

/// Empties all requests whose time has come; how many.
pub async fn empty_all_due(db: &Db, over: Over) -> Result<usize, DbError> {
    let mut all = 0;
    // Most times there is none: then nobody waits for the writer.
    while !due(&mut db.read().await?, over).await?.is_empty() {
        let mut tx = db.begin().await?;
        all += empty_due(&mut tx, over).await?;
        tx.commit().await?;
    }
    Ok(all)
}

/// Takes out somebody who was erased before: what an older backup brought back.
pub async fn apply(db: &Db, gone: &Gone<'_>, over: Over) -> Result<usize, StepError> {
    let mut tx = db.begin().await?;
    let emptied = take_out(&mut tx, gone, over, BY_LIST).await?;
    tx.commit().await?;
    Ok(emptied)
}

/// Looks every hour whose time has come.
pub fn task(app: &App) -> Task {
    let (db, clock, periods) = (app.deps.db.clone(), app.deps.clock.clone(), app.config.periods);
    Box::new(move |stop| {
        Box::pin(async move {
            while !stop.is_cancelled() {
                match empty_all_due(&db, Over { now: clock.now(), periods }).await {
                    Ok(0) => {}
                    Ok(requests) => tracing::info!(requests, "requests of people who were erased are emptied"),
                    Err(error) => tracing::warn!(%error, "requests of people who were erased stay until the next try"),
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(Duration::from_secs(INTERVAL_SECONDS)) => {
                        if let Err(error) = words::sweep(&db).await {
                            tracing::warn!(%error, "names that no request has any more stay until the next try");
                        }
                    }
                }
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use sanbao_platform::clock::Clock;
    use sanbao_platform::testing::{self, Forgotten};

    use super::*;
    use crate::MIGRATIONS;

    /// The tables in which nothing personal stands, or nothing but ids, moments and states, and why.
    const LEFT: &[(&str, &str)] = &[
        ("agency", "organisations"),
        ("area", "places"),
        ("area_parent", "places"),
        ("audit", "ids and actions"),
        ("audit_head", "the chain of the log"),
        ("audit_pruning", "the chain of the log"),
        ("audit_shown", "ids"),
        ("desk_person", "staff"),
        ("door_round", "titles, places and days"),
        ("ended_session", "staff"),
        ("erased_elder", "ids"),
        ("field_key_mark", "keys"),
        ("import_mapping", "words of files: headings, categories, places"),
        ("import_run", "counts, and the first bad cells with personal ones masked"),
        ("inbox", "ids of events"),
        ("inbox_cursor", "ids of events"),
        ("kept_backup", "when a backup was made"),
        ("matter_post", "places and days"),
        ("matter_stay", "ids, places and moments"),
        ("network_mark", "keys"),
        ("office", "organisations"),
        ("outbox", "emptied by the platform, event by event, so that its readers read them still"),
        ("held_subject", "ids"),
        ("holds_heard", "a moment"),
        ("outdated_token", "staff"),
        ("retention_run", "counts and moments"),
        ("request_day", "counts"),
        ("request_moved", "ids"),
        ("request_rules", "a number"),
        ("rollup", "numbers"),
        ("write_probe", "always empty"),
    ];

    #[tokio::test]
    async fn no_table_is_forgotten_when_somebody_is_erased() {
        let engine = testing::sqlite();
        let deps = engine.deps("needs-analysis", &MIGRATIONS, Clock::system()).await;
        let mut known: Vec<(&str, &str)> = TAKEN.iter().map(|(table, _)| (*table, "taken out")).collect();
        known.extend(LEFT);
        let all = Forgotten { told: &[], left_out: &[], elsewhere: &known };
        assert_eq!(all.findings(&deps.db).await, [""; 0]);
        let taken = |table: &str| TAKEN.iter().any(|(name, _)| *name == table);
        assert!(LEFT.iter().all(|(table, _)| !taken(table)), "a table is in two lists");
    }
}
