//! Requests that have no number or no place in the queues yet, as an older version has written them, get theirs; and all clocks are
//! set anew when the rules have changed.

use std::time::Duration;

use sanbao_platform::db::{Conn, Db, DbError, Tx};
use sanbao_platform::on;
use sanbao_platform::service::Task;

use crate::request::id::RequestId;
use crate::request::model::Request;
use crate::request::sla::RULES_NUMBER;
use crate::request::{number, store, words};
use crate::{App, local_day};

/// Requests of one transaction.
const BATCH_MAX: i64 = 200;
/// How often the task looks, in seconds: while two versions run side by side, the older one writes without a place.
const INTERVAL_SECONDS: u64 = 60;

const UNPLACED: &str = "select id from request where removed_at is null
    and (number is null or (queue_at is null) <> (state in ('closed', 'cancelled', 'merged')))
    order by id limit $1";
const OPEN: &str = "select id from request where queue_at is not null and removed_at is null and id > $1
    order by id limit $2";
const PLACE: &str = "update request set queue_at = $2, risk_at = $3, waits_for = $4, phone_end = $5,
    number_day = coalesce(number_day, $6), number = coalesce(number, $7) where id = $1 and version = $8";
const RULES_OF: &str = "select rules from request_rules where id = 1";
const KEEP_RULES: &str = "insert into request_rules (id, rules) values (1, $1)
    on conflict (id) do update set rules = excluded.rules";

async fn place(tx: &mut Tx, request: &Request) -> Result<(), DbError> {
    let number = match request.number {
        Some(number) => number,
        None => number::take(tx, local_day(request.created_at), 1).await?,
    };
    let placed = request.placed();
    on!(tx, |c| {
        let row = sqlx::query(PLACE).bind(request.id).bind(placed.map(|p| p.queue_at));
        let row = row.bind(placed.and_then(|p| p.risk_at)).bind(placed.map(|p| p.waits_for)).bind(request.phone_end());
        row.bind(number.day).bind(number.count).bind(request.version).execute(c).await.map(drop)
    })?;
    Ok(())
}

async fn found(conn: &mut Conn, ids: Vec<RequestId>) -> Result<Vec<Request>, DbError> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(store::find(conn, id).await?);
    }
    Ok(found)
}

async fn unplaced(conn: &mut Conn) -> Result<Vec<RequestId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(UNPLACED).bind(BATCH_MAX).fetch_all(c).await)?)
}

/// Gives every request its place; how many had none.
pub async fn place_all(db: &Db) -> Result<usize, DbError> {
    let mut placed = 0;
    // Most times there is none: then nobody waits for the writer.
    while !unplaced(&mut db.read().await?).await?.is_empty() {
        let mut tx = db.begin().await?;
        let ids = unplaced(&mut tx).await?;
        let requests = found(&mut tx, ids).await?;
        for request in &requests {
            place(&mut tx, request).await?;
        }
        words::keep(&mut tx, &requests.iter().collect::<Vec<_>>()).await?;
        tx.commit().await?;
        placed += requests.len();
    }
    Ok(placed + by_rules(db).await?)
}

/// Sets the clocks anew, if they were set by other rules; how many.
async fn by_rules(db: &Db) -> Result<usize, DbError> {
    let mut conn = db.read().await?;
    let rules: Option<i64> = on!(&mut conn, |c| sqlx::query_scalar(RULES_OF).fetch_optional(c).await)?;
    drop(conn);
    if rules == Some(RULES_NUMBER) {
        return Ok(0);
    }
    let (mut after, mut placed) = (RequestId(uuid::Uuid::nil()), 0);
    loop {
        let mut tx = db.begin().await?;
        let ids: Vec<RequestId> =
            on!(&mut tx, |c| sqlx::query_scalar(OPEN).bind(after).bind(BATCH_MAX).fetch_all(c).await)?;
        let Some(last) = ids.last().copied().filter(|_| rules.is_some()) else {
            on!(&mut tx, |c| sqlx::query(KEEP_RULES).bind(RULES_NUMBER).execute(c).await.map(drop))?;
            tx.commit().await?;
            return Ok(placed);
        };
        for request in &found(&mut tx, ids).await? {
            place(&mut tx, request).await?;
            placed += 1;
        }
        tx.commit().await?;
        after = last;
    }
}

/// Looks every minute.
pub fn task(app: &App) -> Task {
    let db = app.deps.db.clone();
    Box::new(move |stop| {
        Box::pin(async move {
            while !stop.is_cancelled() {
                match place_all(&db).await {
                    Ok(0) => {}
                    Ok(requests) => tracing::info!(requests, "requests have their place in the queues now"),
                    Err(error) => tracing::warn!(%error, "requests have no place in the queues until the next try"),
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(Duration::from_secs(INTERVAL_SECONDS)) => {}
                }
            }
        })
    })
}
