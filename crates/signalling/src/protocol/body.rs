//! A message to a client as it is kept and shared: rendered once, however many it goes to.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::PeerId;

/// One complete JSON object, without numbering: the link that writes it to a socket puts `seq` and `ack` in front.
///
/// Begins with `{"` always, so that `{"seq":1,"ack":1,` and everything after the brace is an object again.
/// Cloning shares the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(Arc<str>);

impl Body {
    /// Renders a message.
    pub fn render(message: &impl Serialize) -> Self {
        // Plain structs with string keys: serialising them cannot fail.
        Self(serde_json::to_string(message).unwrap_or_default().into())
    }

    /// The message `kind` from a peer with one field, whose JSON is `raw` as it came.
    pub(crate) fn passed_on(kind: &str, from: PeerId, field: &str, raw: &str) -> Self {
        let mut text = String::with_capacity(raw.len() + kind.len() + field.len() + 70);
        let mut id = uuid::Uuid::encode_buffer();
        let from: &str = from.0.hyphenated().encode_lower(&mut id);
        for part in [r#"{"type":""#, kind, r#"","from":""#, from, r#"",""#, field, r#"":"#, raw, "}"] {
            text.push_str(part);
        }
        Self(text.into())
    }

    /// The kind and the field's JSON of what was [passed on](Self::passed_on).
    pub(crate) fn carried(&self) -> Option<(&str, &str, &str)> {
        let (kind, rest) = self.0.strip_prefix(r#"{"type":""#)?.split_once(r#"","from":""#)?;
        let (field, raw) = rest.get(uuid::fmt::Hyphenated::LENGTH..)?.strip_prefix(r#"",""#)?.split_once(r#"":"#)?;
        Some((kind, field, raw.strip_suffix('}')?))
    }

    /// The message `kind` about a peer with the members of `note`, an object.
    pub(crate) fn note(kind: &str, peer: PeerId, note: &Self) -> Self {
        let members = note.as_str().get(1..).unwrap_or("}");
        let comma = if members.trim_start().starts_with('}') { "" } else { "," };
        Self(format!(r#"{{"type":"{kind}","peer":"{peer}"{comma}{members}"#).into())
    }

    /// The object.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Bytes in UTF-8.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: an object has its braces.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(<Box<str>>::deserialize(deserializer)?.into()))
    }
}
