//! The state behind a room's lock: its replica, the sockets in it, and what is done about what it says.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::input::SocketInput;
use crate::facts::{Item, Record};
use crate::id::{ConsultId, NodeId, PeerId, PersonId, Socket};
use crate::protocol::{
    ACK_BYTES_MAX, ACK_MESSAGES_MAX, CloseCode, ErrorCode, Resumed, ServerMessage, VERSION, Welcome,
};
use crate::replica::{Effect, Replica};
use crate::room::{Command, Greeting};
use crate::session::acks::Acknowledge;
use crate::session::frame::Opcode;
use crate::session::link::{Link, Welcomed};
use crate::session::node::{Node, turn_subject};
use crate::session::sequencer::Proposed;
use crate::turn::{IceServer, TurnGrant, TurnScope};

/// A room and the sockets to it.
#[derive(Debug)]
pub(super) struct CellState {
    pub(super) replica: Replica,
    pub(super) links: Vec<Link>,
    pub(super) empty_since: Option<DateTime<Utc>>,
    /// Taken out of the map; nobody may enter any more.
    pub(super) forgotten: bool,
}

impl CellState {
    pub(super) fn link(&self, socket: u64) -> Option<&Link> {
        self.links.iter().find(|link| link.socket == socket)
    }

    pub(super) fn link_mut(&mut self, socket: u64) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.socket == socket)
    }

    pub(super) fn link_of(&mut self, peer: PeerId) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.peer == Some(peer))
    }

    pub(super) fn received(&self, link: &Link) -> u64 {
        link.peer.and_then(|peer| self.replica.room().received(peer)).unwrap_or(0)
    }

    /// The one door: everything that changes a room goes through here into its log.
    pub(super) fn propose(&mut self, node: &Node, consult: ConsultId, command: Command) {
        match node.sequencer.propose(node.clock.now(), consult, &mut self.replica, command) {
            Proposed::Applied(effects) => self.carry_out(node, consult, effects),
            Proposed::Queued => {}
            Proposed::Refused => self.links.iter_mut().for_each(|link| link.close(CloseCode::Unavailable)),
        }
    }

    pub(super) fn take_input(&mut self, node: &Node, consult: ConsultId, socket: u64, input: SocketInput) {
        let Some(link) = self.link_mut(socket) else { return };
        let Some(peer) = link.peer.filter(|_| link.closing().is_none()) else { return };
        let ack = match &input {
            SocketInput::Request { ack, .. }
            | SocketInput::Repeat { ack, .. }
            | SocketInput::Ack(ack)
            | SocketInput::Report(ack, _)
            | SocketInput::Ping(ack) => *ack,
            SocketInput::PingFrame(_) | SocketInput::Refused { .. } | SocketInput::Close(_) => 0,
        };
        if ack > link.written() {
            let words = "`ack` is a number that was not sent";
            return link.refuse(ErrorCode::BadMessage, words, None, CloseCode::ProtocolError);
        }
        match input {
            SocketInput::Request { seq, ack, id, request, bytes } => {
                link.owe(bytes);
                let request = self.disclosed(node, peer, request);
                let socket = Socket { node: node.id, number: socket };
                self.propose(node, consult, Command::Request { peer, socket, seq, ack, id, request });
            }
            SocketInput::Repeat { seq, ack } => {
                link.acknowledge_again(seq.saturating_sub(1));
                self.arrived(node, consult, peer, ack);
            }
            SocketInput::Ack(ack) => self.arrived(node, consult, peer, ack),
            SocketInput::Report(ack, report) => {
                self.arrived(node, consult, peer, ack);
                self.reported(node, consult, (socket, peer), *report);
            }
            SocketInput::Ping(ack) => {
                link.say(&ServerMessage::Pong);
                self.arrived(node, consult, peer, ack);
            }
            SocketInput::PingFrame(payload) => link.control(Opcode::Pong, &payload),
            SocketInput::Refused { error, words, id, code } => link.refuse(error, &words, id.as_deref(), code),
            SocketInput::Close(code) => link.close(code),
        }
    }

    pub(super) fn is_elsewhere(&self, node: &Node, is_gone: &dyn Fn(NodeId) -> bool) -> bool {
        let there = |socket: Option<Socket>| socket.is_some_and(|s| s.node != node.id && !is_gone(s.node));
        let room = self.replica.room();
        self.links.is_empty() && !room.is_empty() && room.sessions().all(|(_, socket)| there(socket))
    }

    /// Messages up to `ack` have arrived.
    pub(super) fn arrived(&mut self, node: &Node, consult: ConsultId, peer: PeerId, ack: u64) {
        if let Some(command) = node.sequencer.acknowledge(&mut self.replica, peer, ack) {
            self.propose(node, consult, command);
        }
    }

    pub(super) fn carry_out(&mut self, node: &Node, consult: ConsultId, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Deliver(peer) => self.deliver(node, consult, peer),
                Effect::Welcome { greeting, seq } if greeting.socket.node == node.id => {
                    self.welcome(node, consult, &greeting, seq);
                }
                Effect::TurnAway { socket, error, words, code } if socket.node == node.id => {
                    if let Some(link) = self.link_mut(socket.number) {
                        link.peer = None;
                        let id = link.hello.take().and_then(|hello| hello.id);
                        link.refuse(error, words, id.as_deref(), code);
                    }
                }
                Effect::CloseSocket { socket, code } if socket.node == node.id => {
                    if let Some(link) = self.link_mut(socket.number) {
                        link.peer = None;
                        link.close(code);
                    }
                }
                Effect::Ended { peer, code, rest, .. } => {
                    if let Some(link) = self.link_of(peer) {
                        link.peer = None;
                        link.end(&rest, code);
                    }
                }
                Effect::Overrun(peer) => {
                    if let Some(link) = self.link_of(peer) {
                        link.close(CloseCode::TooSlow);
                    }
                }
                Effect::Fact { id, fact } => {
                    node.end_credentials(consult, &fact);
                    node.facts.push(Item::Fact(Record { id, consult, fact }));
                }
                Effect::Welcome { .. } | Effect::TurnAway { .. } | Effect::CloseSocket { .. } => {}
            }
        }
    }

    fn deliver(&mut self, node: &Node, consult: ConsultId, peer: PeerId) {
        let Some(at) = self.links.iter().position(|link| link.peer == Some(peer)) else { return };
        if !self.links[at].has_servers && self.replica.room().is_inside(peer) {
            let servers = self.ice_servers(node, consult, peer);
            self.links[at].tell_with_joined(&servers);
        }
        self.links[at].stale = true;
    }

    /// The servers of somebody: those of the room once they are inside, before that what the check of their line needs.
    fn ice_servers(&self, node: &Node, consult: ConsultId, peer: PeerId) -> Vec<IceServer> {
        let room = self.replica.room();
        // A person who went while the log was asked has no profile. They are told no more than that, so any name will do.
        let (person, until) = room.profile(peer).map_or((PersonId(peer.0), None), |p| (p.person, p.until));
        let scope = if room.is_inside(peer) { TurnScope::Room } else { TurnScope::Check };
        let (subject, ticket) = (turn_subject(consult, person), room.ticket(peer).unwrap_or(peer.0));
        node.ice.servers_for(&TurnGrant { subject: &subject, ticket, scope, until }, node.clock.now())
    }

    pub(super) fn welcome(&mut self, node: &Node, consult: ConsultId, greeting: &Greeting, seq: u64) {
        node.end_turned_away(consult, self.replica.room());
        let Greeting { peer, socket, .. } = *greeting;
        let (ice_servers, is_inside) = (self.ice_servers(node, consult, peer), self.replica.room().is_inside(peer));
        let open = self.link_mut(socket.number).filter(|link| link.closing().is_none());
        let Some(link) = open else {
            // It went, or was told to go, while the log was asked.
            return self.propose(node, consult, Command::Away { peer, socket });
        };
        let Some(hello) = link.hello.take() else { return };
        link.has_servers = is_inside;
        let (resumed, because) = greeting.resumed.in_welcome();
        let welcome = Welcome {
            v: VERSION,
            re: hello.id.as_deref(),
            peer,
            secret: matches!(greeting.resumed, Resumed::New(_)).then_some(&*hello.secret),
            consult,
            epoch: greeting.epoch,
            resumed,
            because,
            ack: greeting.ack,
            seq,
            you: &greeting.you,
            place: greeting.place,
            lobby: greeting.lobby,
            room: greeting.room.as_deref(),
            ice_servers: &ice_servers,
            heartbeat: node.limits.heartbeat,
            limits: node.limits.client,
            phone: hello.phone.as_deref(),
        };
        // Plain structs with string keys: serialising them cannot fail.
        link.attach(peer, seq, greeting.ack, &serde_json::to_string(&welcome).unwrap_or_default());
        let _ = hello.answer.send(Welcomed { peer, received: greeting.ack });
    }

    /// After commands: what they caused goes out, and whether anybody is left is noted.
    pub(super) fn settle(&mut self, node: &Node) {
        self.pump();
        self.empty_since = if self.replica.room().is_empty() && self.links.is_empty() {
            self.empty_since.or_else(|| Some(node.clock.now()))
        } else {
            None
        };
    }

    pub(super) fn pump(&mut self) {
        let Self { replica, links, .. } = self;
        for link in links.iter_mut().filter(|link| link.stale) {
            let Some(peer) = link.peer else { continue };
            if let Some(outbox) = replica.outbox(peer) {
                link.pump(outbox, replica.room().received(peer).unwrap_or(0));
            }
        }
    }

    /// Tells the client what was taken, now or soon; the last number that was.
    pub(super) fn acknowledge(&mut self, node: &Node, socket: u64, room: impl FnOnce() -> Arc<dyn Acknowledge>) -> u64 {
        let Some(at) = self.links.iter().position(|link| link.socket == socket) else { return 0 };
        let received = self.received(&self.links[at]);
        let link = &mut self.links[at];
        let (messages, bytes) = link.unacknowledged(received);
        if messages >= u64::from(ACK_MESSAGES_MAX) || bytes >= ACK_BYTES_MAX {
            link.acknowledge(received);
        } else if messages > 0 && !link.ack_listed {
            link.ack_listed = true;
            node.acks.add(room(), socket);
        }
        received
    }
}
