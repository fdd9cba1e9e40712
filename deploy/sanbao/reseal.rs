//! `sanbao reseal`: a new key for fields at rest, and everything that is sealed under it. The network is stopped
//! meanwhile, because nobody is found by an index that is half of one key and half of another.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use sanbao_booking::account::person::import::reseal as imported;
use sanbao_booking::account::person::{care, reseal as people};
use sanbao_booking::account::second_factor::reseal as factors;
use sanbao_booking::consult::draft::store as drafts;
use sanbao_needs_analysis::request::reseal as requests;
use sanbao_platform::clock::Clock;
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
use crate::stores::{ComposeError, Found, Purpose, Stores};

/// The services that seal anything.
const ROLES: &[Role] = &[Role::Booking, Role::NeedsAnalysis];

/// Carries the command out; the code is 1 if a value cannot be read.
pub async fn run(store: &StoreArgs) -> Result<ExitCode, CommandError> {
    let (storage, secret_file) = store.storage()?;
    let _claim = match &storage {
        Storage::Files(dir) => Some(folder::claim_stopped(dir)?),
        Storage::Postgres(_) => None,
    };
    let secret = |e| ComposeError::Secret(secret_file.clone(), e);
    let found = Found::open(&storage, ROLES, Purpose::Work).await?;
    let before = RootSecret::load_at(&secret_file).map_err(secret)?;
    found.is_of(&before.marks(), &secret_file)?;
    let root = RootSecret::begin_reseal(&secret_file).map_err(secret)?;
    // Marked before anything is sealed under the new key: from here on no older copy of the secret is enough.
    let stores = found.migrate(&root.marks(), Clock::system().now()).await?;
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
        (booking, &imported::KEPT),
        (booking, &care::SEALED),
        (booking, &drafts::SEALED),
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
