//! `sanbao restore`: a backup becomes a network in an empty place.

use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::path::Path;

use sanbao_booking::account::person::erasure::Erasure;
use sanbao_platform::archive::{ArchiveError, Reader};
use sanbao_platform::config::RootSecret;
use sanbao_platform::nats::Nats;
use sanbao_platform::retention::Periods;

use super::backup::Record;
use super::erased;
use super::fill::Filling;
use super::rooms::{self, RoomsFilling};
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
    let nats = rooms::nats(&args.nats).await?;
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
    if let Some(nats) = &nats {
        rooms::refuse_full(nats).await.map_err(KeepingError::from)?;
    }
    let filling = Filling::begin(&storage, &root, &secret_file, &applied).await?;
    let periods = args.keep.periods(Periods::default().audit_days);
    let gone = erasures.as_deref().map(|list| (list, periods));
    let (rows, of_rooms) =
        filled(&mut archive, filling, nats.as_ref(), Place { root, secret_file: &secret_file, gone }).await?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{rows} rows are restored, of {at} by version {version}; the root secret is {}",
        secret_file.display()
    )?;
    writeln!(out, "{of_rooms}")?;
    if let Some(erasures) = &erasures {
        writeln!(out, "{} people who were erased are erased here, too", erasures.len())?;
    }
    Ok(out.flush()?)
}

/// The parts of a network behind its rows.
struct Place<'a> {
    root: RootSecret,
    secret_file: &'a Path,
    /// Those who are not to be in it.
    gone: Option<(&'a [Erasure], Periods)>,
}

/// Fills databases and NATS, and makes a network of them; how many rows, and what is to be said of the rooms' logs.
async fn filled(
    archive: &mut Archive,
    mut filling: Filling,
    nats: Option<&Nats>,
    place: Place<'_>,
) -> Result<(u64, String), KeepingError> {
    let mut rooms = None;
    if let Err(error) = take(archive, &mut filling, nats, &mut rooms).await {
        if let Some(rooms) = rooms {
            rooms.give_up().await;
        }
        return Err(error);
    }
    let Place { root, secret_file, gone } = place;
    if let Some(rooms) = &mut rooms {
        // Until the rooms of the erased are out of it, no relay is to use it.
        if gone.is_some() { rooms.hold().await? } else { rooms.release().await? }
    }
    let (rows, consults) = filling.finish(&root, secret_file, gone).await?;
    let Some(rooms) = rooms else { return Ok((rows, "Logs of rooms in NATS are not in this backup".to_owned())) };
    let Some(nats) = nats else {
        let said =
            "entries of rooms' logs are in the backup and are not restored: give --nats where services run apart";
        return Ok((rows, format!("{} {said}", rooms.entries)));
    };
    let taken_out = if gone.is_some() { rooms::take_out(nats, &consults).await? } else { 0 };
    Ok((rows, format!("{} entries of rooms' logs are in NATS again", rooms.entries - taken_out)))
}

/// Takes every record to the last.
async fn take(
    archive: &mut Archive,
    filling: &mut Filling,
    nats: Option<&Nats>,
    rooms: &mut Option<RoomsFilling>,
) -> Result<(), KeepingError> {
    let mut record = next(archive)?;
    if let Record::Stream(_) = record {
        take_stream(archive, rooms.insert(RoomsFilling::begin(nats).await?)).await?;
        record = next(archive)?;
    }
    for (at, role) in Role::ALL.iter().enumerate() {
        match record {
            Record::Database(name) if name == role.name() => {}
            _ => return Err(KeepingError::Shape("a database is not where it belongs")),
        }
        filling.enter(at).await?;
        record = loop {
            match next(archive)? {
                Record::Table(table, rows) => filling.table(&table, rows).await?,
                Record::Rows(rows) => {
                    for row in rows {
                        filling.row(row).await?;
                    }
                }
                other => break other,
            }
        };
        filling.leave().await?;
    }
    if let Record::End = record { Ok(()) } else { Err(KeepingError::Shape("a record is not where it belongs")) }
}

/// Takes the rooms' logs.
async fn take_stream(archive: &mut Archive, rooms: &mut RoomsFilling) -> Result<(), KeepingError> {
    loop {
        match next(archive)? {
            Record::Messages(messages) => rooms.take(&messages).await?,
            Record::StreamEnd(last) => return rooms.end(last).await,
            _ => return Err(KeepingError::Shape("the rooms' logs have no end")),
        }
    }
}
