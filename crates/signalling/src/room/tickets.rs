//! The reach of a ticket: bound to its first device, revoked, or its person removed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Binding, Entrant, Past, Removal, Revocation};
use crate::id::PersonId;
use crate::protocol::{CloseCode, ErrorCode, RemovedView};

/// The knowledge of tickets and of people who may not come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tickets {
    bound: Vec<Binding>,
    revoked: Vec<Revocation>,
    removed: Vec<Removal>,
    removals: u32,
    /// Too many revocations to remember: nobody enters any more.
    sealed: bool,
}

/// Why a ticket opens nothing here.
pub(super) type TicketRefusal = (ErrorCode, &'static str, CloseCode);

impl Tickets {
    pub(super) fn of_past(past: &Past) -> Self {
        let removals = past.removed.iter().map(|removal| removal.removal).max().unwrap_or(0).max(past.removals);
        Self {
            bound: past.bound.clone(),
            revoked: past.revoked.clone(),
            removed: past.removed.clone(),
            removals,
            sealed: false,
        }
    }

    /// Whether somebody may come in with their ticket, of which there may be `tickets_max`. `Ok(true)` says
    /// that the ticket is used for the first time.
    pub(super) fn check(&self, entrant: &Entrant, tickets_max: usize) -> Result<bool, TicketRefusal> {
        let person = entrant.profile.person;
        if self.revoked.iter().any(|revocation| revocation.covers(entrant.ticket, person, entrant.issued_at)) {
            return Err((ErrorCode::TicketRevoked, "the ticket was revoked", CloseCode::TicketRevoked));
        }
        if self.removed.iter().any(|removal| removal.person == person) {
            return Err((ErrorCode::Removed, "you were sent away", CloseCode::Removed));
        }
        match self.bound.iter().find(|binding| binding.ticket == entrant.ticket) {
            Some(binding) if binding.device != entrant.device => {
                Err((ErrorCode::TicketBound, "the ticket belongs to another device", CloseCode::TicketBound))
            }
            _ if self.sealed => Err((ErrorCode::Busy, "too many tickets were revoked", CloseCode::Busy)),
            Some(_) => Ok(false),
            None if self.bound.len() >= tickets_max => {
                Err((ErrorCode::Busy, "too many tickets for this room", CloseCode::Busy))
            }
            None => Ok(true),
        }
    }

    /// The people who may not come, and the tickets that open nothing.
    pub(super) fn turned_away(&self) -> (&[Removal], &[Revocation]) {
        (&self.removed, &self.revoked)
    }

    pub(super) fn bind(&mut self, binding: Binding) {
        self.bound.push(binding);
    }

    /// Whether a revocation, or a later one of the same, is known.
    pub(super) fn has_revoked(&self, revocation: &Revocation) -> bool {
        self.revoked.iter().any(|old| old.is_of_the_same(revocation) && old.at >= revocation.at)
    }

    /// Remembers a revocation. One too many for the bound, and nobody enters any more: forgetting one would let
    /// somebody in by mistake.
    pub(super) fn revoke(&mut self, revocation: Revocation, revocations_max: usize) {
        match self.revoked.iter().position(|old| old.is_of_the_same(&revocation)) {
            Some(at) => self.revoked[at] = revocation,
            None if self.revoked.len() < revocations_max => self.revoked.push(revocation),
            None => self.sealed = true,
        }
    }

    /// Keeps a person out; the removal's number comes back.
    pub(super) fn remove(&mut self, person: PersonId, name: Box<str>, by: PersonId, at: DateTime<Utc>) -> Removal {
        self.removals += 1;
        let removal = Removal { removal: self.removals, person, name, by, at };
        self.removed.push(removal.clone());
        removal
    }

    /// Lets the person of a removal come again; says whether there was one.
    pub(super) fn lift(&mut self, removal: u32) -> bool {
        let before = self.removed.len();
        self.removed.retain(|removed| removed.removal != removal);
        self.removed.len() < before
    }

    pub(super) fn removed_views(&self) -> Vec<RemovedView> {
        let view = |r: &Removal| RemovedView { removal: r.removal, name: r.name.clone(), at: r.at };
        self.removed.iter().map(view).collect()
    }
}

impl Past {
    /// Whether a ticket of a person was taken back, or the person sent away.
    pub(crate) fn turns_away(&self, ticket: Uuid, person: PersonId, issued_at: Option<DateTime<Utc>>) -> bool {
        self.revoked.iter().any(|revocation| revocation.covers(ticket, person, issued_at))
            || self.removed.iter().any(|removal| removal.person == person)
    }
}

impl Revocation {
    fn is_of_the_same(&self, other: &Self) -> bool {
        (self.ticket, self.person) == (other.ticket, other.person)
    }

    /// Whether it is about this ticket of this person. A ticket tells its time cut to the millisecond: one of the
    /// same moment may have been issued on either side of it, and counts as issued before. To ask for another
    /// ticket costs a click; to let in a person who was sent out costs more.
    pub(super) fn covers(&self, ticket: Uuid, person: PersonId, issued_at: Option<DateTime<Utc>>) -> bool {
        self.ticket == Some(ticket)
            || (self.person == Some(person) && issued_at.is_none_or(|issued_at| issued_at <= self.at))
    }
}
