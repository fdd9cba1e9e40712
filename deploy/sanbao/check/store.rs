//! The databases with their secret, the disk, and the age of the last backup.

use std::path::Path;
use std::time::Duration as Wait;

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;

use super::{Finding, Sentence, Standing, checkpoint, kept};
use crate::role::Role;
use crate::settings::{Settings, Storage};
use crate::stores::{ComposeError, Found, Purpose};

const DATABASES: &str = "state-databases";
const DISK: &str = "state-disk";
const BACKUP: &str = "state-backup";

/// How long a database may take to show that it takes writes.
const READY_WAIT: Wait = Wait::from_secs(5);
/// Below this a day's work may fill the disk.
const FREE_BYTES_LOW: u64 = 1024 * 1024 * 1024;
/// Below this nothing should be begun.
const FREE_BYTES_MIN: u64 = 200 * 1024 * 1024;
/// A backup of the last night is younger.
const BACKUP_HOURS_MAX: i64 = 36;
/// Older than this it is no safety any more.
const BACKUP_DAYS_MAX: i64 = 7;

/// Opens everything as a start does, and says what a start would do.
pub(super) async fn look(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    let looked = async {
        let found = Found::open(&settings.storage, settings.roles(), Purpose::Work).await?;
        let all = match secret_fits(&found, settings) {
            Ok(()) => measured(&found.databases(), clock).await,
            Err(error) => Err(error),
        };
        let all = match all {
            Ok(all) => {
                let (_, retention) = kept::look(settings.periods, &found.databases(), clock).await;
                let checkpoints = checkpoint::look(&settings.audit, &found.databases(), clock).await;
                Ok([all, retention, checkpoints].concat())
            }
            refused => refused,
        };
        found.close().await;
        all
    };
    looked.await.unwrap_or_else(|error| vec![refused(&error)])
}

fn secret_fits(found: &Found, settings: &Settings) -> Result<(), ComposeError> {
    let root = found.secret(&settings.secret_file)?;
    if root.is_resealing() { Err(ComposeError::Resealing(settings.secret_file.clone())) } else { Ok(()) }
}

fn refused(error: &ComposeError) -> Finding {
    Finding::wanting(DATABASES, Standing::Bad, Sentence::cause(error), "state-do-databases")
}

/// The account that open databases give of themselves, and their sizes.
pub(crate) async fn of_open(databases: &[(Role, Db)], clock: &Clock) -> Vec<Finding> {
    for (role, db) in databases {
        let ready = tokio::time::timeout(READY_WAIT, db.ready()).await;
        let cause = match ready {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => Sentence::cause(&format!("{}: {error}", role.name())),
            Err(_) => Sentence::with("state-said-no-answer", [("seconds", READY_WAIT.as_secs().to_string())]),
        };
        return vec![Finding::wanting(DATABASES, Standing::Bad, cause, "state-do-writes")];
    }
    let mut all = measured(databases, clock).await.unwrap_or_else(|error| vec![refused(&error)]);
    for (role, db) in databases {
        let what = Sentence::with("state-size", [("name", role.name().to_owned())]);
        all.push(match db.bytes().await {
            Ok(bytes) => Finding::good(what, Sentence::with("state-said-size", [("size", size(bytes))])),
            Err(error) => Finding::wanting(what, Standing::Unknown, Sentence::cause(&error), "state-do-databases"),
        });
    }
    all
}

/// Whether they are of this version, and how old the last backup is.
async fn measured(databases: &[(Role, Db)], clock: &Clock) -> Result<Vec<Finding>, ComposeError> {
    let (mut pending, mut last, mut engine) = (0, None, "SQLite");
    for (at, (role, db)) in databases.iter().enumerate() {
        let failed = |e| ComposeError::Database(role.schema(), e);
        let own = db.pending(role.migrations()).await.map_err(failed)?;
        pending += own.len();
        if own.is_empty() && at == 0 {
            last = db.last_backup().await.map_err(failed)?;
        }
        if db.engine_name() == "postgres" {
            engine = "PostgreSQL";
        }
    }
    let names: Vec<_> = databases.iter().map(|(role, _)| role.name()).collect();
    let engine = ("engine", engine.to_owned());
    let finding = if pending == 0 {
        Finding::good(DATABASES, Sentence::with("state-said-databases", [engine, ("names", names.join(", "))]))
    } else {
        let said = Sentence::with("state-said-pending", [engine, ("count", pending.to_string())]);
        Finding::wanting(DATABASES, Standing::Soon, said, "state-do-migrate")
    };
    Ok(vec![finding, backup(last, clock.now())])
}

fn backup(last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Finding {
    let Some(last) = last else {
        return Finding::wanting(BACKUP, Standing::Bad, "state-said-no-backup", "state-do-backup");
    };
    let at = ("at", last.format("%Y-%m-%d %H:%M UTC").to_string());
    let said = Sentence::with("state-said-backup", [at, ("hours", (now - last).num_hours().to_string())]);
    let standing = match now - last {
        age if age > Duration::days(BACKUP_DAYS_MAX) => Standing::Bad,
        age if age > Duration::hours(BACKUP_HOURS_MAX) => Standing::Soon,
        _ => Standing::Good,
    };
    Finding::judged(BACKUP.into(), standing, said, "state-do-backup")
}

/// A size as people say it: a disk's in gigabytes.
fn size(bytes: u64) -> String {
    let (unit, name) = if bytes < 10_000_000_000 { (1_000_000, "MB") } else { (1_000_000_000, "GB") };
    format!("{}.{} {name}", bytes / unit, bytes / (unit / 10) % 10)
}

#[cfg(unix)]
fn free(dir: &Path) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    Some((disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize)))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<(u64, u64)> {
    None
}

/// The free space of the folder; that of a server is not seen from here.
pub(super) fn disk_of(storage: &Storage) -> Finding {
    let Storage::Files(dir) = storage else {
        return Finding::wanting(DISK, Standing::Unknown, "state-said-disk-elsewhere", "state-do-disk-elsewhere");
    };
    let Some((free, all)) = free(dir) else {
        return Finding::wanting(DISK, Standing::Unknown, "state-said-disk-unknown", "state-do-disk");
    };
    let said = Sentence::with("state-said-disk", [("free", size(free)), ("all", size(all))]);
    let standing = match free {
        free if free < FREE_BYTES_MIN => Standing::Bad,
        free if free < FREE_BYTES_LOW => Standing::Soon,
        _ => Standing::Good,
    };
    Finding::judged(DISK.into(), standing, said, "state-do-disk")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_size_is_told_in_a_unit_that_fits_it() {
        let told = [0, 812_449_999, 9_999_900_000, 10_000_000_000, 47_334_100_000].map(size);
        assert_eq!(told, ["0.0 MB", "812.4 MB", "9999.9 MB", "10.0 GB", "47.3 GB"]);
    }

    #[test]
    fn a_backup_grows_old() {
        let now: DateTime<Utc> = "2026-11-29T08:00:00Z".parse().unwrap();
        let of = |hours| backup(Some(now - Duration::hours(hours)), now).standing;
        assert_eq!(
            [of(0), of(36), of(37), of(7 * 24), of(7 * 24 + 1)],
            [Standing::Good, Standing::Good, Standing::Soon, Standing::Soon, Standing::Bad]
        );
        assert_eq!(backup(None, now).standing, Standing::Bad);
    }
}
