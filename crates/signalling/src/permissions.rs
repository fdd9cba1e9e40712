//! The permissions of somebody in a room, as flags. On the wire and in the log a list of names.

use std::fmt;
use std::ops::BitOr;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);
    /// Send sound.
    pub const AUDIO: Self = Self(1);
    /// Send the camera's picture.
    pub const VIDEO: Self = Self(1 << 1);
    /// Share a screen.
    pub const SCREEN: Self = Self(1 << 2);
    /// Write in the chat.
    pub const CHAT: Self = Self(1 << 3);
    /// Admit, refuse, put back, mute, permit, kick, record, finish.
    pub const CONTROL: Self = Self(1 << 4);
    /// See and hear the others.
    pub const OBSERVE: Self = Self(1 << 5);
    /// Speak, be seen, write, and see the others.
    pub const TALK: Self = Self(0b10_1011);
    /// Everything.
    pub const ALL: Self = Self(0b11_1111);

    const NAMES: [(Self, &'static str); 6] = [
        (Self::AUDIO, "audio"),
        (Self::VIDEO, "video"),
        (Self::SCREEN, "screen"),
        (Self::CHAT, "chat"),
        (Self::CONTROL, "control"),
        (Self::OBSERVE, "observe"),
    ];

    /// Whether all of `other` are in it.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether at least one of `other` is in it.
    pub fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Without those of `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The names, always in the same order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(p, _)| self.has(*p)).map(|(_, name)| name)
    }

    fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(_, n)| *n == name).map(|(p, _)| p)
    }
}

impl BitOr for Permissions {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names: Vec<_> = self.names().collect();
        names.serialize(serializer)
    }
}

/// Reads a list of names; what is not known is an error, or nothing.
struct Names {
    strict: bool,
}

impl<'de> Visitor<'de> for Names {
    type Value = Permissions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of permissions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Permissions, A::Error> {
        let mut permissions = Permissions::NONE;
        while let Some(name) = seq.next_element::<String>()? {
            match Permissions::named(&name) {
                Some(permission) => permissions = permissions | permission,
                None if self.strict => return Err(A::Error::custom("no such permission")),
                None => {}
            }
        }
        Ok(permissions)
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Names { strict: true })
    }
}

/// Reads a field that may be absent, and leaves out what this version does not know: its writer may be newer.
pub(crate) fn known_of_some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Permissions>, D::Error> {
    struct Known(Permissions);
    impl<'de> Deserialize<'de> for Known {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(Names { strict: false }).map(Known)
        }
    }
    Ok(Option::<Known>::deserialize(deserializer)?.map(|known| known.0))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn permissions_are_a_list_of_names_both_ways() {
        let text = r#"["audio","chat","observe"]"#;
        let read: Permissions = serde_json::from_str(text).unwrap();
        assert_eq!(read, Permissions::AUDIO | Permissions::CHAT | Permissions::OBSERVE);
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(Permissions::TALK.names().collect::<Vec<_>>(), ["audio", "video", "chat", "observe"]);
        assert_eq!(Permissions::ALL.names().count(), 6);
    }

    #[test]
    fn an_unknown_permission_is_an_error_in_a_message_and_nothing_in_a_ticket() {
        assert!(serde_json::from_str::<Permissions>(r#"["audio","fly"]"#).is_err());
        let mut reader = serde_json::Deserializer::from_str(r#"["audio","fly"]"#);
        assert_eq!(known_of_some(&mut reader).unwrap(), Some(Permissions::AUDIO));
    }
}
