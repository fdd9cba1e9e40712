//! `sanbao erasures`: the list of those who were erased, which outlives a restore of an older backup, and is applied to one.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;

use sanbao_booking::account::person::erasure::{self, Erasure};
use sanbao_booking::consult::ConsultId;
use sanbao_needs_analysis::request::erased;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;
use sanbao_platform::db::copy::Snapshot;
use sanbao_signalling::erased as rooms;

use super::backup::private;
use super::{KeepingError, is_current};
use crate::cli_keeping::ErasuresArgs;
use crate::command_error::CommandError;
use crate::folder;
use crate::role::Role;
use crate::settings::Storage;
use crate::stores::{Found, Purpose};

fn of(databases: &[(Role, Db)], role: Role) -> Option<&Db> {
    databases.iter().find(|(other, _)| *other == role).map(|(_, db)| db)
}

/// The databases of a network with the schema of this program.
async fn opened(storage: &Storage) -> Result<Found, CommandError> {
    let found = Found::open(storage, Role::ALL, Purpose::Work).await?;
    let databases = found.databases();
    let dbs: Vec<Db> = databases.iter().map(|(_, db)| db.clone()).collect();
    let mut snapshots = Snapshot::of(&dbs).await.map_err(KeepingError::from)?;
    is_current(&databases, &mut snapshots).await?;
    Ok(found)
}

/// Writes the list into a new file, a line each; may run beside the server.
pub async fn export(args: &ErasuresArgs) -> Result<(), CommandError> {
    let (storage, _) = args.store.storage()?;
    if args.file.exists() {
        return Err(KeepingError::Exists(args.file.clone()).into());
    }
    let found = opened(&storage).await?;
    let databases = found.databases();
    let list = match of(&databases, Role::Booking) {
        Some(db) => erasure::all(db).await.map_err(KeepingError::from)?,
        None => Vec::new(),
    };
    let failed = |e: io::Error| KeepingError::File(args.file.clone(), e);
    let mut file = private(&args.file)?;
    for erasure in &list {
        let line = serde_json::to_string(erasure).map_err(|e| failed(e.into()))?;
        writeln!(file, "{line}").map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    found.close().await;
    let mut out = io::stdout().lock();
    writeln!(out, "{} erased people are in {}; keep it apart from the backups", list.len(), args.file.display())?;
    Ok(out.flush()?)
}

/// Applies a list to a stopped network, and writes its databases anew, so that no page keeps what was taken out.
pub async fn apply(args: &ErasuresArgs) -> Result<(), CommandError> {
    let list = read(&args.file)?;
    let (storage, _) = args.store.storage()?;
    let _claim = match &storage {
        Storage::Files(dir) => Some(folder::claim_stopped(dir)?),
        Storage::Postgres(_) => None,
    };
    let found = opened(&storage).await?;
    let rows = applied(&found.databases(), &list).await?;
    found.close().await;
    let mut out = io::stdout().lock();
    writeln!(out, "{} people of the list are erased here; {rows} rows were taken out or emptied", list.len())?;
    Ok(out.flush()?)
}

/// The list of a file. A line that was changed since it was written is refused.
pub(super) fn read(file: &Path) -> Result<Vec<Erasure>, KeepingError> {
    let failed = |e| KeepingError::File(file.to_owned(), e);
    let mut list = Vec::new();
    for (n, line) in BufReader::new(File::open(file).map_err(failed)?).lines().enumerate() {
        let line = line.map_err(failed)?;
        let read = serde_json::from_str::<Erasure>(&line).ok().filter(|erasure| erasure.hashed() == erasure.hash);
        list.push(read.ok_or_else(|| KeepingError::Erasure(file.to_owned(), n + 1))?);
    }
    Ok(list)
}

/// Empties the rooms of consults; how many rows.
async fn emptied(databases: &[(Role, Db)], consults: &[ConsultId]) -> Result<u64, KeepingError> {
    let Some(db) = of(databases, Role::Signalling) else { return Ok(0) };
    let mut rows = 0;
    for consult in consults {
        rows += rooms::apply(db, consult.0).await?;
    }
    Ok(rows)
}

/// Takes everybody of a list out of these databases, and writes them anew; how many rows.
pub(super) async fn applied(databases: &[(Role, Db)], list: &[Erasure]) -> Result<u64, KeepingError> {
    let now = Clock::system().now();
    let mut rows = 0;
    for erasure in list {
        if let Some(db) = of(databases, Role::Booking) {
            let (taken, consults) = erasure::apply(db, erasure).await?;
            rows += taken + emptied(databases, &consults).await?;
        }
        if let Some(db) = of(databases, Role::NeedsAnalysis) {
            for record in erasure.records.iter() {
                rows += erased::apply(db, *record, erasure.erased_at, now).await? as u64;
            }
        }
    }
    for (_, db) in databases {
        db.compact().await?;
    }
    Ok(rows)
}
