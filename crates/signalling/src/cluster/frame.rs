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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::id::{ConsultId, Epoch};
    use crate::room::{Past, RoomLimits};

    const NODE: NodeId = NodeId(7);

    fn id(n: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(n)
    }

    fn commands() -> Vec<Command> {
        let open = Command::Open {
            epoch: Epoch(id(1)),
            past: Box::new(Past::default()),
            limits: Box::new(RoomLimits::default()),
        };
        vec![open, Command::Tick, Command::NodeGone { node: NodeId(u64::MAX) }]
    }

    fn committed(entry: Bytes) -> Committed {
        Committed { position: Position(12), previous: Position(11), entry }
    }

    #[test]
    fn what_was_written_is_read_and_its_writer_knows_it_again() {
        let head = Head { kind: Kind::Opening, node: NODE, batch: 5, previous: Position(10) };
        let at = DateTime::from_timestamp_micros(1_763_899_200_000_001).unwrap();
        let encoded: Vec<Bytes> = commands().iter().map(|c| command(c).unwrap()).collect();
        let committed = committed(head.batch(at, &encoded));
        let seen = heard(NODE, &committed).unwrap();
        assert_eq!((seen.position, seen.before, seen.previous), (Position(12), Position(11), Position(10)));
        assert_eq!((seen.kind, seen.own), (Kind::Opening, Some(5)));
        assert_eq!(heard(NodeId(8), &committed).unwrap().own, None);
        let entry = seen.body.entry().unwrap();
        assert_eq!((entry.at, entry.node, entry.batch, entry.commands), (at, NODE, 5, commands()));
    }

    #[test]
    fn a_snapshot_is_the_whole_replica() {
        let mut replica = Replica::new(ConsultId(id(3)));
        let entry = Entry { v: ENTRY_VERSION, at: DateTime::UNIX_EPOCH, node: NODE, batch: 1, commands: commands() };
        replica.apply_entry(Position(9), &entry, &mut Vec::new());
        let head = Head { kind: Kind::Snapshot, node: NODE, batch: 6, previous: Position(9) };
        let seen = heard(NODE, &committed(head.snapshot(&replica).unwrap())).unwrap();
        assert_eq!(seen.kind, Kind::Snapshot);
        let read = seen.body.replica().unwrap();
        assert_eq!((read.position(), read.epoch()), (Position(9), Some(Epoch(id(1)))));
    }

    #[test]
    fn what_another_version_or_a_stranger_wrote_is_refused_and_never_half_read() {
        let head = Head { kind: Kind::Batch, node: NODE, batch: 5, previous: Position(10) };
        let good = head.batch(DateTime::UNIX_EPOCH, &[command(&Command::Tick).unwrap()]);
        for len in 0..good.len() {
            let cut = heard(NODE, &committed(good.slice(..len))).and_then(|seen| seen.body.entry());
            assert!(cut.is_err() || len == HEAD_BYTES + 8, "{len}: an entry without commands is one");
        }
        for (at, byte) in [(0, 2), (1, 3)] {
            let mut other = good.to_vec();
            other[at] = byte;
            assert!(heard(NODE, &committed(other.into())).is_err());
        }
        let mut other = good.to_vec();
        other.push(0xc1); // never used in MessagePack
        assert!(heard(NODE, &committed(other.into())).unwrap().body.entry().is_err());
    }
}
