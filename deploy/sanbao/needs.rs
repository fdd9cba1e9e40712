//! `sanbao needs-analysis …`: work on requests and counts from the command line, beside a running server or
//! without one. Progress goes to standard error and only to a terminal; results to standard output.

use std::io::{self, Write as _};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use sanbao_needs_analysis::import::{self, ImportOptions, Importer, Report};
use sanbao_needs_analysis::request::directory::{self, Organisation};
use sanbao_needs_analysis::rollup;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::DbError;
use sanbao_platform::lang::Lang;

use crate::cli::StoreArgs;
use crate::cli_needs::{ImportArgs, VerifyArgs};
use crate::command_error::CommandError;
use crate::compose::{Parts, Purpose};
use crate::role::Role;
use crate::settings::Settings;

/// Differences that are printed; more are only counted.
const DIFFERENCES_SHOWN_MAX: usize = 50;

/// The parts of a process that serves nothing.
pub(crate) async fn open(store: &StoreArgs) -> Result<Parts, CommandError> {
    let (storage, secret_file) = store.storage()?;
    let settings = Settings::offline(storage, secret_file);
    Ok(Parts::open(&settings, &[Role::NeedsAnalysis], Purpose::Work, Clock::system()).await?)
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

/// The street office that an operator means, with the area that it governs.
fn office(offices: &[Organisation], wanted: Option<&str>) -> Result<Importer, CommandError> {
    let wanted = wanted.map(str::trim);
    let named = |o: &&Organisation| {
        wanted.is_none_or(|w| o.id.to_string().eq_ignore_ascii_case(w) || o.name_zh == w || o.name_en == w)
    };
    let found: Vec<_> = offices.iter().filter(named).collect();
    let choices = || {
        let lines = offices.iter().map(|o| format!("\n  {}  {} ({})", o.id, o.name_zh, o.name_en));
        lines.collect::<String>()
    };
    let refused = |why: &str| Err(CommandError::Organisation(format!("{why}{}", choices())));
    match (found.as_slice(), wanted) {
        ([office], _) => match &office.area_code {
            Some(area) => Ok(Importer::Operator { office: office.id, area: area.clone() }),
            None => refused("this street office has no area, so no request can be its own:"),
        },
        _ if offices.is_empty() => Err(CommandError::Organisation(
            "no street office is known here yet: set one up, and let booking and needs-analysis run once".to_owned(),
        )),
        ([], _) => refused("--organisation names no street office; there are:"),
        (_, Some(_)) => refused("--organisation is the name of several street offices; give the id:"),
        (_, None) => refused("there are several street offices: say by --organisation whose source it is:"),
    }
}

/// Imports a file for a street office, within the area that it governs. The code is 1 if a row was bad; the good ones are in.
pub async fn import(args: &ImportArgs) -> Result<ExitCode, CommandError> {
    let failed = |e: &dyn std::fmt::Display| CommandError::Service("the import", e.to_string());
    let file = std::fs::File::open(&args.file).map_err(|e| failed(&e))?;
    let parts = open(&args.store).await?;
    let app = parts.needs_app()?;
    let offices = directory::offices(&mut app.deps.db.read().await.map_err(|e| failed(&e))?).await;
    let importer = office(&offices.map_err(|e| failed(&e))?, args.organisation.as_deref())?;
    let options = ImportOptions {
        source: args.source.clone(),
        file_name: args.file.file_name().map(|n| n.to_string_lossy().into_owned()),
        dry_run: args.dry_run,
        importer,
        request_id: "command line".to_owned(),
        dialling_code: args.dialling_code.clone(),
        lang: Lang::Zh,
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
        for e in r.errors.iter().chain(&r.warnings) {
            let value = e.value.as_deref().unwrap_or_default();
            writeln!(out, "{}:{}: {} {}  {value}", e.row, e.column, e.code, e.reason)?;
        }
        let told_of = i64::try_from(r.errors.len() + r.warnings.len()).unwrap_or(0);
        let (kind, hidden) = (if r.dry_run { "tried" } else { "imported" }, r.error_count + r.warning_count - told_of);
        if hidden > 0 {
            writeln!(out, "… and {hidden} more")?;
        }
        for heading in &r.notes.unused {
            writeln!(out, "column not used: {heading}")?;
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

#[cfg(test)]
mod tests {
    use sanbao_needs_analysis::area::AreaCode;
    use sanbao_platform::id::OrganisationId;

    use super::*;

    fn organisation(id: u128, name_zh: &str, area: Option<&str>) -> Organisation {
        Organisation {
            id: OrganisationId(uuid::Uuid::from_u128(id)),
            name_zh: name_zh.to_owned(),
            name_en: "Office".to_owned(),
            area_code: area.and_then(|code| AreaCode::parse(code).ok()),
        }
    }

    #[test]
    fn an_operator_says_for_which_office_unless_there_is_one() {
        let (first, second) = (organisation(1, "甲街道", Some("1")), organisation(2, "乙街道", Some("2")));
        let both = [first.clone(), second.clone()];
        let chosen = |offices: &[Organisation], wanted: Option<&str>| match office(offices, wanted) {
            Ok(importer) => importer.organisation().to_string(),
            Err(error) => error.to_string(),
        };
        let (one, two) = (first.id.to_string(), second.id.to_string());
        assert_eq!(chosen(&both[..1], None), one);
        assert_eq!(chosen(&both, Some(&two)), two);
        assert_eq!(chosen(&both, Some("乙街道")), two);
        for (wanted, why) in [(None, "--organisation"), (Some("丙街道"), "names no"), (Some("Office"), "several")] {
            let told = chosen(&both, wanted);
            assert!([why, "甲街道", one.as_str(), two.as_str()].iter().all(|part| told.contains(part)), "{told}");
        }
        assert!(chosen(&[], None).contains("no street office is known"));
        let nowhere = [organisation(3, "丙街道", None)];
        assert!(chosen(&nowhere, None).contains("no area"));
    }
}
