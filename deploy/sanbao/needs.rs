//! `sanbao needs-analysis …`: work on requests and counts from the command line, beside a running server or
//! without one. Progress goes to standard error and only to a terminal; results to standard output.

use std::io::{self, Write as _};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use sanbao_needs_analysis::import::{self, ImportOptions, Report};
use sanbao_needs_analysis::rollup;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::DbError;

use crate::cli::{ImportArgs, StoreArgs, VerifyArgs};
use crate::command_error::CommandError;
use crate::compose::Parts;
use crate::role::Role;
use crate::settings::{Settings, Storage};

/// Differences that are printed; more are only counted.
const DIFFERENCES_SHOWN_MAX: usize = 50;

/// The parts of a process that serves nothing.
pub(crate) async fn open(store: &StoreArgs) -> Result<Parts, CommandError> {
    let (storage, secret_file) = store.storage()?;
    if let Storage::Files(dir) = &storage
        && !dir.join("needs-analysis.db").exists()
    {
        return Err(CommandError::Refused("there is no needs-analysis.db in the data folder: give --data-dir"));
    }
    let settings = Settings::offline(storage, secret_file);
    Ok(Parts::open(&settings, &[Role::NeedsAnalysis], Clock::system()).await?)
}

/// A bar on standard error; nothing at all where that is no terminal.
pub(crate) fn bar(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(what);
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {elapsed}, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// Compares every kept count with the requests; the code is 1 if one differs.
pub async fn verify(args: &VerifyArgs) -> Result<ExitCode, CommandError> {
    let failed = |e: DbError| CommandError::Service("the needs-analysis database", e.to_string());
    let parts = open(&args.store).await?;
    let db = parts.stores.of(Role::NeedsAnalysis)?;
    let bar = bar("months");
    let progress = |done: u64, all: u64| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let compared = if args.repair { rollup::repair(db, progress).await } else { rollup::verify(db, progress).await };
    bar.finish_and_clear();
    let report = compared.map_err(failed)?;
    parts.stores.close().await;
    let mut out = io::stdout().lock();
    for difference in report.differences.iter().take(DIFFERENCES_SHOWN_MAX) {
        writeln!(out, "{}", serde_json::to_string(difference).unwrap_or_default())?;
    }
    let found = report.differences.len();
    let word = if args.repair { "mended" } else { "found" };
    writeln!(out, "{} months, {} cells: {found} differences {word}", report.months, report.cells)?;
    Ok(if found == 0 || args.repair { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Imports a file as the operator: everywhere. The code is 1 if a row was bad; the good ones are in.
pub async fn import(args: &ImportArgs) -> Result<ExitCode, CommandError> {
    let failed = |e: &dyn std::fmt::Display| CommandError::Service("the import", e.to_string());
    let file = std::fs::File::open(&args.file).map_err(|e| failed(&e))?;
    let parts = open(&args.store).await?;
    let app = parts.needs_app()?;
    let options = ImportOptions {
        source: args.source.clone(),
        file_name: args.file.file_name().map(|n| n.to_string_lossy().into_owned()),
        dry_run: args.dry_run,
        actor: None,
        request_id: "command line".to_owned(),
        dialling_code: args.dialling_code.clone(),
    };
    let bar = bar("rows");
    let progress = |done: u64, all: u64| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let deps = &app.deps;
    let report = import::run(&deps.db, &deps.clock, &deps.fields, file, &options, progress).await;
    bar.finish_and_clear();
    parts.stores.close().await;
    let r = report.map_err(|e| failed(&e))?;
    let told = || -> io::Result<()> {
        let mut out = io::stdout().lock();
        for e in &r.errors {
            let value = e.value.as_deref().unwrap_or_default();
            writeln!(out, "{}:{}: {} {}  {value}", e.row, e.column, e.code, e.reason)?;
        }
        let (kind, hidden) =
            (if r.dry_run { "tried" } else { "imported" }, r.error_count - i64::try_from(r.errors.len()).unwrap_or(0));
        if hidden > 0 {
            writeln!(out, "… and {hidden} more")?;
        }
        let Report { total, created, updated, unchanged, failed, other, ended, .. } = &r;
        writeln!(
            out,
            "{kind} {total} rows: {created} new, {updated} updated, {unchanged} unchanged, {failed} bad, {other} of unknown category, {ended} of ended requests left"
        )
    };
    told().map_err(CommandError::Output)?;
    Ok(if r.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
