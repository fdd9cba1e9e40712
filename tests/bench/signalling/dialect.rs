//! The words of one side of a room in a contestant's own protocol, without I/O.

use std::time::Duration;

/// The meaning of a message in the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A session description that opens, or a plain message.
    Offer,
    /// The one that answers it.
    Answer,
    /// An ICE candidate.
    Candidate,
}

/// When an acknowledgement is due although nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing waits for one.
    Never,
    /// Within [`ACK_WAIT`](crate::client::ACK_WAIT), unless a message carries it before.
    Soon,
    /// At once.
    Now,
}

/// The meaning of a text frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// Something of the protocol's own.
    Nothing,
    /// This side is inside and knows the other.
    Ready,
    /// The other side's message, as it gave it to [`Dialect::say`].
    Message(&'a str),
    /// The server said that messages were lost, or may have been.
    Loss,
    /// The server refused something.
    Refused(&'a str),
}

/// One side of a room. A body is text that JSON need not escape.
pub trait Dialect {
    /// The path to ask for.
    fn path(&self) -> String;

    /// The subprotocol to ask for.
    fn subprotocol(&self) -> Option<&'static str> {
        None
    }

    /// The first words on a new connection; on a later one it asks for what was missed, if it can.
    fn opened(&mut self, out: &mut Vec<String>);

    /// Whether an open connection is ready without having heard anything.
    fn ready_when_open(&self) -> bool {
        false
    }

    /// Takes a text frame; replies go to `out`.
    fn heard<'a>(&mut self, text: &'a str, out: &mut Vec<String>) -> Heard<'a>;

    /// A message to the other side.
    fn say(&mut self, kind: Kind, body: &str) -> String;

    /// How much longer a message is than its body, about.
    fn envelope_bytes(&self) -> usize {
        0
    }

    /// An acknowledgement that is due although nothing else is said.
    fn acknowledgement(&mut self) -> Option<String> {
        None
    }

    /// When the next one is.
    fn due(&self) -> Due {
        Due::Never
    }

    /// The sign of life that the protocol's own clients give, and how often.
    fn heartbeat(&self) -> Option<(Duration, &'static str)> {
        None
    }

    /// Goodbye, before the connection is closed.
    fn leave(&mut self) -> Option<String> {
        None
    }
}

/// The text between `before` and the next `"` in JSON that is known not to escape it.
pub fn between<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let from = text.find(before)? + before.len();
    let len = text[from..].find('"')?;
    Some(&text[from..from + len])
}

/// The number after `before`.
pub fn number(text: &str, before: &str) -> Option<u64> {
    let rest = &text[text.find(before)? + before.len()..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest[..digits].parse().ok()
}
