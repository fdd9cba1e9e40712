//! The logs of rooms, which a network that is served apart keeps in NATS alone. A part of a backup, and of a restore.
//!
//! Streams of events are not carried: each is a copy of an outbox, which stands in a database, and is filled again from there.

use std::io::{self, Write as _};

use sanbao_booking::consult::ConsultId;
use sanbao_platform::bus::StreamLog;
use sanbao_platform::db::Db;
use sanbao_platform::db::copy::Snapshot;
use sanbao_platform::nats::carry::{self, Carried, StreamFill, StreamReader};
use sanbao_platform::nats::{Nats, NatsError};
use sanbao_signalling::id::ConsultId as RoomId;
use sanbao_signalling::log::JetStreamLog;

use super::KeepingError;
use super::backup::{Archive, CUTS_MAX, Record, cut};
use crate::cli_network::NatsArgs;
use crate::command_error::CommandError;
use crate::role::Role;

/// Bytes of entries that stand in one record, beside the last of them.
const RECORD_BYTES_MAX: usize = 64 * 1024;

/// The NATS of the network, if it is told of.
pub(super) async fn nats(args: &NatsArgs) -> Result<Option<Nats>, CommandError> {
    let Some(config) = args.nats()? else { return Ok(None) };
    Ok(Some(Nats::connect(&config, "sanbao").await.map_err(KeepingError::from)?))
}

/// The name of their stream.
pub(super) fn stream(nats: &Nats) -> String {
    JetStreamLog::stream(nats).name
}

/// Writes the logs of all rooms into the archive up to the moment of the databases, whose snapshots these are. How many entries;
/// `None` where this NATS has no such stream.
///
/// A room's log is cut short behind its snapshot when what stood there is written down in the database. So what the databases of
/// a moment lack is in the log as it was then: what is read before that moment, and of the rest whatever no longer stands there
/// makes it a moment too late.
pub(super) async fn write(
    nats: &Nats,
    databases: &[(Role, Db)],
    archive: &mut Archive,
) -> Result<(Vec<Snapshot>, Option<u64>), KeepingError> {
    let name = stream(nats);
    carry::refuse_unfinished(nats, &name).await?;
    archive.write(&Record::Stream(name.clone()))?;
    let (mut reader, mut entries) = (StreamReader::new(nats, &name), 0);
    for _ in 0..CUTS_MAX {
        read_on(&mut reader, archive, &mut entries).await?;
        let snapshots = cut(databases).await?;
        if read_on(&mut reader, archive, &mut entries).await? {
            archive.write(&Record::StreamEnd(reader.last()))?;
            return Ok((snapshots, reader.is_there().then_some(entries)));
        }
    }
    Err(KeepingError::NoMoment)
}

/// Whether nothing had gone between what was read before and what is read now.
async fn read_on(reader: &mut StreamReader, archive: &mut Archive, entries: &mut u64) -> Result<bool, KeepingError> {
    let (mut messages, mut bytes) = (Vec::new(), 0);
    let each = async |message: Carried| {
        *entries += 1;
        bytes += message.payload.len();
        messages.push(message);
        if bytes > RECORD_BYTES_MAX {
            bytes = 0;
            archive.write(&Record::Messages(std::mem::take(&mut messages)))?;
        }
        Ok::<_, KeepingError>(())
    };
    let is_whole = reader.read_on(each).await?;
    if !messages.is_empty() {
        archive.write(&Record::Messages(messages))?;
    }
    Ok(is_whole)
}

/// Refuses a NATS in which something of a network stands: its events are of another time than the databases that are restored.
pub(super) async fn refuse_full(nats: &Nats) -> Result<(), NatsError> {
    carry::refuse_full(nats, &stream(nats)).await?;
    for role in Role::ALL {
        carry::refuse_full(nats, &StreamLog::new(role.name(), nats.clone()).stream_name()).await?;
    }
    Ok(())
}

/// The rooms' logs of a backup on their way to a NATS, or past it where none is told of.
#[derive(Debug)]
pub(super) struct RoomsFilling {
    fill: Option<StreamFill>,
    /// How many entries the backup has.
    pub(super) entries: u64,
}

/// Takes out the rooms of these consults, and lets relays use the stream; how many entries.
pub(super) async fn take_out(nats: &Nats, consults: &[ConsultId]) -> Result<u64, KeepingError> {
    let subjects: Vec<String> = consults.iter().map(|id| JetStreamLog::subject_of(RoomId(id.0))).collect();
    Ok(carry::take_out(nats, JetStreamLog::stream(nats), &subjects).await?.unwrap_or_default())
}

impl RoomsFilling {
    /// Makes the stream anew.
    pub(super) async fn begin(nats: Option<&Nats>) -> Result<Self, KeepingError> {
        let fill = match nats {
            Some(nats) => Some(StreamFill::begin(nats, JetStreamLog::stream(nats)).await?),
            None => None,
        };
        Ok(Self { fill, entries: 0 })
    }

    /// Takes entries.
    pub(super) async fn take(&mut self, messages: &[Carried]) -> Result<(), KeepingError> {
        self.entries += messages.len() as u64;
        if let Some(fill) = &mut self.fill {
            for message in messages {
                fill.write(message).await?;
            }
        }
        Ok(())
    }

    /// Ends the stream where it ended, and compares it with what was taken.
    pub(super) async fn end(&mut self, last: u64) -> Result<(), KeepingError> {
        if let Some(fill) = &mut self.fill {
            fill.end(last).await?;
        }
        Ok(())
    }

    /// Keeps relays from it until [`take_out`].
    pub(super) async fn hold(&self) -> Result<(), KeepingError> {
        if let Some(fill) = &self.fill {
            fill.hold().await?;
        }
        Ok(())
    }

    /// Lets relays use it.
    pub(super) async fn release(&mut self) -> Result<(), KeepingError> {
        if let Some(fill) = self.fill.take() {
            fill.release().await?;
        }
        Ok(())
    }

    /// Leaves nothing of it.
    pub(super) async fn give_up(self) {
        if let Some(fill) = self.fill
            && let Err(error) = fill.give_up().await
        {
            let _ = writeln!(io::stderr(), "the next restore takes the half filled stream away: {error}");
        }
    }
}
