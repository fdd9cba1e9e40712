//! `sanbao verify`: everything that a network keeps twice, held against itself; beside a running server or without one.

use std::io::{self, Write as _};
use std::process::ExitCode;

use sanbao_needs_analysis::rollup;
use sanbao_platform::config::RootSecret;
use sanbao_platform::db::copy::Snapshot;
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::verify::{Checked, NAMED_MAX};

use crate::cli::StoreArgs;
use crate::command_error::CommandError;
use crate::keeping::is_current;
use crate::needs::bar;
use crate::role::Role;
use crate::stores::{ComposeError, Found, Purpose};

/// Tells each promise and whether it is kept; the code is 1 where one is not. Nothing is written.
pub async fn run(store: &StoreArgs) -> Result<ExitCode, CommandError> {
    let failed = |e: DbError| CommandError::Service("verifying", e.to_string());
    let (storage, secret_file) = store.storage()?;
    let found = Found::open(&storage, Role::ALL, Purpose::Work).await?;
    let root = RootSecret::load_at(&secret_file).map_err(|e| ComposeError::Secret(secret_file.clone(), e))?;
    found.is_of(&root.marks(), &secret_file)?;
    let databases = found.databases();
    let dbs: Vec<Db> = databases.iter().map(|(_, db)| db.clone()).collect();
    let mut snapshots = Snapshot::of(&dbs).await.map_err(failed)?;
    is_current(&databases, &mut snapshots).await?;
    drop(snapshots);
    let mut kept = true;
    for (role, db) in &databases {
        let checked = match role {
            Role::Booking => sanbao_booking::verify::verify(db).await.map_err(failed)?,
            Role::NeedsAnalysis => sanbao_needs_analysis::verify::verify(db).await.map_err(failed)?,
            Role::Signalling => Vec::new(),
        };
        for one in &checked {
            kept &= one.broken.is_empty();
            told(*role, one)?;
        }
        if *role == Role::NeedsAnalysis {
            kept &= counts(db).await?;
        }
    }
    found.close().await;
    let mut out = io::stdout().lock();
    writeln!(out, "the chains of the audit logs are verified by `sanbao audit verify`")?;
    out.flush()?;
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told(role: Role, Checked { promise, broken }: &Checked) -> io::Result<()> {
    let (mut out, name) = (io::stdout().lock(), role.name());
    if broken.is_empty() {
        return writeln!(out, "{name}: {promise}");
    }
    let many = if broken.len() > NAMED_MAX { format!("more than {NAMED_MAX}") } else { broken.len().to_string() };
    writeln!(out, "{name}: NOT KEPT: {promise}; {many} rows:")?;
    broken.iter().take(NAMED_MAX).try_for_each(|id| writeln!(out, "  {id}"))
}

async fn counts(db: &Db) -> Result<bool, CommandError> {
    let bar = bar("months");
    let progress = |done: u64, all: u64| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let compared = rollup::verify(db, progress).await;
    bar.finish_and_clear();
    let report = compared.map_err(|e| CommandError::Service("verifying the counts", e.to_string()))?;
    let (name, promise) = (Role::NeedsAnalysis.name(), "a count is the number of its requests");
    let mut out = io::stdout().lock();
    match report.differences.len() {
        0 => writeln!(out, "{name}: {promise}")?,
        found => writeln!(
            out,
            "{name}: NOT KEPT: {promise}; {found} differ: `sanbao needs-analysis verify` names them, and mends them with --repair"
        )?,
    }
    Ok(report.differences.is_empty())
}
