//! Recording and transcription: on only while everybody inside consents.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Capture, Fact, RequestResult, Room, RoomOutput, Session, deny};
use crate::id::{PeerId, PersonId};
use crate::protocol::{CaptureBecause, CaptureView, Consent, ErrorCode, ServerMessage};

/// The captures that are on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Captures {
    pub(super) recording: Option<Box<Captured>>,
    pub(super) transcription: Option<Box<Captured>>,
}

/// Since when something is on, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Captured {
    by: PeerId,
    since: DateTime<Utc>,
}

impl Captured {
    pub(super) fn view(&self) -> CaptureView {
        CaptureView { on: true, by: Some(self.by), since: Some(self.since) }
    }
}

impl Captures {
    fn get(&mut self, capture: Capture) -> &mut Option<Box<Captured>> {
        match capture {
            Capture::Recording => &mut self.recording,
            Capture::Transcription => &mut self.transcription,
        }
    }

    /// Whether somebody with this consent may be inside as things are.
    fn covered_by(consent: Consent, capture: Capture) -> bool {
        match capture {
            Capture::Recording => consent.recording,
            Capture::Transcription => consent.transcription,
        }
    }
}

const BOTH: [Capture; 2] = [Capture::Recording, Capture::Transcription];

impl Room {
    pub(super) fn capture(
        &mut self,
        by: PeerId,
        capture: Capture,
        on: bool,
        outputs: &mut Vec<RoomOutput>,
    ) -> RequestResult {
        let person = self.controlling(by)?.profile.person;
        if on && !self.inside().all(|session| Captures::covered_by(session.consent, capture)) {
            return deny(ErrorCode::ConsentMissing, "not everybody inside consents");
        }
        if self.captures.get(capture).is_some() != on {
            let captured = on.then(|| Box::new(Captured { by, since: self.now }));
            *self.captures.get(capture) = captured;
            self.tell_capture(capture, on, Some((by, person)), CaptureBecause::Asked, outputs);
        }
        Ok(())
    }

    pub(super) fn consent(&mut self, peer: PeerId, consent: Consent, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        let (now, place) = (self.now, self.find(peer).filter(|session| !session.is_in_hall()));
        let Some(session) = place else {
            return deny(ErrorCode::NotJoined, "say `join` first");
        };
        if session.consent == consent {
            return Ok(());
        }
        let (person, inside) = (session.profile.person, session.is_inside());
        if let Some(session) = self.find_mut(peer) {
            session.consent = consent;
        }
        if inside {
            // Off first: nobody hears of a withdrawal while the recording still counts as on.
            self.hold_captures_to(consent, Some((peer, person)), CaptureBecause::ConsentWithdrawn, outputs);
            self.tell_inside(None, &ServerMessage::Consent { peer, consent }, outputs);
        }
        outputs.push(consent_fact(person, consent, now));
        Ok(())
    }

    /// Turns off what `consent` does not cover.
    pub(super) fn hold_captures_to(
        &mut self,
        consent: Consent,
        by: Option<(PeerId, PersonId)>,
        because: CaptureBecause,
        outputs: &mut Vec<RoomOutput>,
    ) {
        for capture in BOTH {
            if !Captures::covered_by(consent, capture) && self.captures.get(capture).take().is_some() {
                self.tell_capture(capture, false, by, because, outputs);
            }
        }
    }

    /// Turns off what somebody who is not inside any more had turned on.
    pub(super) fn end_captures_of(&mut self, gone: &Session, outputs: &mut Vec<RoomOutput>) {
        for capture in BOTH {
            if self.captures.get(capture).as_ref().is_some_and(|captured| captured.by == gone.peer) {
                *self.captures.get(capture) = None;
                let by = Some((gone.peer, gone.profile.person));
                self.tell_capture(capture, false, by, CaptureBecause::AskerLeft, outputs);
            }
        }
    }

    fn tell_capture(
        &self,
        capture: Capture,
        on: bool,
        by: Option<(PeerId, PersonId)>,
        because: CaptureBecause,
        outputs: &mut Vec<RoomOutput>,
    ) {
        let (peer, person) = by.unzip();
        let message = match capture {
            Capture::Recording => ServerMessage::Recording { on, by: peer, because },
            Capture::Transcription => ServerMessage::Transcription { on, by: peer, because },
        };
        self.tell_inside(None, &message, outputs);
        outputs.push(RoomOutput::Fact(Fact::Captured { capture, on, by: person, because, at: self.now }));
    }
}

pub(super) fn consent_fact(person: PersonId, consent: Consent, at: DateTime<Utc>) -> RoomOutput {
    let Consent { recording, transcription } = consent;
    RoomOutput::Fact(Fact::Consent { person, recording, transcription, at })
}
