//! The commands by which a network is kept: `backup` of a running one, `restore` into an empty place, `move-to-postgres`,
//! `erasures`.
//!
//! All three move rows in one form ([`Cell`](sanbao_platform::db::copy::Cell)), so that a backup of one engine is restored into the
//! other. What is copied is read again where it was written, and its sum is compared, before any of it can be served.

mod backup;
mod erased;
mod fill;
mod restore;
mod rooms;
mod to_postgres;

use std::fs;
use std::io;
use std::path::PathBuf;

use sanbao_platform::archive::ArchiveError;
use sanbao_platform::db::copy::{CopyError, Snapshot};
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::lifecycle::StepError;
use sanbao_platform::nats::NatsError;

use crate::cli_keeping::{PASSPHRASE, PassphraseArgs};
use crate::role::Role;

pub use backup::back_up;
pub use erased::{apply as apply_erasures, export as export_erasures};
pub use restore::restore;
pub use to_postgres::move_to_postgres;

/// Characters of a passphrase at least.
const PASSPHRASE_CHARS_MIN: usize = 12;

/// Why a network was not kept or brought back.
#[derive(Debug, thiserror::Error)]
pub enum KeepingError {
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    #[error(
        "the passphrase has fewer than {PASSPHRASE_CHARS_MIN} characters: a backup holds everything, so give a long one"
    )]
    ShortPassphrase,
    #[error("there is no passphrase: give --passphrase-file, or put it into {PASSPHRASE}")]
    NoPassphrase,
    #[error("another restore is at work on {0}: let it end")]
    AtWork(PathBuf),
    #[error("{0} is there already: give the name of a new file")]
    Exists(PathBuf),
    #[error(
        "{0} holds something: restore into a folder that is empty or not there, or into a database without a network"
    )]
    NotEmpty(String),
    #[error("{0} is the secret of another network: give --secret-file a place where there is none")]
    OtherSecret(PathBuf),
    #[error(
        "the {database} database has the schema {schema}, and this program another ({known}): keep a network with the version that \
         serves it"
    )]
    OtherSchema {
        database: &'static str,
        /// The newest migration that was applied.
        schema: i64,
        /// The newest that this program knows.
        known: i64,
    },
    #[error(
        "the databases did not come to a moment at which what each has heard fits what the others have said; try again, and if it stays \
         so, they are of different times"
    )]
    NoMoment,
    #[error(
        "{table} of the {database} database was not copied whole: {copied} of {rows} rows; nothing is kept of the copy"
    )]
    NotWhole { database: &'static str, table: String, copied: u64, rows: u64 },
    #[error("{0}, line {1}: no proof of an erasure, or one that was changed since it was written")]
    Erasure(PathBuf, usize),
    #[error(
        "{0} is no whole list of the erased of this network: take one that `erasures export` has written to its end"
    )]
    ErasureList(PathBuf),
    #[error(
        "{person} was erased, and is joined here with records that were not: {strangers}. Nothing was taken out. Undo that join \
         in this database, or in one that is restored without the list if this is none yet, and apply the list then"
    )]
    Joined {
        /// The id that is left of somebody.
        person: String,
        /// The other records.
        strangers: String,
    },
    #[error(transparent)]
    Step(#[from] StepError),
    #[error(transparent)]
    Nats(#[from] NatsError),
    #[error("the backup is not as one is written: {0}")]
    Shape(&'static str),
}

impl From<DbError> for KeepingError {
    fn from(error: DbError) -> Self {
        Self::Copy(error.into())
    }
}

/// The passphrase that was given: in a file, or by the environment alone.
fn passphrase(args: &PassphraseArgs) -> Result<String, KeepingError> {
    let text = match &args.passphrase_file {
        Some(file) => fs::read_to_string(file).map_err(|e| KeepingError::File(file.clone(), e))?,
        None => std::env::var(PASSPHRASE).map_err(|_| KeepingError::NoPassphrase)?,
    };
    let line = text.lines().next().unwrap_or_default().trim_end();
    if line.chars().count() < PASSPHRASE_CHARS_MIN {
        return Err(KeepingError::ShortPassphrase);
    }
    Ok(line.to_owned())
}

/// The migrations of each database, which are exactly those of this program.
pub(crate) async fn is_current(
    databases: &[(Role, Db)],
    snapshots: &mut [Snapshot],
) -> Result<Vec<Vec<i64>>, KeepingError> {
    let mut all = Vec::with_capacity(databases.len());
    for ((role, db), snapshot) in databases.iter().zip(snapshots) {
        let (applied, known) = (snapshot.applied().await?, db.known(role.migrations()));
        if applied != known {
            let newest = |all: &[i64]| all.last().copied().unwrap_or(0);
            let (schema, known) = (newest(&applied), newest(&known));
            return Err(KeepingError::OtherSchema { database: role.schema(), schema, known });
        }
        all.push(applied);
    }
    Ok(all)
}
