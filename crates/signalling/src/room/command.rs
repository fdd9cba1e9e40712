//! The commands in a room's log, and thereby all that can happen to a room.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::fact::Past;
use super::limits::RoomLimits;
use crate::id::{Digest, Epoch, NodeId, PeerId, PersonId, Socket};
use crate::permissions::Permissions;
use crate::protocol::{Body, Consent, Elsewhere, ErrorCode, Media, Resume};
use crate::role::Role;

/// The version of [`Entry`] that this code writes; it stands in front of each entry of a shared log.
///
/// Every node of a room must come to the same state by its log. So this is raised with every change that an older node
/// would read otherwise: a new command; another effect of an old one; a new field that has an effect, because a node
/// that does not know the field drops it, and goes on with another room than the others. `#[serde(default)]` alone is
/// enough only for a field that changes nothing in the room.
///
/// A node that meets a newer version leaves the room, and its clients go on at a node that knows it. An entry of
/// [`ENTRY_VERSION_MIN`] or later is read: a log outlives the node that began it, and while nodes are restarted one
/// after the other the old ones still write. The meaning of a field that an earlier version left out stands at the
/// field.
///
/// - 2: `attached_times` of [`Command::Resume`], `at` of [`Command::Revoke`], `issued_at` of [`Entrant`].
/// - 3: [`RoomRequest::Withheld`].
pub const ENTRY_VERSION: u8 = 3;

/// The earliest version of [`Entry`] that is read.
pub const ENTRY_VERSION_MIN: u8 = 1;

/// The commands that one node wrote to the log at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The version that its writer wrote.
    pub v: u8,
    /// The writer's time. Inside a room time never goes back, whatever clocks say.
    pub at: DateTime<Utc>,
    /// The writer.
    pub node: NodeId,
    /// The writer's number for this entry, by which it knows its own.
    pub batch: u64,
    /// The commands, in this order.
    pub commands: Vec<Command>,
}

/// One thing that happens to a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// The first entry. Everything before it, and a repeat, has no effect.
    Open {
        /// This log's life.
        epoch: Epoch,
        /// The record of the consult from before.
        past: Box<Past>,
        /// The bounds that hold for this room as long as its log lives, on every node.
        limits: Box<RoomLimits>,
    },
    /// A socket showed a ticket whose signature and window are good.
    Enter {
        socket: Socket,
        /// The newcomer, as their ticket says.
        entrant: Box<Entrant>,
    },
    /// A socket wants to go on with a session.
    Resume {
        socket: Socket,
        /// The session.
        peer: PeerId,
        /// The digest of the session's secret, as shown.
        secret: Digest,
        /// The digest of the device's name, as shown.
        device: Digest,
        /// The log that the client's numbers are of.
        epoch: Epoch,
        /// The last number of the relay's that the client has.
        received: u64,
        /// The client kept nothing but the secret.
        snapshot: bool,
        /// How often the session had been attached when the socket asked, as far as its node knew: not at all where the
        /// node had not heard of it yet. When it has been attached again since, this or the other one is of a connection
        /// that the client gave up. Version 1 does not say it, and is taken as one that had not heard of it.
        #[serde(default)]
        attached_times: Option<u64>,
        /// The person who enters anew when the session cannot be resumed; from the ticket, when one was shown.
        fallback: Option<Box<Entrant>>,
    },
    /// A session asks for something. Without effect when the number was taken before, or when the session is
    /// attached elsewhere by now: what an older socket had still to say is said again by the client, or is of a
    /// page that is gone and whose numbers the next one uses anew.
    #[serde(rename = "Said")]
    Request {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// The socket on which it was said.
        socket: Socket,
        /// The client's number.
        seq: u64,
        /// The last number of the relay's that the client has.
        ack: u64,
        /// The client's name for the message.
        id: Option<Box<str>>,
        request: RoomRequest,
    },
    /// A session has received. Without effect in the room; replicas let go of what they keep for it.
    Acked {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// The last number of the relay's that the client has.
        ack: u64,
    },
    /// A socket is gone. Without effect when its session is attached to another by now.
    Away {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// The socket that is gone.
        socket: Socket,
    },
    /// A node is gone, with every socket it held.
    NodeGone { node: NodeId },
    /// A ticket, or every ticket of a person that was issued until then, opens nothing any more.
    Revoke {
        ticket: Option<Uuid>,
        person: Option<PersonId>,
        /// When the issuer took them back. A command of version 1 has none: it means now.
        #[serde(default)]
        at: Option<DateTime<Utc>>,
    },
    /// How good somebody's line is, for those who can do something about it.
    Quality {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// The members of the message `quality` besides `type` and `peer`.
        note: Body,
    },
    /// The outcome of somebody's check of camera, microphone and network.
    Precheck {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// The members of the message `precheck` besides `type` and `peer`.
        note: Body,
    },
    /// Time has passed.
    Tick,
}

impl Command {
    /// The command of a `hello` that wants to go on with a session. How often that had been attached, its room says.
    pub fn resume(resume: &Resume, socket: Socket, device: Digest, fallback: Option<Box<Entrant>>) -> Self {
        Self::Resume {
            socket,
            peer: resume.session,
            secret: Digest::of(resume.secret.as_bytes()),
            device,
            epoch: resume.epoch,
            received: resume.seq,
            snapshot: resume.snapshot,
            attached_times: None,
            fallback,
        }
    }
}

/// Somebody with a ticket, as the log knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrant {
    /// The new session's id; never used before.
    pub peer: PeerId,
    /// The digest of the new session's secret.
    pub secret: Digest,
    /// The digest of the device's name.
    pub device: Digest,
    /// The ticket's `jti`.
    pub ticket: Uuid,
    /// When the ticket was issued, as far as it, and version 1, says.
    #[serde(default)]
    pub issued_at: Option<DateTime<Utc>>,
    /// The person, as their ticket says.
    pub profile: Profile,
}

/// The person's identity, from their ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub person: PersonId,
    /// The name that the others see.
    pub name: Box<str>,
    /// Their role in this consult.
    pub role: Role,
    /// Whether they wait to be admitted.
    pub lobby: bool,
    pub permissions: Permissions,
    /// The organisation whose staff they are; none where version 2 or before wrote it. It changes nothing in the room.
    #[serde(default)]
    pub organisation: Option<Uuid>,
    /// When the room's window ends for them; none where version 2 or before wrote it. It changes nothing in the room.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
}

/// The request of somebody to the room: every numbered message of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomRequest {
    /// Enter.
    Join {
        /// The captures that are on.
        media: Media,
        /// To what they consent.
        consent: Consent,
        /// The answer to the same person on another device.
        elsewhere: Option<Elsewhere>,
    },
    /// Let somebody in.
    Admit(PeerId),
    /// Send somebody away.
    Refuse(PeerId),
    /// Put somebody from inside into the lobby.
    PutBack(PeerId),
    /// Ring again.
    Ring,
    /// Pass something on to one peer, already in the words in which that one gets it.
    Relay {
        /// The session that receives it.
        to: PeerId,
        /// The type: `offer`, `answer`, `candidate` or `message`.
        body: Body,
    },
    /// A candidate of which nothing may be passed on: it is taken, and reaches nobody.
    Withheld {
        /// The session that it was for.
        to: PeerId,
    },
    /// Pass a `message` on to everybody else inside.
    Message {
        /// The message, in the words in which it is passed on.
        body: Body,
    },
    /// Own sound, picture or screen went on or off.
    State(Media),
    /// Raise a hand, or lower it.
    Hand {
        /// Whether it is up from now on.
        up: bool,
    },
    /// Turn somebody's sound off.
    Mute(PeerId),
    /// Write to all.
    Chat {
        /// The words as they were sent.
        text: Box<str>,
    },
    /// Consent, or no longer.
    Consent(Consent),
    /// Turn the recording on or off.
    Record {
        /// Whether it is on from now on.
        on: bool,
    },
    /// Turn the transcription on or off.
    Transcribe {
        /// Whether it is on from now on.
        on: bool,
    },
    /// Say what somebody may do.
    Permit {
        /// The session's id, as `welcome` gave it.
        peer: PeerId,
        /// All that the person may do from now on.
        permissions: Permissions,
    },
    /// Send somebody away until lifted.
    Kick(PeerId),
    /// Let a removed person come again.
    Lift {
        /// The removal's number.
        removal: u32,
    },
    /// Hang up.
    Leave,
    /// End the visit for all.
    Finish,
    /// A message that could not be read but had its number.
    Unreadable {
        /// The kind of error.
        code: ErrorCode,
        /// For the client's developer.
        message: Box<str>,
    },
}
