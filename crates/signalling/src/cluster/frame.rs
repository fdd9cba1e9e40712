//! An entry of a shared log as bytes: what every reader needs to judge it in front, then what it holds.
//!
//! `version (1) | kind (1) | node (8) | batch (8) | previous (8) | body`, numbers big-endian. The body of a
//! batch is `at in microseconds (8)`, then each command in `MessagePack` with named fields; that of a snapshot is
//! the replica so. The version is [`ENTRY_VERSION`]; a reader that does not know it cannot follow the room, and says so.

use bytes::{BufMut as _, Bytes};
use chrono::{DateTime, Utc};
use serde::Deserialize as _;

use super::driver::{EntryKind, LoggedEntry};
use crate::id::NodeId;
use crate::log::{Committed, Position};
use crate::replica::Replica;
use crate::room::{Command, ENTRY_VERSION, ENTRY_VERSION_MIN, Entry};

/// Bytes before the body.
const HEAD_BYTES: usize = 26;

/// An entry cannot be read here.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// A later version of this program wrote it.
    #[error("an entry of a room's log is of version {0}, and this program reads none after {ENTRY_VERSION}: update it")]
    Newer(u8),
    /// It is damaged, or of somebody who should not write here.
    #[error("an entry of a room's log cannot be read: {0}")]
    Broken(String),
}

impl Unreadable {
    fn broken(why: &impl ToString) -> Self {
        Self::Broken(why.to_string())
    }
}

/// The writer of an entry, the entry before it, and the mark by which the writer knows it again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryHead {
    pub(crate) kind: EntryKind,
    pub(crate) node: NodeId,
    pub(crate) batch: u64,
    pub(crate) previous: Position,
}

impl EntryHead {
    fn begin(self, body_bytes: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + 8 + body_bytes);
        out.put_u8(ENTRY_VERSION);
        out.put_u8(match self.kind {
            EntryKind::Opening => 0,
            EntryKind::Batch => 1,
            EntryKind::Snapshot => 2,
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
        rmp_serde::encode::write_named(&mut out, replica).map_err(|e| Unreadable::broken(&e))?;
        Ok(out.into())
    }
}

/// A command as it stands in a batch.
pub(crate) fn command(command: &Command) -> Result<Bytes, Unreadable> {
    rmp_serde::to_vec_named(command).map(Bytes::from).map_err(|e| Unreadable::broken(&e))
}

/// The facts of an entry that the driver needs; its body stays bytes.
pub(crate) fn logged(node: NodeId, committed: &Committed) -> Result<LoggedEntry<EntryBody>, Unreadable> {
    let bytes = &committed.entry;
    let (Some([version, kind]), Some(body)) = (bytes.get(..2), bytes.get(HEAD_BYTES..)) else {
        return Err(Unreadable::broken(&"it is too short"));
    };
    let number = |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes);
    // The version first: a later one may know kinds that this one takes for damage.
    let kind = match (*version, *kind) {
        (ENTRY_VERSION_MIN..=ENTRY_VERSION, 0) => EntryKind::Opening,
        (ENTRY_VERSION_MIN..=ENTRY_VERSION, 1) => EntryKind::Batch,
        (ENTRY_VERSION_MIN..=ENTRY_VERSION, 2) => EntryKind::Snapshot,
        (newer, _) if newer > ENTRY_VERSION => return Err(Unreadable::Newer(newer)),
        (version, kind) => return Err(Unreadable::broken(&format!("version {version}, kind {kind}"))),
    };
    let (writer, batch, previous) = (NodeId(number(2)), number(10), Position(number(18)));
    let own = (writer == node).then_some(batch);
    let body = EntryBody { version: *version, node: writer, batch, bytes: bytes.slice_ref(body) };
    Ok(LoggedEntry { position: committed.position, before: committed.previous, previous, own, kind, body })
}

/// The content of an entry, not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryBody {
    version: u8,
    node: NodeId,
    batch: u64,
    bytes: Bytes,
}

impl EntryBody {
    /// The commands.
    pub(crate) fn entry(&self) -> Result<Entry, Unreadable> {
        let Some((at, mut rest)) = self.bytes.split_first_chunk() else {
            return Err(Unreadable::broken(&"it has no time"));
        };
        let at = DateTime::from_timestamp_micros(i64::from_be_bytes(*at));
        let at = at.ok_or_else(|| Unreadable::broken(&"its time is none"))?;
        let mut commands = Vec::new();
        while !rest.is_empty() {
            let mut reader = rmp_serde::Deserializer::new(&mut rest);
            commands.push(Command::deserialize(&mut reader).map_err(|e| Unreadable::broken(&e))?);
        }
        Ok(Entry { v: self.version, at, node: self.node, batch: self.batch, commands })
    }

    /// The replica.
    pub(crate) fn replica(&self) -> Result<Replica, Unreadable> {
        let replica: Replica = rmp_serde::from_slice(&self.bytes).map_err(|e| Unreadable::broken(&e))?;
        if replica.is_readable() { Ok(replica) } else { Err(Unreadable::broken(&"a snapshot of another version")) }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::id::{ConsultId, Digest, Epoch, PeerId, PersonId, Socket};
    use crate::role::Role;
    use crate::room::{Entrant, Past, Profile, RoomLimits};

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
        let head = EntryHead { kind: EntryKind::Opening, node: NODE, batch: 5, previous: Position(10) };
        let at = DateTime::from_timestamp_micros(1_763_899_200_000_001).unwrap();
        let encoded: Vec<Bytes> = commands().iter().map(|c| command(c).unwrap()).collect();
        let committed = committed(head.batch(at, &encoded));
        let seen = logged(NODE, &committed).unwrap();
        assert_eq!((seen.position, seen.before, seen.previous), (Position(12), Position(11), Position(10)));
        assert_eq!((seen.kind, seen.own), (EntryKind::Opening, Some(5)));
        assert_eq!(logged(NodeId(8), &committed).unwrap().own, None);
        let entry = seen.body.entry().unwrap();
        assert_eq!((entry.at, entry.node, entry.batch, entry.commands), (at, NODE, 5, commands()));
    }

    #[test]
    fn a_snapshot_is_the_whole_replica() {
        let mut replica = Replica::new(ConsultId(id(3)));
        let entry = Entry { v: ENTRY_VERSION, at: DateTime::UNIX_EPOCH, node: NODE, batch: 1, commands: commands() };
        replica.apply_entry(Position(9), &entry, &mut Vec::new());
        let head = EntryHead { kind: EntryKind::Snapshot, node: NODE, batch: 6, previous: Position(9) };
        let seen = logged(NODE, &committed(head.snapshot(&replica).unwrap())).unwrap();
        assert_eq!(seen.kind, EntryKind::Snapshot);
        let read = seen.body.replica().unwrap();
        assert_eq!((read.position(), read.epoch()), (Position(9), Some(Epoch(id(1)))));
    }

    /// Two commands as version 1 wrote them.
    #[derive(serde::Serialize)]
    enum Former {
        Resume {
            socket: Socket,
            peer: PeerId,
            secret: Digest,
            device: Digest,
            epoch: Epoch,
            received: u64,
            snapshot: bool,
            fallback: Option<Box<FormerEntrant>>,
        },
        Revoke {
            ticket: Option<uuid::Uuid>,
            person: Option<PersonId>,
        },
    }

    #[derive(serde::Serialize)]
    struct FormerEntrant {
        peer: PeerId,
        secret: Digest,
        device: Digest,
        ticket: uuid::Uuid,
        profile: Profile,
    }

    /// An entry of any version that holds one command.
    fn of_version(version: u8, command: &impl serde::Serialize) -> Committed {
        let head = EntryHead { kind: EntryKind::Batch, node: NODE, batch: 5, previous: Position(10) };
        let command = Bytes::from(rmp_serde::to_vec_named(command).unwrap());
        let mut entry = head.batch(DateTime::UNIX_EPOCH, &[command]).to_vec();
        entry[0] = version;
        committed(entry.into())
    }

    #[test]
    fn what_the_version_before_wrote_is_read_and_what_it_did_not_say_is_not_made_up() {
        let (socket, peer, epoch) = (Socket { node: NODE, number: 1 }, PeerId(id(2)), Epoch(id(1)));
        let (secret, device, ticket) = (Digest::of(b"secret"), Digest::of(b"device"), id(3));
        let profile = Profile {
            person: PersonId(id(4)),
            name: "x".into(),
            role: Role::Guest,
            lobby: true,
            permissions: Role::Guest.permissions(),
            organisation: None,
            until: None,
        };
        let read = |former: &Former| {
            let entry = logged(NODE, &of_version(1, former)).unwrap().body.entry().unwrap();
            (entry.v, entry.commands)
        };
        let entrant = FormerEntrant { peer, secret, device, ticket, profile: profile.clone() };
        let fallback = Some(Box::new(entrant));
        let (received, snapshot) = (6, true);
        let resume = Former::Resume { socket, peer, secret, device, epoch, received, snapshot, fallback };
        let entrant = Entrant { peer, secret, device, ticket, issued_at: None, profile };
        let (attached_times, fallback) = (None, Some(Box::new(entrant)));
        let now = Command::Resume { socket, peer, secret, device, epoch, received, snapshot, attached_times, fallback };
        assert_eq!(read(&resume), (1, vec![now]));
        let person = Some(PersonId(id(4)));
        let now = Command::Revoke { ticket: None, person, at: None };
        assert_eq!(read(&Former::Revoke { ticket: None, person }), (1, vec![now]));
    }

    #[test]
    fn what_a_later_version_wrote_is_known_for_that_although_all_of_it_could_be_read() {
        let newer = ENTRY_VERSION + 1;
        for kind in [1, 200] {
            let mut entry = of_version(newer, &Command::Tick).entry.to_vec();
            entry[1] = kind;
            assert_eq!(logged(NODE, &committed(entry.into())).unwrap_err(), Unreadable::Newer(newer));
        }
        let written = logged(NODE, &of_version(ENTRY_VERSION, &Command::Tick)).unwrap();
        assert_eq!(written.body.entry().unwrap().v, ENTRY_VERSION);
    }

    #[test]
    fn what_another_version_or_a_stranger_wrote_is_refused_and_never_half_read() {
        let head = EntryHead { kind: EntryKind::Batch, node: NODE, batch: 5, previous: Position(10) };
        let good = head.batch(DateTime::UNIX_EPOCH, &[command(&Command::Tick).unwrap()]);
        for len in 0..good.len() {
            let cut = logged(NODE, &committed(good.slice(..len))).and_then(|seen| seen.body.entry());
            assert!(cut.is_err() || len == HEAD_BYTES + 8, "{len}: an entry without commands is one");
        }
        for (at, byte) in [(0, ENTRY_VERSION_MIN - 1), (0, ENTRY_VERSION + 1), (1, 3)] {
            let mut other = good.to_vec();
            other[at] = byte;
            assert!(logged(NODE, &committed(other.into())).is_err());
        }
        let mut other = good.to_vec();
        other.push(0xc1); // never used in MessagePack
        assert!(logged(NODE, &committed(other.into())).unwrap().body.entry().is_err());
    }
}
