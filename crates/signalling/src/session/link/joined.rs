//! The members that go with `joined`, and are not of the room: every node has its own TURN server.

use super::Link;
use crate::protocol::Body;
use crate::turn::IceServer;

/// How the message begins that says that somebody is inside.
const JOINED: &str = r#"{"type":"joined""#;

impl Link {
    /// These ICE servers go with the next `joined`.
    pub(in crate::session) fn tell_with_joined(&mut self, servers: &[IceServer]) {
        self.has_servers = true;
        let servers = serde_json::to_string(servers).unwrap_or_default(); // plain structs: it cannot fail
        self.with_joined = Some(format!(r#""ice_servers":{servers},"#).into());
    }

    /// The text before the members of a message.
    pub(super) fn members_of(&mut self, body: &Body) -> Box<str> {
        let is_it = self.with_joined.is_some() && body.as_str().starts_with(JOINED);
        if is_it { self.with_joined.take().unwrap_or_default() } else { Box::default() }
    }
}
