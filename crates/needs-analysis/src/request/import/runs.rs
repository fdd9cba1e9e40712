//! Imports go on beside the request that began them: after its answer, and after the program was stopped.

use chrono::Duration;
use sanbao_platform::audit;
use sanbao_platform::db::{Db, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::on;
use sanbao_platform::service::Task;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::options::ImportError;
use super::reading::Reading;
use super::run::{self, Import, LEASE_SECONDS, Means};
use super::spool::SpoolFile;
use super::view::{ImportId, Report};
use super::{spool, store, undo, upload};
use crate::App;

/// How often it is looked whether an import was broken off.
const LOOK_SECONDS: u64 = 5;
/// How many looks make an hour.
const ROUNDS_OF_AN_HOUR: u64 = 3_600 / LOOK_SECONDS;
/// How long the rows to mend are kept for somebody who did not wait for them.
const MEND_HOURS: i64 = 24;

const BROKEN_OFF: &str = "select id, organisation from import_run
    where lease_until < $1 and organisation is not null and (finished_at is null or undo_started_at is not null)
    order by id limit 1";
const CLAIM: &str = "update import_run set lease_until = $2 where id = $1 and lease_until < $3";
const GIVE_UP: &str = "update import_run set lease_until = null where id = $1";

/// How long the rows to mend are kept.
pub(super) fn mend_kept() -> Duration {
    Duration::hours(MEND_HOURS)
}

impl From<&App> for Means {
    fn from(app: &App) -> Self {
        let deps = &app.deps;
        let dialling_code = deps.dialling_code.clone();
        Self { db: deps.db.clone(), clock: deps.clock.clone(), fields: deps.fields.clone(), dialling_code }
    }
}

/// Goes on with an import beside the caller, who is told of its end. The permit ends with it.
pub(super) fn beside(
    means: Means,
    import: Import,
    reading: Reading,
    permit: OwnedSemaphorePermit,
) -> oneshot::Receiver<Result<Report, ImportError>> {
    let (tell, told) = oneshot::channel();
    tokio::spawn(audit::carried(async move {
        let done = import.work(reading, |_, _| {}).await;
        drop(permit);
        if let Err(error) = &done {
            tracing::error!(%error, "an import has stopped; it goes on by itself");
        }
        if let Err(Ok(report)) = tell.send(done) {
            unread(&means, &report).await.unwrap_or_else(|error| tracing::error!(%error, "rows to mend were not kept"));
        }
    }));
    told
}

/// Goes on with a rehearsal of a file that came in parts, beside the caller. What it came to is kept for one who has not waited.
pub(super) fn tried_beside(
    means: Means,
    import: Import,
    reading: Reading,
    permit: OwnedSemaphorePermit,
    (upload, lang): (ImportId, Lang),
) -> oneshot::Receiver<Result<Report, ImportError>> {
    let (tell, told) = oneshot::channel();
    tokio::spawn(audit::carried(async move {
        let done = import.work(reading, |_, _| {}).await;
        drop(permit);
        if let Err(Ok(report)) = tell.send(done) {
            // Reasons are kept in one language.
            let kept = upload::keep_tried(&means, upload, &report.in_language(lang)).await;
            kept.unwrap_or_else(|error| tracing::error!(%error, "what a rehearsal came to was not kept"));
        }
    }));
    told
}

/// Keeps the rows to mend of an import whose end nobody waited for.
async fn unread(means: &Means, report: &Report) -> Result<(), DbError> {
    let (Some(id), Some(mend)) = (report.id, &report.mend) else { return Ok(()) };
    let mut tx = means.db.begin().await?;
    spool::keep_mend(&mut tx, &means.fields, id, mend, means.clock.now()).await?;
    tx.commit().await
}

/// The task that goes on with what was broken off.
pub fn task(app: &App) -> Task {
    let (means, imports) = (Means::from(app), app.imports.clone());
    Box::new(move |stop| {
        Box::pin(async move {
            for round in 0_u64.. {
                if round % ROUNDS_OF_AN_HOUR == 0 {
                    let done = forget(&means).await;
                    done.unwrap_or_else(
                        |error| tracing::error!(%error, "rows to mend are kept longer than they should be"),
                    );
                }
                // One at a time, and none stands in a person's way while there is nothing to do.
                if is_broken_off(&means).await
                    && let Ok(permit) = imports.try_begin()
                {
                    tokio::select! {
                        () = stop.cancelled() => return,
                        done = go_on(&means) => {
                            done.unwrap_or_else(|error| tracing::error!(%error, "not yet gone on with an import"));
                        }
                    }
                    drop(permit);
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(std::time::Duration::from_secs(LOOK_SECONDS)) => {}
                }
            }
        })
    })
}

/// Takes away rows to mend that nobody has fetched in time, and files that nobody has imported.
pub(super) async fn forget(means: &Means) -> Result<(), DbError> {
    let mut tx = means.db.begin().await?;
    spool::forget_old(&mut tx, means.clock.now() - mend_kept()).await?;
    upload::forget_old(&mut tx, means.clock.now()).await?;
    tx.commit().await
}

async fn is_broken_off(means: &Means) -> bool {
    let look = async || {
        let mut conn = means.db.read().await?;
        let now = means.clock.now();
        let found: Option<(ImportId, OrganisationId)> =
            on!(conn, |c| sqlx::query_as(BROKEN_OFF).bind(now).fetch_optional(c).await)?;
        Ok::<_, DbError>(found.is_some())
    };
    look().await.unwrap_or_else(|error| {
        tracing::error!(%error, "it is not known whether an import was broken off");
        false
    })
}

/// Goes on with every import that was broken off, and takes away what is kept no longer.
pub(super) async fn go_on(means: &Means) -> Result<(), ImportError> {
    while let Some((id, owner)) = claimed(&means.db, means).await? {
        let report = store::any(&mut means.db.read().await?, id).await?;
        let Some(report) = report else { continue };
        if report.undo.is_some() {
            undo::work(means, id, owner).await?;
        } else {
            import(means, id, report).await?;
        }
    }
    Ok(())
}

/// The next one that was broken off, and that is this process's now.
async fn claimed(db: &Db, means: &Means) -> Result<Option<(ImportId, OrganisationId)>, DbError> {
    let now = means.clock.now();
    let mut tx = db.begin().await?;
    let found: Option<(ImportId, OrganisationId)> =
        on!(tx, |c| sqlx::query_as(BROKEN_OFF).bind(now).fetch_optional(c).await)?;
    let Some((id, owner)) = found else { return Ok(None) };
    let lease = now + Duration::seconds(LEASE_SECONDS);
    let rows = on!(tx, |c| {
        sqlx::query(CLAIM).bind(id).bind(lease).bind(now).execute(c).await.map(|done| done.rows_affected())
    })?;
    tx.commit().await?;
    Ok((rows == 1).then_some((id, owner)))
}

async fn import(means: &Means, id: ImportId, report: Report) -> Result<(), ImportError> {
    let kept = spool::kept(&mut means.db.read().await?, &means.fields, id).await?;
    let Some(mut options) = kept else {
        // As after a restore: such a run can be taken back, or the file imported again.
        let mut tx = means.db.begin().await?;
        give_up(&mut tx, id).await?;
        return Ok(tx.commit().await?);
    };
    options.dialling_code.clone_from(&means.dialling_code);
    let file = SpoolFile::open(means, id).await?;
    let (import, reading) = run::resumed(means, file, options, report).await?;
    let report = import.work(reading, |_, _| {}).await?;
    Ok(unread(means, &report).await?)
}

async fn give_up(tx: &mut Tx, id: ImportId) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(GIVE_UP).bind(id).execute(c).await.map(drop))?;
    Ok(())
}
