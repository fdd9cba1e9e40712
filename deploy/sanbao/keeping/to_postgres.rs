//! `sanbao move-to-postgres`: a stopped network of files becomes one on a server.

use std::io::{self, Write as _};

use sanbao_platform::db::copy::Snapshot;

use super::fill::Filling;
use super::{KeepingError, is_current};
use crate::cli_keeping::MoveArgs;
use crate::command_error::CommandError;
use crate::folder;
use crate::role::Role;
use crate::settings::Storage;
use crate::stores::{Found, Purpose};

/// Carries the command out. The folder stays as it is.
pub async fn move_to_postgres(args: &MoveArgs) -> Result<(), CommandError> {
    let secret_file = args.secret_file.clone().unwrap_or_else(|| args.data_dir.join("secret.json"));
    folder::refuse_demo(&args.data_dir)?;
    let from = Storage::Files(args.data_dir.clone());
    let found = Found::open(&from, Role::ALL, Purpose::Work).await?;
    let _claim = folder::claim_stopped(&args.data_dir)?;
    let root = found.secret(&secret_file)?;
    let databases = found.databases();
    let dbs: Vec<_> = databases.iter().map(|(_, db)| db.clone()).collect();
    let mut snapshots = Snapshot::of(&dbs).await.map_err(KeepingError::from)?;
    let applied = is_current(&databases, &mut snapshots).await?;
    let to = Storage::Postgres(args.database_url.clone());
    let mut filling = Filling::begin(&to, &root, &secret_file, &applied).await?;
    for (at, snapshot) in snapshots.iter_mut().enumerate() {
        filling.enter(at).await?;
        for table in snapshot.tables().await.map_err(KeepingError::from)? {
            filling.table(&table, snapshot.count(&table).await.map_err(KeepingError::from)?).await?;
            snapshot.rows(&table, async |row| filling.row(row).await).await?;
        }
        filling.leave().await?;
    }
    let (rows, _) = filling.finish(&root, &secret_file, None).await?;
    found.close().await;
    let mut out = io::stdout().lock();
    writeln!(out, "{rows} rows are on the server, each table compared with its source. The folder is as it was.")?;
    writeln!(out, "Serve it with --database-url and --secret-file {}", secret_file.display())?;
    Ok(out.flush()?)
}
