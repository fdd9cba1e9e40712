//! `sanbao restore`: a backup becomes a network in an empty place.

use std::fs::File;
use std::io::{self, BufReader, Write as _};

use sanbao_platform::archive::{ArchiveError, Reader};
use sanbao_platform::config::RootSecret;
use sanbao_platform::retention::Periods;

use super::backup::Record;
use super::erased;
use super::fill::Filling;
use super::{KeepingError, passphrase};
use crate::cli_keeping::RestoreArgs;
use crate::command_error::CommandError;
use crate::role::Role;

type Archive = Reader<BufReader<File>>;

fn next(archive: &mut Archive) -> Result<Record, KeepingError> {
    Ok(archive.read()?)
}

/// Carries the command out.
pub async fn restore(args: &RestoreArgs) -> Result<(), CommandError> {
    let (storage, secret_file) = args.store.storage()?;
    let passphrase = passphrase(&args.passphrase)?;
    let file = File::open(&args.file).map_err(|e| KeepingError::File(args.file.clone(), e))?;
    let mut archive = Reader::open(BufReader::new(file), &passphrase).map_err(KeepingError::from)?;
    let Record::Network { version, at, secret, applied } = next(&mut archive)? else {
        return Err(KeepingError::Shape("it does not begin with the network").into());
    };
    if applied.len() != Role::ALL.len() {
        return Err(KeepingError::Shape("it is of other services").into());
    }
    let root = RootSecret::of_file_text(&secret).map_err(|e| KeepingError::Archive(ArchiveError::Io(e)))?;
    let erasures = args.erasures.as_deref().map(|list| erased::read(list, &root)).transpose()?;
    let mut filling = Filling::begin(&storage, &root, &secret_file, &applied).await?;
    take(&mut archive, &mut filling).await?;
    let periods = args.keep.periods(Periods::default().audit_days);
    let gone = erasures.as_deref().map(|list| (list, periods));
    let rows = filling.finish(&root, &secret_file, gone).await?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{rows} rows are restored, of {at} by version {version}; the root secret is {}",
        secret_file.display()
    )?;
    if let Some(erasures) = &erasures {
        writeln!(out, "{} people who were erased are erased here, too", erasures.len())?;
    }
    Ok(out.flush()?)
}

/// Takes every record to the last.
async fn take(archive: &mut Archive, filling: &mut Filling) -> Result<(), KeepingError> {
    for (at, role) in Role::ALL.iter().enumerate() {
        if at == 0 {
            match next(archive)? {
                Record::Database(name) if name == role.name() => {}
                _ => return Err(KeepingError::Shape("a database is not where it belongs")),
            }
        }
        filling.enter(at).await?;
        loop {
            match next(archive)? {
                Record::Table(table, rows) => filling.table(&table, rows).await?,
                Record::Rows(rows) => {
                    for row in rows {
                        filling.row(row).await?;
                    }
                }
                Record::Database(name) if Role::ALL.get(at + 1).is_some_and(|next| next.name() == name) => break,
                Record::End if at + 1 == Role::ALL.len() => break,
                _ => return Err(KeepingError::Shape("a record is not where it belongs")),
            }
        }
        filling.leave().await?;
    }
    Ok(())
}
