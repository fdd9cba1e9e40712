//! Being there and going: leaving, dropping, finishing, and how long host and clinician were together.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Fact, Outcome, Output, Place, Profile, Room, Seat, send};
use crate::id::PeerId;
use crate::protocol::{CloseCode, LeftBecause, RingOver, ServerMessage};
use crate::ticket::Role;

/// A stopwatch that runs while host and clinician are both inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Together {
    since: Option<DateTime<Utc>>,
    total: TimeDelta,
}

impl Together {
    /// Starts or stops at `now`; nothing happens when it already does so.
    fn set(&mut self, now: DateTime<Utc>, running: bool) {
        match (self.since, running) {
            (None, true) => self.since = Some(now),
            (Some(since), false) => {
                self.total += now - since;
                self.since = None;
            }
            _ => {}
        }
    }

    /// Whole seconds so far.
    fn seconds(&self, now: DateTime<Utc>) -> u64 {
        let running = self.since.map_or(TimeDelta::zero(), |since| now - since);
        u64::try_from((self.total + running).num_seconds()).unwrap_or(0)
    }
}

impl Room {
    fn both_present(&self) -> bool {
        let has = |role| self.joined().any(|(_, p, _)| p.role == role);
        has(Role::Host) && has(Role::Clinician)
    }

    /// Records that somebody came in; the first meeting of host and clinician starts the visit.
    pub(super) fn note_joined(&mut self, now: DateTime<Utc>, profile: &Profile) -> Vec<Output> {
        let mut outputs = vec![attendance(now, profile, true)];
        let both = self.both_present();
        self.together.set(now, both);
        if both && self.started_at.is_none() {
            self.started_at = Some(now);
            outputs.push(Output::Fact(Fact::Started { at: now }));
        }
        outputs
    }

    /// Takes a seat away and tells those who could see it.
    pub(super) fn remove(&mut self, now: DateTime<Utc>, peer: PeerId, because: LeftBecause) -> Vec<Output> {
        let Some(Seat { profile, place }) = self.seats.remove(&peer) else { return Vec::new() };
        match place {
            Place::Hall => Vec::new(),
            Place::Lobby { .. } => self.tell_control(&ServerMessage::RingOver { peer, because: RingOver::Left }),
            Place::Joined { .. } => {
                let both = self.both_present();
                self.together.set(now, both);
                let mut outputs = self.tell_joined(peer, &ServerMessage::PeerLeft { peer, because });
                outputs.push(attendance(now, &profile, false));
                outputs
            }
        }
    }

    pub(super) fn leave(&mut self, now: DateTime<Utc>, peer: PeerId) -> Vec<Output> {
        let mut outputs = self.remove(now, peer, LeftBecause::Left);
        outputs.push(Output::Close { peer, code: CloseCode::Normal });
        outputs
    }

    pub(super) fn lost(&mut self, now: DateTime<Utc>, peer: PeerId) -> Vec<Output> {
        self.remove(now, peer, LeftBecause::Dropped)
    }

    pub(super) fn finish(&mut self, now: DateTime<Utc>, by: PeerId) -> Outcome {
        let finisher = self.controlling(by)?.clone();
        let together_seconds = self.together.seconds(now);
        self.together.set(now, false);
        self.finished = true;
        let message = ServerMessage::Finished { by: finisher.name, at: now, together_seconds };
        let mut outputs = Vec::new();
        for (peer, seat) in std::mem::take(&mut self.seats) {
            if matches!(seat.place, Place::Joined { .. }) {
                outputs.push(attendance(now, &seat.profile, false));
            }
            outputs.push(send(peer, message.clone()));
            outputs.push(Output::Close { peer, code: CloseCode::Finished });
        }
        outputs.push(Output::Fact(Fact::Finished { by: finisher.person, at: now, together_seconds }));
        Ok(outputs)
    }
}

fn attendance(now: DateTime<Utc>, profile: &Profile, joined: bool) -> Output {
    Output::Fact(Fact::Attendance { person: profile.person, role: profile.role, joined, at: now })
}
