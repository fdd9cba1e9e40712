//! The databases with their secret, the disk, and the age of the last backup.

use std::path::Path;

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::clock::Clock;

use super::{Finding, Standing};
use crate::role::Role;
use crate::settings::{Settings, Storage};
use crate::stores::{ComposeError, Found, Purpose};

const DATABASES: &str = "数据库 databases";
const DISK: &str = "磁盘 disk";
const BACKUP: &str = "备份 backup";

/// Below this a day's work may fill the disk.
const FREE_BYTES_LOW: u64 = 1024 * 1024 * 1024;
/// Below this nothing should be begun.
const FREE_BYTES_MIN: u64 = 200 * 1024 * 1024;
/// A backup of the last night is younger.
const BACKUP_HOURS_MAX: i64 = 36;
/// Older than this it is no safety any more.
const BACKUP_DAYS_MAX: i64 = 7;

pub(super) async fn look(settings: &Settings) -> Vec<Finding> {
    let mut all = databases(settings).await;
    if let Storage::Files(dir) = &settings.storage {
        all.push(disk(dir));
    }
    all
}

/// Opens everything as a start does, tries a write, and says what a start would do.
async fn databases(settings: &Settings) -> Vec<Finding> {
    match opened(settings).await {
        Ok((finding, last)) => vec![finding, backup(last, Clock::system().now())],
        Err(error) => vec![Finding::wanting(
            DATABASES,
            Standing::Bad,
            error.to_string(),
            "按上面的提示处理后再启动",
            "do what the line above says before the next start",
        )],
    }
}

async fn opened(settings: &Settings) -> Result<(Finding, Option<DateTime<Utc>>), ComposeError> {
    let found = Found::open(&settings.storage, settings.roles(), Purpose::Work).await?;
    let looked = async {
        let root = found.secret(&settings.secret_file)?;
        if root.is_resealing() {
            return Err(ComposeError::Resealing(settings.secret_file.clone()));
        }
        let (mut pending, mut last) = (0, None);
        for (role, db) in found.databases() {
            let failed = |e| ComposeError::Database(role.schema(), e);
            let own = db.pending(role.migrations()).await.map_err(failed)?;
            pending += own.len();
            if own.is_empty() && role == settings.roles()[0] {
                last = db.last_backup().await.map_err(failed)?;
            }
        }
        Ok((pending, last))
    };
    let looked = looked.await;
    found.close().await;
    let (pending, last) = looked?;
    let engine = match settings.storage {
        Storage::Files(_) => "SQLite",
        Storage::Postgres(_) => "PostgreSQL",
    };
    let names: Vec<_> = settings.roles().iter().map(|role| Role::name(*role)).collect();
    let finding = if pending == 0 {
        Finding::good(DATABASES, format!("{engine}, {}, under their secret, of this version", names.join(", ")))
    } else {
        Finding::wanting(
            DATABASES,
            Standing::Soon,
            format!("{engine}: {pending} migrations have not run yet"),
            "先备份，再运行 sanbao migrate 或重新启动",
            "make a backup, then run sanbao migrate or restart",
        )
    };
    Ok((finding, last))
}

fn backup(last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Finding {
    let (zh, en) = ("运行 sanbao backup，并让它每晚运行", "run sanbao backup, and have it run each night");
    let Some(last) = last else {
        return Finding::wanting(BACKUP, Standing::Bad, "none was ever made", zh, en);
    };
    let said = format!("{} ({} h ago)", last.format("%Y-%m-%d %H:%M UTC"), (now - last).num_hours());
    if now - last > Duration::days(BACKUP_DAYS_MAX) {
        Finding::wanting(BACKUP, Standing::Bad, said, zh, en)
    } else if now - last > Duration::hours(BACKUP_HOURS_MAX) {
        Finding::wanting(BACKUP, Standing::Soon, said, zh, en)
    } else {
        Finding::good(BACKUP, said)
    }
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

fn disk(dir: &Path) -> Finding {
    let (zh, en) = ("腾出空间，或换到更大的磁盘", "make room, or move to a larger disk");
    match free(dir) {
        None => Finding::wanting(DISK, Standing::Unknown, "its free space cannot be read", zh, en),
        Some((free, all)) => {
            let said = format!("{} MB of {} MB are free", free / 1_000_000, all / 1_000_000);
            if free < FREE_BYTES_MIN {
                Finding::wanting(DISK, Standing::Bad, said, zh, en)
            } else if free < FREE_BYTES_LOW {
                Finding::wanting(DISK, Standing::Soon, said, zh, en)
            } else {
                Finding::good(DISK, said)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

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
