//! As what somebody enters the consult room.

use sanbao_platform::text_enum;

text_enum! {
    /// The role of the person who enters.
    pub enum RoomRole {
        /// The inviting side, with the resident.
        Host = "host",
        /// The doctor.
        Clinician = "clinician",
        /// Family, let in by those inside.
        Guest = "guest",
        /// Somebody who interprets between dialects or languages.
        Interpreter = "interpreter",
        /// Somebody who only watches and listens.
        Observer = "observer",
    }
}

impl RoomRole {
    /// The permissions of the role in the room.
    pub fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Host | Self::Clinician => &["audio", "video", "screen", "chat", "control", "observe"],
            Self::Guest | Self::Interpreter => &["audio", "video", "chat", "observe"],
            Self::Observer => &["observe"],
        }
    }

    /// Whether those inside let them in one by one.
    pub fn waits(self) -> bool {
        !matches!(self, Self::Host | Self::Clinician)
    }
}
