//! The relay's events about a consult's room: the data of `signalling.consult.*`, each with its kind. The data of lines
//! and of checks stands beside their source, in `quality` and `precheck`.

use chrono::{DateTime, Utc};
use sanbao_platform::{described, event_kinds};
use serde::Serialize;

use crate::id::{ConsultId, PersonId};
use crate::protocol::{CaptureBecause, RingOver};

described! {
    /// Host and clinician are both there.
    #[derive(Clone, Debug, Serialize)]
    pub struct ConsultStarted {
        pub consult_id: ConsultId,
        pub at: DateTime<Utc>,
    }
}

described! {
    /// Somebody came or went.
    #[derive(Clone, Debug, Serialize)]
    pub struct ConsultAttendance {
        pub consult_id: ConsultId,
        pub person: PersonId,
        pub role: &'static str,
        /// `joined` or `left`.
        pub change: &'static str,
        pub at: DateTime<Utc>,
    }
}

described! {
    /// Somebody waits, and a colleague should be called.
    #[derive(Clone, Debug, Serialize)]
    pub struct ConsultEscalated {
        pub consult_id: ConsultId,
        pub person: PersonId,
        pub role: &'static str,
        pub since: DateTime<Utc>,
        pub at: DateTime<Utc>,
    }
}

described! {
    /// Somebody of whom `escalated` told waits no more.
    #[derive(Clone, Debug, Serialize)]
    pub struct ConsultWaitOver {
        pub consult_id: ConsultId,
        pub person: PersonId,
        pub because: RingOver,
        pub at: DateTime<Utc>,
    }
}

described! {
    /// Somebody wrote to all.
    #[derive(Clone, Debug, Serialize)]
    pub struct ConsultChat<'a> {
        pub consult_id: ConsultId,
        pub n: u32,
        pub person: PersonId,
        pub name: &'a str,
        pub role: &'static str,
        pub at: DateTime<Utc>,
        pub text: &'a str,
    }
}

described! {
    /// Somebody consented, or no longer.
    #[derive(Clone, Debug, Serialize)]
    pub struct ConsultConsent {
        pub consult_id: ConsultId,
        pub person: PersonId,
        pub recording: bool,
        pub transcription: bool,
        pub at: DateTime<Utc>,
    }
}

described! {
    /// Recording or transcription went on or off.
    #[derive(Clone, Debug, Serialize)]
    pub struct ConsultCapture {
        pub consult_id: ConsultId,
        pub on: bool,
        pub by: Option<PersonId>,
        pub because: CaptureBecause,
        pub at: DateTime<Utc>,
    }
}

described! {
    /// Somebody was sent away.
    #[derive(Clone, Debug, Serialize)]
    pub struct ConsultRemoved {
        pub consult_id: ConsultId,
        pub removal: u32,
        pub person: PersonId,
        pub by: PersonId,
        pub at: DateTime<Utc>,
    }
}

described! {
    /// A person who was sent away may come again.
    #[derive(Clone, Debug, Serialize)]
    pub struct ConsultLifted {
        pub consult_id: ConsultId,
        pub removal: u32,
        pub by: PersonId,
        pub at: DateTime<Utc>,
    }
}

described! {
    /// The visit was ended for all.
    #[derive(Clone, Debug, Serialize)]
    pub struct ConsultFinished {
        pub consult_id: ConsultId,
        pub by: PersonId,
        pub at: DateTime<Utc>,
        pub together_seconds: u64,
    }
}

event_kinds! {
    ConsultStarted {
        STARTED = "signalling.consult.started" 1 "Host and clinician are both inside for the first time.";
    }
    ConsultAttendance {
        ATTENDANCE = "signalling.consult.attendance" 1 "Somebody came in, or left.";
    }
    ConsultEscalated {
        ESCALATED = "signalling.consult.escalated" 1 "Somebody waits, and a colleague should be called.";
    }
    ConsultWaitOver {
        WAIT_OVER = "signalling.consult.wait_over" 1 "Somebody for whom a colleague was called waits no more.";
    }
    ConsultChat<'static> {
        CHAT = "signalling.consult.chat" 1 "Somebody wrote to all.";
    }
    ConsultConsent {
        CONSENT = "signalling.consult.consent" 1 "Somebody consented, or no longer.";
    }
    ConsultCapture {
        RECORDING = "signalling.consult.recording" 1 "Recording went on or off.";
        TRANSCRIPTION = "signalling.consult.transcription" 1 "Transcription went on or off.";
    }
    ConsultRemoved {
        REMOVED = "signalling.consult.removed" 1 "Somebody was sent away until lifted.";
    }
    ConsultLifted {
        LIFTED = "signalling.consult.lifted" 1 "A person who was sent away may come again.";
    }
    ConsultFinished {
        FINISHED = "signalling.consult.finished" 1 "The visit was ended for all, after it had started.";
    }
}
