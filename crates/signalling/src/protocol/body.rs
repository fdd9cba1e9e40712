//! A message to a client as it is kept and shared: rendered once, however many it goes to.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One complete JSON object, without numbering: whoever writes it to a socket puts `seq` and `ack` in front.
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

    /// Of a text that is one JSON object with at least one member.
    pub(crate) fn of(text: &str) -> Self {
        debug_assert!(text.starts_with("{\"") && text.ends_with('}'), "{text}");
        Self(text.into())
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
