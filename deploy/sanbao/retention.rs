//! `sanbao retention`: what is kept no longer, told or taken away; and the one that takes it away from each service.

use std::io::{self, Write as _};
use std::process::ExitCode;

use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use sanbao_platform::db::copy::Snapshot;
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::retention::{Disposer, Outcome, Period, Periods, Planned, Refusal, Run};

use crate::cli_retention::RetentionArgs;
use crate::command_error::CommandError;
use crate::keeping::is_current;
use crate::role::Role;
use crate::stores::{ComposeError, Found, Purpose};

/// Those that take things away from these databases. The relay is told by booking, and has none of its own.
pub(crate) fn disposers(databases: &[(Role, Db)], clock: &Clock, periods: Periods) -> Vec<Disposer> {
    let of = |(role, db): &(Role, Db)| match role {
        Role::Booking => Some(sanbao_booking::retention::disposer(db.clone(), clock.clone(), periods)),
        Role::NeedsAnalysis => {
            Some(sanbao_needs_analysis::request::retention::disposer(db.clone(), clock.clone(), periods))
        }
        Role::Signalling => None,
    };
    databases.iter().filter_map(of).collect()
}

/// Carries the command out; the code is 1 where something could not be taken away.
pub async fn run(args: &RetentionArgs) -> Result<ExitCode, CommandError> {
    let failed = |e: DbError| CommandError::Service("what is kept no longer", e.to_string());
    let settings = args.serve.settings()?;
    let found = Found::open(&settings.storage, settings.roles(), Purpose::Work).await?;
    let secret = &settings.secret_file;
    let root = RootSecret::load_at(secret).map_err(|e| ComposeError::Secret(secret.clone(), e))?;
    found.is_of(&root.marks(), secret)?;
    let databases = found.databases();
    let dbs: Vec<Db> = databases.iter().map(|(_, db)| db.clone()).collect();
    let mut snapshots = Snapshot::of(&dbs).await.map_err(failed)?;
    is_current(&databases, &mut snapshots).await?;
    drop(snapshots);
    let mut is_whole = true;
    for mut disposer in disposers(&databases, &Clock::system(), settings.periods) {
        disposer.clock_is_right = args.clock_is_right;
        if args.apply {
            // What fails here keeps nothing of the others.
            is_whole &= match applied(&disposer).await {
                Ok(written) => written?,
                Err(error) => {
                    writeln!(io::stdout().lock(), "{}: failed: {error}", disposer.service)?;
                    false
                }
            };
        } else {
            told(&disposer, &disposer.planned().await.map_err(failed)?)?;
        }
    }
    found.close().await;
    if !args.apply {
        writeln!(io::stdout().lock(), "nothing was taken away; --apply takes it away now")?;
    }
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A period as it is said.
fn said(period: Period) -> String {
    match period {
        Period::Years(years) => format!("{years} years"),
        Period::Days(days) => format!("{days} days"),
    }
}

fn told(disposer: &Disposer, planned: &[Planned]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for Planned { class, period, years } in planned {
        let (service, class, all) = (disposer.service, class.as_str(), years.values().sum::<u64>());
        writeln!(out, "{service}: {class}, kept for {}: {all} are kept no longer", said(*period))?;
        for (year, count) in years {
            writeln!(out, "  {year}: {count}")?;
        }
    }
    Ok(())
}

/// Takes it away; whether everything went.
async fn applied(disposer: &Disposer) -> Result<io::Result<bool>, DbError> {
    if let Some(refusal) = disposer.refusal().await? {
        return Ok(refused(disposer, refusal));
    }
    let runs = disposer.run_now().await?;
    Ok(written(disposer, &runs))
}

fn refused(disposer: &Disposer, refusal: Refusal) -> io::Result<bool> {
    let remedy = match refusal {
        Refusal::HoldsUnknown => "let both services run until it has, and try again",
        Refusal::ClockAhead(_) => "put the clock right, or say --clock-is-right if it is",
    };
    writeln!(io::stdout().lock(), "{}: nothing was taken away: {refusal}; {remedy}", disposer.service)?;
    Ok(false)
}

fn written(disposer: &Disposer, runs: &[Run]) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    if runs.len() < disposer.disposals.len() {
        writeln!(out, "{}: another process is at work on some of it", disposer.service)?;
    }
    for run in runs {
        let (service, class, outcome) = (disposer.service, run.class.as_str(), run.outcome.as_str());
        writeln!(out, "{service}: {class}: {} taken away ({outcome})", run.removed)?;
    }
    Ok(runs.iter().all(|run| run.outcome == Outcome::Done))
}
