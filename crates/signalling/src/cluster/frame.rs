//! An entry of a shared log as bytes: what every reader needs to judge it in front, then what it holds.
//!
//! `version (1) | kind (1) | node (8) | batch (8) | previous (8) | body`, numbers big-endian. The body of a
//! batch is `at in microseconds (8)`, then each command in `MessagePack` with named fields; that of a snapshot is
//! the replica so. A reader that does not know a version cannot follow the room, and says so.

use bytes::{BufMut as _, Bytes};
use chrono::{DateTime, Utc};
use serde::Deserialize as _;

use super::driver::{Heard, Kind};
use crate::id::NodeId;
use crate::log::{Committed, Position};
use crate::replica::Replica;
use crate::room::{Command, ENTRY_VERSION, Entry};

/// The version of the form that this code writes.
const VERSION: u8 = 1;
/// Bytes before the body.
const HEAD_BYTES: usize = 26;

/// An entry cannot be read here: another version of this program wrote it, or somebody who should not.
#[derive(Debug, thiserror::Error)]
#[error("an entry of a room's log cannot be read: {0}")]
pub(crate) struct Unreadable(String);

/// Who writes an entry, after which, and how it knows it again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) node: NodeId,
    pub(crate) batch: u64,
    pub(crate) previous: Position,
}

impl Head {
    fn begin(self, body_bytes: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + 8 + body_bytes);
        out.put_u8(VERSION);
        out.put_u8(match self.kind {
            Kind::Opening => 0,
            Kind::Batch => 1,
            Kind::Snapshot => 2,
        });
        out.put_u64(self.node.0);
        out.put_u64(self.batch);
        out.put_u64(self.previous.0);
        out
    }

    /// An entry of commands, each as [`command`] made it.
    pub(crate) fn batch(self, at: DateTime<Utc>, commands: &[Bytes]) -> Bytes {
        let mut out = self.begin(commands.iter().map(Bytes::len).sum());
        out.put_i64(at.timestamp_micros());
        for command in commands {
            out.extend_from_slice(command);
        }
        out.into()
    }

    /// An entry that is the whole replica.
    pub(crate) fn snapshot(self, replica: &Replica) -> Result<Bytes, Unreadable> {
        let mut out = self.begin(1024);
        rmp_serde::encode::write_named(&mut out, replica).map_err(|e| Unreadable(e.to_string()))?;
        Ok(out.into())
    }
}

/// A command as it stands in a batch.
pub(crate) fn command(command: &Command) -> Result<Bytes, Unreadable> {
    rmp_serde::to_vec_named(command).map(Bytes::from).map_err(|e| Unreadable(e.to_string()))
}

/// What the driver needs to know of an entry; its body stays bytes.
pub(crate) fn heard(node: NodeId, committed: &Committed) -> Result<Heard<Body>, Unreadable> {
    let bytes = &committed.entry;
    let (Some([version, kind]), Some(body)) = (bytes.get(..2), bytes.get(HEAD_BYTES..)) else {
        return Err(Unreadable("it is too short".to_owned()));
    };
    let number = |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes);
    let kind = match (*version, *kind) {
        (VERSION, 0) => Kind::Opening,
        (VERSION, 1) => Kind::Batch,
        (VERSION, 2) => Kind::Snapshot,
        (version, kind) => return Err(Unreadable(format!("version {version}, kind {kind}"))),
    };
    let (writer, batch, previous) = (NodeId(number(2)), number(10), Position(number(18)));
    let own = (writer == node).then_some(batch);
    let body = Body { node: writer, batch, bytes: bytes.slice_ref(body) };
    Ok(Heard { position: committed.position, before: committed.previous, previous, own, kind, body })
}

/// What an entry holds, not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    node: NodeId,
    batch: u64,
    bytes: Bytes,
}

impl Body {
    /// The commands.
    pub(crate) fn entry(&self) -> Result<Entry, Unreadable> {
        let Some((at, mut rest)) = self.bytes.split_first_chunk() else {
            return Err(Unreadable("it has no time".to_owned()));
        };
        let at = DateTime::from_timestamp_micros(i64::from_be_bytes(*at));
        let at = at.ok_or_else(|| Unreadable("its time is none".to_owned()))?;
        let mut commands = Vec::new();
        while !rest.is_empty() {
            let mut reader = rmp_serde::Deserializer::new(&mut rest);
            commands.push(Command::deserialize(&mut reader).map_err(|e| Unreadable(e.to_string()))?);
        }
        Ok(Entry { v: ENTRY_VERSION, at, node: self.node, batch: self.batch, commands })
    }

    /// The replica.
    pub(crate) fn replica(&self) -> Result<Replica, Unreadable> {
        let replica: Replica = rmp_serde::from_slice(&self.bytes).map_err(|e| Unreadable(e.to_string()))?;
        if replica.is_readable() { Ok(replica) } else { Err(Unreadable("a snapshot of another version".to_owned())) }
    }
}
