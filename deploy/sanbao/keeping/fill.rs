//! An empty place that takes a network's rows and becomes one only when all of them stand there.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use sanbao_booking::account::person::erasure::Erasure;
use sanbao_booking::consult::ConsultId;
use sanbao_platform::config::RootSecret;
use sanbao_platform::db::Db;
use sanbao_platform::db::copy::{Cell, Digest, Sink, Table, matched};
use sanbao_platform::retention::Periods;

use super::{KeepingError, erased};
use crate::command_error::CommandError;
use crate::folder::{self, Holds};
use crate::needs::bar;
use crate::role::Role;
use crate::settings::Storage;
use crate::stores::{ComposeError, Found, Purpose};

/// The end of the name of a folder that is being filled.
const FILLING: &str = "filling";

/// A place that is being filled. Dropped before [`finish`](Self::finish), it leaves nothing that could be served.
pub(super) struct Filling {
    storage: Storage,
    _lock: Option<Lock>,
    databases: Vec<(Role, Db)>,
    sink: Sink,
    /// The database that is being filled, and its tables.
    at: usize,
    own: Vec<Table>,
    /// The table that is being filled, with the rows that it has so far.
    table: Option<(Table, u64, Digest)>,
    bar: ProgressBar,
    rows: u64,
}

/// The folder in which a network is put together before it is moved to its place.
fn workshop(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(FILLING);
    dir.with_file_name(name)
}

/// A folder that others keep away from until this is dropped.
type Lock = File;

/// Whether nothing is there that would be lost; what an earlier try left beside it is taken away, unless it still works.
fn prepared(storage: &Storage) -> Result<(Storage, Option<Lock>), KeepingError> {
    let Storage::Files(dir) = storage else { return Ok((storage.clone(), None)) };
    let failed = |e| KeepingError::File(dir.clone(), e);
    if folder::holds(dir).map_err(failed)? != Holds::Nothing {
        return Err(KeepingError::NotEmpty(dir.display().to_string()));
    }
    let workshop = workshop(dir);
    let failed = |e| KeepingError::File(workshop.clone(), e);
    fs::create_dir_all(&workshop).map_err(failed)?;
    let lock = File::open(&workshop).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(KeepingError::AtWork(workshop)),
        Err(TryLockError::Error(e)) => return Err(failed(e)),
    }
    // The folder itself stays: it is what is locked.
    for entry in fs::read_dir(&workshop).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        let removed = if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        removed.map_err(failed)?;
    }
    Ok((Storage::Files(workshop), Some(lock)))
}

/// Makes a renamed folder durable where it stands now.
fn synced(dir: &Path) -> io::Result<()> {
    let above = dir.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(dir)?.sync_all()?;
    File::open(above)?.sync_all()
}

impl Filling {
    /// Makes the databases of a new network at `storage`, with these migrations of each.
    pub(super) async fn begin(
        storage: &Storage,
        root: &RootSecret,
        secret_file: &Path,
        applied: &[Vec<i64>],
    ) -> Result<Self, CommandError> {
        is_free_for(root, secret_file)?;
        let (place, lock) = prepared(storage)?;
        let found = Found::open(&place, Role::ALL, Purpose::Serve).await?;
        if found.is_used() {
            return Err(KeepingError::NotEmpty("the database of --database-url".to_owned()).into());
        }
        let databases = found.databases();
        for ((role, db), applied) in databases.iter().zip(applied) {
            let migrated = db.migrate_to(role.migrations(), applied).await;
            migrated.map_err(|e| ComposeError::Database(role.schema(), e))?;
        }
        let with_schema: Vec<_> = databases.iter().map(|(role, db)| (db.clone(), role.schema())).collect();
        let sink = Sink::open(&with_schema).await.map_err(KeepingError::from)?;
        let storage = storage.clone();
        Ok(Self {
            storage,
            _lock: lock,
            databases,
            sink,
            at: 0,
            own: Vec::new(),
            table: None,
            bar: bar("rows"),
            rows: 0,
        })
    }

    /// Goes on with the next database: that of a service by its number in [`Role::ALL`].
    pub(super) async fn enter(&mut self, at: usize) -> Result<(), KeepingError> {
        self.end_table().await?;
        self.own = self.sink.enter(at).await?;
        self.at = at;
        Ok(())
    }

    /// Goes on with the next table, of which `rows` rows follow.
    pub(super) async fn table(&mut self, source: &Table, rows: u64) -> Result<(), KeepingError> {
        self.end_table().await?;
        self.bar.inc_length(rows);
        self.table = Some((matched(&self.own, source)?, rows, Digest::default()));
        Ok(())
    }

    /// Takes a row of the table.
    pub(super) async fn row(&mut self, row: Vec<Cell>) -> Result<(), KeepingError> {
        let (table, _, digest) = self.table.as_mut().ok_or(KeepingError::Shape("a row before its table"))?;
        digest.take(table, &row);
        if digest.rows % 1_000 == 0 {
            self.bar.inc(1_000);
        }
        Ok(self.sink.write(table, row).await?)
    }

    /// Reads what was written of the table, and compares.
    async fn end_table(&mut self) -> Result<(), KeepingError> {
        let Some((table, rows, digest)) = self.table.take() else { return Ok(()) };
        let copied = self.sink.finish(&table).await?;
        if copied != digest || digest.rows != rows {
            let database = self.databases[self.at].0.schema();
            return Err(KeepingError::NotWhole { database, table: table.name, copied: copied.rows, rows });
        }
        self.rows += rows;
        Ok(())
    }

    /// Ends a database.
    pub(super) async fn leave(&mut self) -> Result<(), KeepingError> {
        self.end_table().await?;
        Ok(self.sink.leave().await?)
    }

    /// Makes it a network, with its secret beside it; how many rows it has, and the consults of the people of `erasures`. Until this
    /// returns, nothing of it is served: in a folder also those people are out of it before, on a server just after.
    pub(super) async fn finish(
        self,
        root: &RootSecret,
        secret_file: &Path,
        erasures: Option<(&[Erasure], Periods)>,
    ) -> Result<(u64, Vec<ConsultId>), KeepingError> {
        self.bar.finish_and_clear();
        let Storage::Files(dir) = &self.storage else {
            put_secret(root, secret_file)?;
            self.sink.commit().await?;
            let consults = without(&self.databases, erasures).await?;
            close(&self.databases).await;
            return Ok((self.rows, consults));
        };
        self.sink.commit().await?;
        let consults = without(&self.databases, erasures).await?;
        close(&self.databases).await;
        let workshop = workshop(dir);
        match secret_file.strip_prefix(dir) {
            Ok(inside) => put_secret(root, &workshop.join(inside))?,
            Err(_) => put_secret(root, secret_file)?,
        }
        // A folder that is empty gives way to another.
        fs::rename(&workshop, dir).and_then(|()| synced(dir)).map_err(|e| KeepingError::File(dir.clone(), e))?;
        Ok((self.rows, consults))
    }
}

/// Takes out those who were erased since, and tells their consults; the statements that do are of this program's schema.
async fn without(
    databases: &[(Role, Db)],
    erasures: Option<(&[Erasure], Periods)>,
) -> Result<Vec<ConsultId>, KeepingError> {
    let Some((erasures, periods)) = erasures else { return Ok(Vec::new()) };
    for (role, db) in databases {
        db.migrate(role.migrations()).await?;
    }
    Ok(erased::applied(databases, erasures, periods).await?.consults)
}

async fn close(databases: &[(Role, Db)]) {
    for (_, db) in databases {
        db.close().await;
    }
}

/// Whether the secret is there already; another one is refused.
fn is_free_for(root: &RootSecret, file: &Path) -> Result<bool, KeepingError> {
    if !file.exists() {
        return Ok(false);
    }
    let there = RootSecret::load_at(file).map_err(|e| KeepingError::File(file.to_owned(), e))?;
    if there.marks() == root.marks() { Ok(true) } else { Err(KeepingError::OtherSecret(file.to_owned())) }
}

fn put_secret(root: &RootSecret, file: &Path) -> Result<(), KeepingError> {
    if is_free_for(root, file)? {
        return Ok(());
    }
    root.save_new(file).map_err(|e| KeepingError::File(file.to_owned(), e))
}
