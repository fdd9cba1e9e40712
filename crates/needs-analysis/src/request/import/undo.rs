//! An import is taken back: the requests that it made and that nobody has worked on since go, with their history, as if the file
//! had never come; the others stay and are listed. Batch by batch, so that one that is broken off goes on.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{DbError, Tx, expect_rows};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sqlx::types::Json;
use uuid::Uuid;

use super::run::{LEASE_SECONDS, Means};
use super::store;
use super::view::{ImportId, Kept, Report};
use crate::area::AreaCode;
use crate::request::category::Category;
use crate::request::id::RequestId;
use crate::request::state::RequestStateName;
use crate::rollup::{self, CountChange};

/// Requests of one transaction.
const BATCH_ROWS: i64 = 500;
/// Requests that stay and are listed one by one.
pub const KEPT_LISTED_MAX: usize = 200;
/// How far a clock may have been set back while the import ran, in hours.
const CLOCK_BACK_HOURS: i64 = 1;

const START: &str = "update import_run set undo_started_at = $2, undone_by = $3, lease_until = $4
    where id = $1 and undo_started_at is null and (finished_at is not null or lease_until is null)";
// Ids ascend with time: those of the import's requests begin where the import does.
const MADE: &str = "select r.id, r.external_id, r.version, r.area_code, r.category, r.received_on, r.state,
        (select count(*) from request m where m.merged_into = r.id) as merged
    from request r join history h on h.aggregate = 'request' and h.id = r.id and h.version = 1
    where r.id > $1 and r.organisation_id = $2 and r.source = $3 and h.reason = $4 and r.removed_at is null
    order by r.id limit $5";
const UPDATED: &str = "select distinct r.id, r.external_id
    from request r join history h on h.aggregate = 'request' and h.id = r.id
    where r.organisation_id = $1 and r.source = $2 and h.step = 'update' and h.reason = $3 and h.version > 1
        and not exists (select 1 from history f where f.aggregate = 'request' and f.id = r.id and f.version = 1
            and f.reason = $3)
    order by r.id limit $4";
const FORGET: [&str; 2] =
    ["delete from request_moved where request_id = $1", "delete from history where aggregate = 'request' and id = $1"];
const TAKE: &str = "delete from request where id = $1 and version = 1";
const SAVE: &str = "update import_run set taken_back = $2, kept = $3, kept_first = $4, undone_at = $5, lease_until = $6
    where id = $1";

#[derive(sqlx_macros::FromRow)]
struct Made {
    id: RequestId,
    external_id: Option<String>,
    version: i64,
    area_code: AreaCode,
    category: Category,
    received_on: NaiveDate,
    state: RequestStateName,
    /// Requests that go on in it.
    merged: i64,
}

impl Made {
    fn is_untouched(&self) -> bool {
        self.version == 1 && self.merged == 0
    }

    fn gone(&self) -> CountChange {
        let (area_code, category, day) = (self.area_code.clone(), self.category, self.received_on);
        CountChange { area_code, category, day, from: Some(self.state), to: None }
    }

    fn kept(self) -> Kept {
        Kept { request_id: self.id, external_id: self.external_id, reason: "worked_on".to_owned() }
    }
}

/// Begins to take an import back; `false` when it runs still, or was begun before.
pub(super) async fn start(tx: &mut Tx, id: ImportId, by: &Actor, now: DateTime<Utc>) -> Result<bool, DbError> {
    let lease = now + Duration::seconds(LEASE_SECONDS);
    let rows = on!(tx, |c| {
        let query = sqlx::query(START).bind(id).bind(now).bind(&by.name).bind(lease);
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Takes an import back to its end, from wherever it stands.
pub(super) async fn work(means: &Means, id: ImportId, owner: OrganisationId) -> Result<(), DbError> {
    let report = store::any(&mut means.db.read().await?, id).await?;
    let Some(mut report) = report.filter(|report| report.undo.is_some()) else { return Ok(()) };
    // What stays is counted anew where it was broken off; what went is gone.
    if let Some(undo) = &mut report.undo {
        (undo.kept, undo.kept_first) = (0, Vec::new());
    }
    let floor = report.started_at - Duration::hours(CLOCK_BACK_HOURS);
    let mut after = floor_of(floor);
    while let Some(last) = batch(means, &mut report, owner, after).await? {
        after = last;
    }
    finish(means, report, owner).await
}

/// The least id of a moment.
fn floor_of(at: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    Uuid::from_u128(u128::from(millis) << 80)
}

fn because(report: &Report) -> String {
    report.id.map(|id| format!("import {id}")).unwrap_or_default()
}

/// Takes the next requests back; the last of them, if there were any.
async fn batch(
    means: &Means,
    report: &mut Report,
    owner: OrganisationId,
    after: Uuid,
) -> Result<Option<Uuid>, DbError> {
    let because = because(report);
    let mut tx = means.db.begin().await?;
    let made: Vec<Made> = on!(tx, |c| {
        let query = sqlx::query_as(MADE).bind(after).bind(owner).bind(&report.source).bind(&because);
        query.bind(BATCH_ROWS).fetch_all(c).await
    })?;
    let last = made.last().map(|made| made.id.0);
    let (mut gone, mut stay) = (Vec::new(), Vec::new());
    for one in made {
        if one.is_untouched() && take(&mut tx, one.id).await? {
            tx.touch("requests", one.area_code.live_key());
            gone.push(one.gone());
        } else {
            stay.push(one.kept());
        }
    }
    rollup::apply_all(&mut tx, &gone).await?;
    let mut undo = report.undo.take().unwrap_or_default();
    undo.taken_back += i64::try_from(gone.len()).unwrap_or(0);
    undo.kept += i64::try_from(stay.len()).unwrap_or(0);
    undo.kept_first.extend(stay);
    undo.kept_first.truncate(KEPT_LISTED_MAX);
    report.undo = Some(undo);
    save(&mut tx, means, report).await?;
    tx.commit().await?;
    Ok(last)
}

/// Takes a request away, unless somebody was faster.
async fn take(tx: &mut Tx, id: RequestId) -> Result<bool, DbError> {
    let rows = on!(tx, |c| sqlx::query(TAKE).bind(id).execute(c).await.map(|done| done.rows_affected()))?;
    if rows == 1 {
        for statement in FORGET {
            on!(tx, |c| sqlx::query(statement).bind(id).execute(c).await.map(drop))?;
        }
    }
    Ok(rows == 1)
}

async fn save(tx: &mut Tx, means: &Means, report: &Report) -> Result<(), DbError> {
    let Some(undo) = &report.undo else { return Ok(()) };
    let lease = undo.finished_at.is_none().then(|| means.clock.now() + Duration::seconds(LEASE_SECONDS));
    let rows = on!(tx, |c| {
        let query = sqlx::query(SAVE).bind(report.id).bind(undo.taken_back).bind(undo.kept);
        let query = query.bind(Json(&undo.kept_first)).bind(undo.finished_at).bind(lease);
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    expect_rows("save an import that is taken back", 1, rows)
}

/// Lists what the import had brought up to date, which stays, and ends.
async fn finish(means: &Means, mut report: Report, owner: OrganisationId) -> Result<(), DbError> {
    let (because, now) = (because(&report), means.clock.now());
    let mut tx = means.db.begin().await?;
    let most = i64::try_from(KEPT_LISTED_MAX).unwrap_or(0);
    let updated: Vec<(RequestId, Option<String>)> = on!(tx, |c| {
        sqlx::query_as(UPDATED).bind(owner).bind(&report.source).bind(&because).bind(most).fetch_all(c).await
    })?;
    let mut undo = report.undo.take().unwrap_or_default();
    undo.kept += report.updated;
    let kept = |(request_id, external_id)| Kept { request_id, external_id, reason: "updated".to_owned() };
    undo.kept_first.extend(updated.into_iter().map(kept));
    undo.kept_first.truncate(KEPT_LISTED_MAX);
    undo.finished_at = Some(now);
    report.undo = Some(undo);
    save(&mut tx, means, &report).await?;
    if let Some(id) = report.id {
        super::spool::forget(&mut tx, id).await?;
    }
    tx.commit().await
}
