//! `sanbao audit verify`: the chains of the audit logs, beside a running server or without one.

use std::io;
use std::process::ExitCode;

use chrono::SecondsFormat;
use sanbao_platform::audit::chain::{Checkpoint, CheckpointFile, Verified, verify as verify_chain};
use sanbao_platform::config::RootSecret;
use sanbao_platform::db::copy::Snapshot;
use sanbao_platform::db::{Db, DbError};

use crate::cli_audit::AuditVerifyArgs;
use crate::command_error::CommandError;
use crate::keeping::is_current;
use crate::needs::bar;
use crate::role::Role;
use crate::stores::{ComposeError, Found, Purpose};

/// Faults that are printed; more are only counted.
const FAULTS_SHOWN_MAX: usize = 20;

/// Carries the command out; the code is 1 if a chain does not hold.
pub async fn verify(args: &AuditVerifyArgs) -> Result<ExitCode, CommandError> {
    let failed = |e: DbError| CommandError::Service("verifying the audit log", e.to_string());
    let (storage, secret_file) = args.store.storage()?;
    let checkpoints = args.checkpoints.as_ref().map_or_else(|| Ok(Vec::new()), |file| read(file))?;
    let roles = args.role.as_ref().map_or(Role::ALL, std::slice::from_ref);
    let found = Found::open(&storage, roles, Purpose::Work).await?;
    let root = RootSecret::load_at(&secret_file).map_err(|e| ComposeError::Secret(secret_file.clone(), e))?;
    found.is_of(&root.marks(), &secret_file)?;
    let databases = found.databases();
    // Nothing is written, and no schema is brought forward: it may be a running network's.
    let dbs: Vec<Db> = databases.iter().map(|(_, db)| db.clone()).collect();
    let mut snapshots = Snapshot::of(&dbs).await.map_err(failed)?;
    is_current(&databases, &mut snapshots).await?;
    drop(snapshots);
    let (key, mut holds) = (root.pruning_key(), true);
    for (role, db) in &databases {
        let bar = bar("audit rows");
        let progress = |done: u64, all: u64| {
            bar.set_length(all);
            bar.set_position(done);
        };
        let verified = verify_chain(db, role.name(), &checkpoints, &key, progress).await;
        bar.finish_and_clear();
        let verified = verified.map_err(failed)?;
        holds &= verified.faults_count == 0;
        told(&mut io::stdout().lock(), role.name(), &verified, args.checkpoints.is_some())?;
    }
    found.close().await;
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The checkpoints of a file. One without any is no file of checkpoints.
fn read(file: &std::path::Path) -> Result<Vec<Checkpoint>, CommandError> {
    let failed = |why: String| CommandError::Service("--checkpoints", format!("{}: {why}", file.display()));
    let (checkpoints, unreadable) = CheckpointFile::read(file).map_err(|e| failed(e.to_string()))?;
    if checkpoints.is_empty() {
        return Err(failed("there is no checkpoint in it".to_owned()));
    }
    for line in unreadable {
        eprintln!("sanbao: {}: line {line} is no checkpoint, and nothing is held against it", file.display());
    }
    Ok(checkpoints)
}

fn told(out: &mut impl io::Write, service: &str, verified: &Verified, with_checkpoints: bool) -> io::Result<()> {
    let Verified { rows, unlinked, pruned, checkpoints, checkpoints_pruned, faults_count, .. } = verified;
    let until = verified.until.map(|at| format!(", up to {}", at.to_rfc3339_opts(SecondsFormat::Secs, true)));
    write!(out, "{service}: {rows} rows{}", until.unwrap_or_default())?;
    if *pruned > 0 {
        write!(out, "; the first {pruned} were pruned")?;
    }
    if *unlinked > 0 {
        write!(out, "; {unlinked} of the last moments are not linked yet")?;
    }
    if with_checkpoints {
        write!(out, "; held against {checkpoints} checkpoints")?;
        if *checkpoints_pruned > 0 {
            write!(out, " ({checkpoints_pruned} more are of rows that were pruned)")?;
        }
    }
    match verified.first() {
        None => writeln!(out, ": the chain holds"),
        Some(first) => {
            writeln!(out, ": {faults_count} FAULTS; the first at {first}")?;
            for fault in verified.faults.iter().filter(|fault| *fault != first).take(FAULTS_SHOWN_MAX - 1) {
                writeln!(out, "  {fault}")?;
            }
            let hidden = faults_count.saturating_sub(FAULTS_SHOWN_MAX as u64);
            if hidden > 0 { writeln!(out, "  … and {hidden} more") } else { Ok(()) }
        }
    }?;
    out.flush()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use sanbao_platform::audit::chain::ChainFault;

    use super::*;

    #[test]
    fn the_first_fault_is_told_by_its_position_and_kind() {
        let faults = vec![ChainFault::Checkpoint { position: 9 }, ChainFault::Missing { from: 3, until: 4 }];
        let verified =
            Verified { rows: 8, unlinked: 2, checkpoints: 1, faults_count: 2, faults, ..Verified::default() };
        let mut out = Vec::new();
        told(&mut out, "booking", &verified, true).unwrap();
        let text = String::from_utf8(out).unwrap();
        let first = "2 FAULTS; the first at position 3: the row is missing";
        assert!(text.starts_with("booking: 8 rows") && text.contains(first), "{text}");
        assert!(text.contains("2 of the last moments") && text.contains("  position 9: the chain is not"), "{text}");
    }
}
