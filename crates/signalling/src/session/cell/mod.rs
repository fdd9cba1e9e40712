//! One room and the sockets in it, behind one lock.
//!
//! Handling a message takes microseconds and awaits nothing, so a `std` mutex is never held across an await
//! and costs no queue, no wake-up and no task's memory per room: a relayed message goes from the sender's
//! task straight into the receiver's socket.

mod disclosed;
mod inner;
mod input;
mod reported;

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::SetOnce;

use super::acks::Acknowledge;
use super::link::Link;
use super::lock::lock;
use super::node::Node;
use crate::id::{ConsultId, NodeId, Socket};
use crate::log::Position;
use crate::protocol::{CloseCode, ServerMessage};
use crate::replica::Replica;
use crate::room::{Command, Entry, Revocation};
use inner::CellState;
pub(super) use input::SocketInput;

/// One room and the sockets to it.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(super) consult: ConsultId,
    pub(super) node: Arc<Node>,
    inner: Mutex<CellState>,
    /// Whether the replica is at the log's end.
    open: SetOnce<()>,
}

impl Cell {
    pub(super) fn new(node: Arc<Node>, consult: ConsultId, replica: Replica, open: bool) -> Self {
        let inner = CellState { replica, links: Vec::new(), empty_since: None, forgotten: false };
        Self { consult, node, inner: Mutex::new(inner), open: SetOnce::new_with(open.then_some(())) }
    }

    /// The consult of the room.
    pub(crate) fn consult(&self) -> ConsultId {
        self.consult
    }

    /// Waits until the replica is at the log's end.
    pub(super) async fn opened(&self) {
        self.open.wait().await;
    }

    pub(super) fn open_now(&self) {
        let _ = self.open.set(()); // it may be so already
    }

    /// Puts a socket into the room with what it said; gives it back when the room was forgotten meanwhile,
    /// or this node has begun to leave.
    pub(super) fn enter(&self, link: Link, mut hello: Command) -> Result<(), Box<(Link, Command)>> {
        let mut inner = lock(&self.inner);
        if inner.forgotten || self.node.sequencer.is_leaving() {
            return Err(Box::new((link, hello)));
        }
        // It has just said hello; while the log is asked, a sweep may come by.
        link.signal().input_at(self.node.elapsed_ms());
        if let Command::Resume { peer, attached_times, .. } = &mut hello {
            *attached_times = inner.replica.room().attached_times(*peer);
        }
        inner.links.reserve_exact(1);
        inner.links.push(link);
        inner.propose(&self.node, self.consult, hello);
        inner.settle(&self.node);
        Ok(())
    }

    /// Takes what a socket's task has read; the last number of the client's that was taken.
    pub(super) fn take_input(self: &Arc<Self>, socket: u64, inputs: impl Iterator<Item = SocketInput>) -> u64 {
        let mut inner = lock(&self.inner);
        for input in inputs {
            inner.take_input(&self.node, self.consult, socket, input);
        }
        inner.pump();
        self.acknowledge_in(&mut inner, socket)
    }

    /// The last number of the client's that was taken.
    pub(super) fn received(&self, socket: u64) -> u64 {
        let inner = lock(&self.inner);
        inner.link(socket).map_or(0, |link| inner.received(link))
    }

    /// The socket takes bytes again.
    pub(super) fn writable(&self, socket: u64) {
        let mut inner = lock(&self.inner);
        if let Some(link) = inner.link_mut(socket) {
            link.stale |= link.flush();
        }
        inner.pump();
    }

    fn acknowledge_in(self: &Arc<Self>, inner: &mut CellState, socket: u64) -> u64 {
        inner.acknowledge(&self.node, socket, || Arc::clone(self) as Arc<dyn Acknowledge>)
    }

    /// A socket is gone, or about to be: its link, and its session is away.
    pub(super) fn part(&self, socket: u64) -> Option<Link> {
        let mut inner = lock(&self.inner);
        let at = inner.links.iter().position(|link| link.socket == socket)?;
        let mut link = inner.links.swap_remove(at);
        if let Some(item) = link.reports.take().and_then(|reports| reports.over(self.node.clock.now())) {
            self.node.facts.push(item);
        }
        if let Some(peer) = link.peer {
            let socket = Socket { node: self.node.id, number: socket };
            inner.propose(&self.node, self.consult, Command::Away { peer, socket });
        }
        inner.settle(&self.node);
        Some(link)
    }

    /// Takes tickets back, if the room does not know of it yet.
    pub(super) fn revoke(&self, revocation: &Revocation) {
        let mut inner = lock(&self.inner);
        if inner.replica.room().has_revoked(revocation) {
            return;
        }
        let Revocation { ticket, person, at } = *revocation;
        inner.propose(&self.node, self.consult, Command::Revoke { ticket, person, at: Some(at) });
        inner.settle(&self.node);
    }

    pub(super) fn committed(self: &Arc<Self>, position: Position, entry: &Entry) {
        let mut inner = lock(&self.inner);
        let mut effects = Vec::new();
        inner.replica.apply_entry(position, entry, &mut effects);
        inner.carry_out(&self.node, self.consult, effects);
        self.go_on(&mut inner);
    }

    /// After the log has brought something: results are told, and connections that waited for the log are read again.
    fn go_on(self: &Arc<Self>, inner: &mut CellState) {
        inner.settle(&self.node);
        let here: Vec<u64> = inner.links.iter().filter(|link| link.peer.is_some()).map(|link| link.socket).collect();
        for socket in here {
            self.acknowledge_in(inner, socket);
        }
        inner.links.iter().for_each(Link::wake_if_it_waits);
    }

    pub(super) fn install(self: &Arc<Self>, replica: Replica) {
        let mut inner = lock(&self.inner);
        inner.replica = replica;
        inner.links.iter_mut().for_each(|link| link.stale = true);
        self.go_on(&mut inner);
    }

    /// A copy of the room, to be kept.
    pub(crate) fn copy(&self) -> Replica {
        lock(&self.inner).replica.clone()
    }

    /// Says what no socket says any more: that a node is gone with all of its sockets, and that one of this node's is
    /// gone although the log could not be told. A socket whose session does not know it is closed, to resume.
    pub(crate) fn look_after_sockets(&self, is_gone: &dyn Fn(NodeId) -> bool) {
        let mut inner = lock(&self.inner);
        let mut commands = Vec::new();
        for (peer, socket) in inner.replica.room().sessions() {
            let Some(socket) = socket else { continue };
            if socket.node == self.node.id {
                if inner.link(socket.number).is_none() {
                    commands.push(Command::Away { peer, socket });
                }
            } else if is_gone(socket.node) && !commands.contains(&Command::NodeGone { node: socket.node }) {
                commands.push(Command::NodeGone { node: socket.node });
            }
        }
        for command in commands {
            inner.propose(&self.node, self.consult, command);
        }
        let CellState { replica, links, .. } = &mut *inner;
        for link in links {
            let socket = Some(Socket { node: self.node.id, number: link.socket });
            if link.peer.is_some_and(|peer| replica.room().socket(peer) != socket) {
                link.close(CloseCode::Unavailable);
            }
        }
        inner.settle(&self.node);
    }

    /// Whether all who are in the room are at other nodes, each of which is there.
    pub(crate) fn is_elsewhere(&self, is_gone: &dyn Fn(NodeId) -> bool) -> bool {
        lock(&self.inner).is_elsewhere(&self.node, is_gone)
    }

    /// From now on nobody may enter, if that is still so; whether it is.
    pub(super) fn let_go(&self, is_gone: &dyn Fn(NodeId) -> bool) -> bool {
        let mut inner = lock(&self.inner);
        inner.forgotten |= inner.is_elsewhere(&self.node, is_gone);
        inner.forgotten
    }

    /// Tells sockets, of which `which` chooses, something without a number.
    pub(super) fn say(&self, message: &ServerMessage<'_>, which: impl Fn(u64) -> bool) {
        for link in lock(&self.inner).links.iter_mut().filter(|link| which(link.socket)) {
            link.say(message);
        }
    }

    /// Closes every socket.
    pub(super) fn close_all(&self, code: CloseCode) {
        for link in &mut lock(&self.inner).links {
            link.close(code);
        }
    }

    /// Whether no socket is here.
    pub(super) fn is_quiet(&self) -> bool {
        lock(&self.inner).links.is_empty()
    }

    /// Whether no session is in the room.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.inner).replica.room().is_empty()
    }

    /// From now on nobody may enter. A client that came in a moment before tries again: nothing drives this room any
    /// more.
    pub(super) fn forgotten(&self) {
        let mut inner = lock(&self.inner);
        inner.forgotten = true;
        for link in &mut inner.links {
            link.close(CloseCode::Unavailable);
        }
        drop(inner);
        self.open_now(); // a caller that waits finds it forgotten and looks again
    }

    /// Whether it was taken out of the map.
    pub(crate) fn is_forgotten(&self) -> bool {
        lock(&self.inner).forgotten
    }

    /// Looks after waits and sockets; whether the room can be forgotten.
    pub(super) fn sweep(&self, now: DateTime<Utc>, now_ms: u32, readable_again: bool) -> bool {
        let mut inner = lock(&self.inner);
        if inner.replica.room().next_deadline().is_some_and(|deadline| deadline <= now) {
            inner.propose(&self.node, self.consult, Command::Tick);
            inner.settle(&self.node);
        }
        for link in &mut inner.links {
            link.keep_time(&self.node.limits, now_ms);
            if readable_again {
                link.wake();
            }
        }
        inner.look_at_reports(&self.node, self.consult, now);
        let idle = TimeDelta::milliseconds(i64::try_from(self.node.limits.room_idle_ms_max).unwrap_or(i64::MAX));
        inner.forgotten |= inner.links.is_empty() && inner.empty_since.is_some_and(|since| now - since >= idle);
        inner.forgotten
    }
}

impl Acknowledge for Cell {
    /// An acknowledgement that could ride on nothing is due.
    fn acknowledge(&self, socket: u64) {
        let mut inner = lock(&self.inner);
        let CellState { replica, links, .. } = &mut *inner;
        if let Some(link) = links.iter_mut().find(|link| link.socket == socket) {
            link.ack_listed = false;
            link.acknowledge(link.peer.and_then(|peer| replica.room().received(peer)).unwrap_or(0));
        }
    }
}
