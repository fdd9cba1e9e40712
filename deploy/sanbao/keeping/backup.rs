//! `sanbao backup`: everything of one moment, in one sealed file.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use indicatif::ProgressBar;
use sanbao_platform::archive::{ArchiveError, Writer};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use sanbao_platform::db::copy::{Cell, Snapshot, Table};
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::nats::Nats;
use sanbao_platform::nats::carry::Carried;
use serde::{Deserialize, Serialize};

use super::{KeepingError, is_current, passphrase, rooms};
use crate::cli_keeping::BackupArgs;
use crate::command_error::CommandError;
use crate::folder;
use crate::needs::bar;
use crate::role::Role;
use crate::settings::Storage;
use crate::stores::{Found, Purpose};

/// Rows that stand in one record.
const ROWS_MAX: usize = 200;
/// How often the databases are looked at again until what each has heard fits what the others have said.
pub(super) const CUTS_MAX: u32 = 200;
/// How often it is tried to note that a backup was made.
const NOTE_TRIES_MAX: u32 = 5;
/// How long between two of these looks.
const CUT_PAUSE_MS: u64 = 5;

/// The records of a backup, in their order: the network, perhaps the rooms' logs in NATS, then each database with its tables, then
/// the end.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Record {
    /// The first.
    Network {
        /// The version that wrote it.
        version: String,
        at: DateTime<Utc>,
        /// The content of the secret file.
        secret: String,
        /// The migrations of each service.
        applied: Vec<Vec<i64>>,
    },
    /// The database of a service.
    Database(String),
    /// A table, and how many rows of it follow.
    Table(Table, u64),
    Rows(Vec<Vec<Cell>>),
    /// The last.
    End,
    /// The stream of the rooms' logs.
    Stream(String),
    /// Messages of it, in order.
    Messages(Vec<Carried>),
    /// Its last number.
    StreamEnd(u64),
}

/// Carries the command out, beside a running network or without one.
pub async fn back_up(args: &BackupArgs) -> Result<(), CommandError> {
    let (storage, secret_file) = args.store.storage()?;
    let passphrase = passphrase(&args.passphrase)?;
    let nats = rooms::nats(&args.nats).await?;
    if args.file.exists() {
        return Err(KeepingError::Exists(args.file.clone()).into());
    }
    if let Storage::Files(dir) = &storage {
        // Its log-ins are known to everybody, and nothing in a copy would say so.
        folder::refuse_demo(dir)?;
    }
    let found = Found::open(&storage, Role::ALL, Purpose::Work).await?;
    let root = found.secret(&secret_file)?;
    let part = beside(&args.file, "part");
    let at = Clock::system().now();
    let written = write(found.databases(), nats.as_ref(), &root, &part, &passphrase).await;
    let moved = written.and_then(|kept| {
        fs::rename(&part, &args.file).map_err(|e| KeepingError::File(args.file.clone(), e))?;
        Ok(kept)
    });
    let noted = if moved.is_ok() { note(&found, at).await } else { Ok(()) };
    found.close().await;
    let Kept { rows, rooms } = moved.inspect_err(|_| drop(fs::remove_file(&part)))?;
    if let Err(error) = noted {
        // The backup is whole all the same.
        writeln!(io::stderr(), "`sanbao check` will not know of this backup: {error}")?;
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{rows} rows and the root secret are in {}", args.file.display())?;
    match rooms {
        Rooms::Read(entries) => writeln!(out, "{entries} entries of rooms' logs are in it, too")?,
        Rooms::NoStream(name) => {
            writeln!(
                out,
                "No log of a room is in it: this NATS has no stream {name} (as it is before the first room)"
            )?;
        }
        Rooms::LeftOut => writeln!(out, "Logs of rooms in NATS are not in it: give --nats where services run apart")?,
    }
    Ok(out.flush()?)
}

/// How much was written.
struct Kept {
    rows: u64,
    rooms: Rooms,
}

/// The rooms' logs, as far as they were read.
enum Rooms {
    /// So many entries.
    Read(u64),
    /// NATS has no stream of this name.
    NoStream(String),
    /// Nothing, since NATS was not told of.
    LeftOut,
}

/// Lets `check` tell how old the last backup is. Others may be writing just now: then it is tried again.
async fn note(found: &Found, at: DateTime<Utc>) -> Result<(), DbError> {
    for (_, db) in found.databases() {
        let mut tries = 1;
        while let Err(error) = db.note_backup(at).await {
            if tries == NOTE_TRIES_MAX || !error.is_transient() {
                return Err(error);
            }
            tries += 1;
        }
    }
    Ok(())
}

/// A name beside a file's.
pub(super) fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(end);
    file.with_file_name(name)
}

/// A new file that only its owner reads.
pub(super) fn private(path: &Path) -> Result<File, KeepingError> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| KeepingError::File(path.to_owned(), e))
}

/// Snapshots of all databases at which nobody has heard what nobody has said.
pub(super) async fn cut(databases: &[(Role, Db)]) -> Result<Vec<Snapshot>, KeepingError> {
    let dbs: Vec<Db> = databases.iter().map(|(_, db)| db.clone()).collect();
    for _ in 0..CUTS_MAX {
        let mut snapshots = Snapshot::of(&dbs).await?;
        let mut bearings = Vec::with_capacity(snapshots.len());
        for snapshot in &mut snapshots {
            bearings.push(snapshot.bearings().await?);
        }
        let last = |publisher: &str| {
            let at = databases.iter().position(|(role, _)| role.name() == publisher);
            at.map(|at| bearings[at].last)
        };
        let mut heard = bearings.iter().flat_map(|b| &b.heard);
        if heard.all(|(publisher, position)| last(publisher).is_none_or(|last| *position <= last)) {
            return Ok(snapshots);
        }
        tokio::time::sleep(Duration::from_millis(CUT_PAUSE_MS)).await;
    }
    Err(KeepingError::NoMoment)
}

pub(super) type Archive = Writer<BufWriter<File>>;

/// Writes everything into a new file, durable when this returns.
async fn write(
    databases: Vec<(Role, Db)>,
    nats: Option<&Nats>,
    root: &RootSecret,
    file: &Path,
    passphrase: &str,
) -> Result<Kept, KeepingError> {
    let mut archive = Writer::begin(BufWriter::new(private(file)?), passphrase)?;
    let secret = root.to_file_text().map_err(ArchiveError::Io)?;
    let (mut snapshots, bar, mut rows) = (cut(&databases).await?, bar("rows"), 0);
    let applied = is_current(&databases, &mut snapshots).await?;
    let (version, at) = (env!("CARGO_PKG_VERSION").to_owned(), Clock::system().now());
    archive.write(&Record::Network { version, at, secret, applied })?;
    let mut rooms = Rooms::LeftOut;
    if let Some(nats) = nats {
        drop(snapshots);
        let (later, read) = rooms::write(nats, &databases, &mut archive).await?;
        snapshots = later;
        rooms = read.map_or_else(|| Rooms::NoStream(rooms::stream(nats)), Rooms::Read);
        is_current(&databases, &mut snapshots).await?;
    }
    for ((role, _), snapshot) in databases.iter().zip(&mut snapshots) {
        archive.write(&Record::Database(role.name().to_owned()))?;
        for table in snapshot.tables().await? {
            rows += write_table(snapshot, &table, &mut archive, &bar).await?;
        }
    }
    bar.finish_and_clear();
    archive.write(&Record::End)?;
    let out = archive.finish()?.into_inner().map_err(|e| ArchiveError::Io(e.into_error()))?;
    out.sync_all().map_err(ArchiveError::Io)?;
    Ok(Kept { rows, rooms })
}

async fn write_table(
    snapshot: &mut Snapshot,
    table: &Table,
    archive: &mut Archive,
    bar: &ProgressBar,
) -> Result<u64, KeepingError> {
    let all = snapshot.count(table).await?;
    bar.inc_length(all);
    archive.write(&Record::Table(table.clone(), all))?;
    let mut rows = Vec::with_capacity(ROWS_MAX);
    let each = async |row| {
        rows.push(row);
        if rows.len() == ROWS_MAX {
            bar.inc(ROWS_MAX as u64);
            archive.write(&Record::Rows(std::mem::take(&mut rows)))?;
        }
        Ok::<_, KeepingError>(())
    };
    snapshot.rows(table, each).await?;
    if !rows.is_empty() {
        archive.write(&Record::Rows(rows))?;
    }
    Ok(all)
}
