//! `sanbao migrate`: the schemas of a network brought to this version, apart from serving it, or what that would do.

use std::io::{self, Write as _};

use sanbao_platform::clock::Clock;

use crate::cli_keeping::MigrateArgs;
use crate::command_error::CommandError;
use crate::compose::{ComposeError, Found, Purpose};
use crate::folder;
use crate::role::Role;
use crate::settings::Storage;

/// Tells the migrations that have not run yet, and runs them unless it is a dry run.
pub async fn run(args: &MigrateArgs) -> Result<(), CommandError> {
    let (storage, secret_file) = args.store.storage()?;
    let _claim = match &storage {
        Storage::Files(dir) if !args.dry_run && dir.exists() => Some(folder::claim_stopped(dir)?),
        _ => None,
    };
    let found = Found::open(&storage, Role::ALL, Purpose::Work).await?;
    let mut out = io::stdout().lock();
    let mut left = 0;
    for (role, db) in found.databases() {
        let pending = db.pending(role.migrations()).await.map_err(|e| ComposeError::Database(role.schema(), e))?;
        left += pending.len();
        match &pending[..] {
            [] => writeln!(out, "{}: nothing to do", role.name())?,
            pending => writeln!(out, "{}: {} to run: {}", role.name(), pending.len(), pending.join(", "))?,
        }
    }
    if args.dry_run || left == 0 {
        found.close().await;
        return Ok(out.flush()?);
    }
    let root = found.secret(&secret_file)?;
    let stores = found.migrate(&root.marks(), Clock::system().now()).await?;
    stores.close().await;
    writeln!(out, "{left} have run")?;
    Ok(out.flush()?)
}
