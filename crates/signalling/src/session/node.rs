//! The parts that every room of this process is handed: its bounds, its clock, and where its commands and facts go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sanbao_platform::clock::Clock;

use super::acks::Acks;
use super::sequencer::Sequencer;
use crate::config::SessionLimits;
use crate::facts::Queue;
use crate::id::{ConsultId, NodeId, PersonId};
use crate::room::{Fact, Revocation, Room};
use crate::turn::{IceConfig, TurnOrder};

/// This run of this process, as its rooms know it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(super) id: NodeId,
    pub(super) limits: SessionLimits,
    pub(super) clock: Clock,
    pub(super) ice: IceConfig,
    pub(super) facts: Queue,
    pub(super) acks: Acks,
    pub(super) sequencer: Sequencer,
    pub(super) began: Instant,
    /// Facts were crowded, as a sweep or a reader found, and nobody was woken since.
    crowded: AtomicBool,
}

impl Node {
    pub(super) fn new(limits: SessionLimits, clock: Clock, ice: IceConfig, facts: Queue, sequencer: Sequencer) -> Self {
        Self {
            id: sequencer.node_id(),
            limits,
            clock,
            ice,
            facts,
            acks: Acks::default(),
            sequencer,
            began: Instant::now(),
            crowded: AtomicBool::new(false),
        }
    }

    /// Time since this run began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The same in milliseconds that wrap after 49 days.
    pub(super) fn elapsed_ms(&self) -> u32 {
        wrapped_ms(self.elapsed())
    }

    /// A person was sent away, or a ticket taken back: what TURN gave them ends, here and at every other node.
    pub(super) fn end_credentials(&self, consult: ConsultId, fact: &Fact) {
        match fact {
            Fact::Removed(removal) => self.end_user(consult, removal.person, removal.at),
            Fact::Revoked(revocation) => self.end_revoked(consult, revocation),
            _ => {}
        }
    }

    /// The same of everybody whom a room turns away: the TURN server of a node that began anew has not heard of them.
    pub(super) fn end_turned_away(&self, consult: ConsultId, room: &Room) {
        let (removed, revoked) = room.turned_away();
        for removal in removed {
            self.end_user(consult, removal.person, removal.at);
        }
        for revocation in revoked {
            self.end_revoked(consult, revocation);
        }
    }

    pub(super) fn end_revoked(&self, consult: ConsultId, Revocation { ticket, person, at }: &Revocation) {
        if let Some(ticket) = ticket {
            let ticket = self.ice.credentials.name_for_ticket(*ticket);
            self.ice.control.order(&TurnOrder::EndTicket { ticket });
        }
        if let Some(person) = person {
            self.end_user(consult, *person, *at);
        }
    }

    fn end_user(&self, consult: ConsultId, person: PersonId, at: DateTime<Utc>) {
        let name = self.ice.credentials.name_for(&turn_subject(consult, person));
        self.ice.control.order(&TurnOrder::EndUser { name, until_ms: at.timestamp_millis() });
    }

    /// Whether facts are crowded. A reader that is told so reads nothing, and is woken by the sweep that finds them
    /// written: a crowd may come and go between two of them.
    pub(super) fn is_crowded(&self) -> bool {
        let crowded = self.facts.is_crowded();
        if crowded {
            self.crowded.store(true, Ordering::Relaxed);
        }
        crowded
    }

    /// Whether a crowd of facts was seen before and is gone now: readers go on.
    pub(super) fn is_readable_again(&self) -> bool {
        let crowded = self.facts.is_crowded();
        self.crowded.swap(crowded, Ordering::Relaxed) && !crowded
    }
}

/// The one user that a person in a room is to TURN servers.
pub(super) fn turn_subject(consult: ConsultId, person: PersonId) -> String {
    format!("{consult} {person}")
}

/// As milliseconds that wrap after 49 days.
#[expect(clippy::cast_possible_truncation, reason = "differences of wrapped numbers are what is used")]
pub(super) fn wrapped_ms(elapsed: Duration) -> u32 {
    elapsed.as_millis() as u32
}
