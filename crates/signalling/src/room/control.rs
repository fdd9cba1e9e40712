//! The decisions of staff about others: what they may do, that they go and stay away, and tickets that end.

use super::{Fact, RequestResult, Revocation, Room, RoomOutput, Session, deny, send};
use crate::id::PeerId;
use crate::permissions::Permissions;
use crate::protocol::{Body, CloseCode, ErrorCode, LeftBecause, ServerMessage};
use crate::role::Role;

impl Room {
    pub(super) fn permit(
        &mut self,
        by: PeerId,
        whom: PeerId,
        permissions: Permissions,
        outputs: &mut Vec<RoomOutput>,
    ) -> RequestResult {
        self.controlling(by)?;
        let target = self.find(whom).filter(|session| !session.is_in_hall());
        let Some(target) = target else {
            return deny(ErrorCode::NoSuchPeer, "nobody of that id is inside or waits");
        };
        let (person, media, before) = (target.profile.person, target.media, target.profile.permissions);
        let grants_control = permissions.has(Permissions::CONTROL);
        if grants_control && target.profile.role == Role::Guest {
            return deny(ErrorCode::NotPermitted, "a guest cannot have `control`");
        }
        if by == whom && !grants_control {
            return deny(ErrorCode::NotPermitted, "nobody can give up their own `control`");
        }
        self.standing_mut(person).permissions = Some(permissions);
        if let Some(target) = self.find_mut(whom) {
            target.profile.permissions = permissions;
            target.media = target.permitted(media);
        }
        self.tell_permissions(whom, permissions, outputs);
        if self.insider(whom).is_ok_and(|target| target.media != media) {
            self.tell_state(whom, outputs);
        }
        if grants_control && !before.has(Permissions::CONTROL) {
            self.hand_over(whom, outputs);
        }
        Ok(())
    }

    fn tell_permissions(&self, peer: PeerId, permissions: Permissions, outputs: &mut Vec<RoomOutput>) {
        let body = Body::render(&ServerMessage::Permissions { peer, permissions });
        self.pass_to_inside(None, &body, outputs);
        if self.insider(peer).is_err() {
            outputs.push(RoomOutput::Send { to: peer, body });
        }
    }

    /// Tells a person inside who is given `control` all that those who have it know.
    fn hand_over(&self, peer: PeerId, outputs: &mut Vec<RoomOutput>) {
        if self.insider(peer).is_err() {
            return;
        }
        for waiting in self.sessions.iter().filter_map(Session::waiting_view) {
            outputs.push(send(peer, &ServerMessage::Ring(&waiting)));
        }
        let removed = self.tickets.removed_views();
        if !removed.is_empty() {
            outputs.push(send(peer, &ServerMessage::RemovedList { removed: &removed }));
        }
        self.send_prechecks(peer, outputs);
    }

    /// Sends a person away, with every session they have, until lifted.
    pub(super) fn kick(&mut self, by: PeerId, whom: PeerId, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        let kicker = self.controlling(by)?.profile.person;
        let target = self.find(whom).filter(|session| !session.is_in_hall());
        let Some(target) = target else {
            return deny(ErrorCode::NoSuchPeer, "nobody of that id is inside or waits");
        };
        let (person, name) = (target.profile.person, target.profile.name.clone());
        if person == kicker {
            return deny(ErrorCode::NotPermitted, "nobody can send themselves away: say `leave`");
        }
        let removal = self.tickets.remove(person, name, kicker, self.now);
        self.standing_mut(person).waits = None;
        let words = ServerMessage::error(ErrorCode::Removed, "you were sent away", None);
        let theirs = |session: &&Session| session.profile.person == person;
        for peer in self.sessions.iter().filter(theirs).map(|session| session.peer).collect::<Vec<_>>() {
            self.end(peer, LeftBecause::Removed, Some(&words), CloseCode::Removed, outputs);
        }
        self.tell_removed(outputs);
        outputs.push(RoomOutput::Fact(Fact::Removed(removal)));
        Ok(())
    }

    pub(super) fn lift(&mut self, by: PeerId, removal: u32, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        let by = self.controlling(by)?.profile.person;
        if !self.tickets.lift(removal) {
            return deny(ErrorCode::NoSuchRemoval, "nobody was sent away under that number");
        }
        self.tell_removed(outputs);
        outputs.push(RoomOutput::Fact(Fact::Lifted { removal, by, at: self.now }));
        Ok(())
    }

    fn tell_removed(&self, outputs: &mut Vec<RoomOutput>) {
        let removed = self.tickets.removed_views();
        self.tell_control(&ServerMessage::RemovedList { removed: &removed }, outputs);
    }

    /// Ends what a ticket, or every ticket of a person until then, had opened; once, however often it is told.
    pub(super) fn revoke(&mut self, revocation: Revocation, outputs: &mut Vec<RoomOutput>) {
        if self.tickets.has_revoked(&revocation) {
            return;
        }
        self.tickets.revoke(revocation, self.limits.tickets_max);
        let words = ServerMessage::error(ErrorCode::TicketRevoked, "your ticket was revoked", None);
        let theirs = |s: &&Session| revocation.covers(s.ticket, s.profile.person, s.issued_at);
        for peer in self.sessions.iter().filter(theirs).map(|session| session.peer).collect::<Vec<_>>() {
            self.end(peer, LeftBecause::Revoked, Some(&words), CloseCode::TicketRevoked, outputs);
        }
        outputs.push(RoomOutput::Fact(Fact::Revoked(revocation)));
    }
}
