//! `sanbao reseal`: a new key for fields at rest, and everything that is sealed under it. The network is stopped
//! meanwhile, because nobody is found by an index that is half of one key and half of another.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use sanbao_booking::account::person::reseal as people;
use sanbao_booking::account::second_factor::reseal as factors;
use sanbao_needs_analysis::request::reseal as requests;
use sanbao_platform::config::RootSecret;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::DbError;
use sanbao_platform::reseal::{self, Indexes, Report};

use crate::cli::StoreArgs;
use crate::command_error::CommandError;
use crate::folder;
use crate::needs::bar;
use crate::role::Role;
use crate::settings::Storage;
use crate::stores::{ComposeError, Stores};

/// The services that seal anything.
const ROLES: &[Role] = &[Role::Booking, Role::NeedsAnalysis];

/// Carries the command out; the code is 1 if a value cannot be read.
pub async fn run(store: &StoreArgs) -> Result<ExitCode, CommandError> {
    let (storage, secret_file) = store.storage()?;
    let _claim = match &storage {
        Storage::Files(dir) if !dir.join("booking.db").exists() => {
            return Err(CommandError::Refused("there is no booking.db in the data folder: give --data-dir"));
        }
        Storage::Files(dir) => Some(folder::claim_stopped(dir)?),
        Storage::Postgres(_) => None,
    };
    let secret = |e| ComposeError::Secret(secret_file.clone(), e);
    let stores = Stores::open(&storage, ROLES).await?;
    let root = RootSecret::begin_reseal(&secret_file).map_err(secret)?;
    let report = all(&stores, &root.fields()).await;
    stores.close().await;
    let report = report?;
    root.finish_reseal(&secret_file).map_err(secret)?;
    told(&mut io::stdout().lock(), &report, &secret_file)?;
    Ok(if report.unreadable == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Both passes over everything.
async fn all(stores: &Stores, keys: &FieldKeys) -> Result<Report, CommandError> {
    let booking = stores.of(Role::Booking)?;
    let needs = stores.of(Role::NeedsAnalysis)?;
    let failed = |e: DbError| CommandError::Service("sealing anew", e.to_string());
    let bar = bar("values");
    let progress = |done: u64, all: u64| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let mut indexes = Indexes::default();
    for (db, column) in [(booking, &people::NATIONAL_IDS), (booking, &people::PAPERS), (needs, &requests::NATIONAL_IDS)]
    {
        reseal::learn(db, keys, column, &mut indexes, progress).await.map_err(failed)?;
    }
    let mut report = Report::default();
    for (db, column) in [
        (booking, &people::NATIONAL_IDS),
        (booking, &people::PAPERS),
        (needs, &requests::NATIONAL_IDS),
        (needs, &requests::ELDERS),
    ] {
        report = report.and(reseal::renew(db, keys, column, &indexes, progress).await.map_err(failed)?);
    }
    report =
        report.and(reseal::renew(booking, keys, &factors::SECOND_FACTORS, &indexes, progress).await.map_err(failed)?);
    report = report.and(requests::renew_person_keys(needs, keys, progress).await.map_err(failed)?);
    for db in [booking, needs] {
        report = report.and(reseal::renew_outbox(db, &indexes, progress).await.map_err(failed)?);
    }
    bar.finish_and_clear();
    Ok(report)
}

fn told(out: &mut impl io::Write, report: &Report, secret_file: &Path) -> io::Result<()> {
    let Report { seen, renewed, unreadable, unknown } = report;
    writeln!(
        out,
        "{renewed} of {seen} rows renewed, {unreadable} cannot be read, {unknown} indexes of no known value"
    )?;
    writeln!(out, "{} holds the new key: keep a copy, and give one to each process", secret_file.display())
}
