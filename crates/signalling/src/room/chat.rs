//! The written word: numbered, kept up to a bound, and on record.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Fact, PastChat, RequestResult, Room, RoomLimits, RoomOutput, deny};
use crate::id::PeerId;
use crate::permissions::Permissions;
use crate::protocol::{ChatLine, ErrorCode, ServerMessage};

/// The last messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chat {
    lines: VecDeque<ChatLine>,
    bytes: usize,
    n: u32,
}

impl Chat {
    /// As the record has it.
    pub(super) fn of_past(past: &[PastChat], limits: &RoomLimits) -> Self {
        let mut chat = Self::default();
        for PastChat { n, name, at, text } in past {
            chat.keep(ChatLine { n: *n, from: None, name: name.clone(), at: *at, text: text.clone() }, limits);
        }
        chat
    }

    pub(super) fn lines(&self) -> Vec<ChatLine> {
        self.lines.iter().cloned().collect()
    }

    fn keep(&mut self, line: ChatLine, limits: &RoomLimits) {
        self.n = self.n.max(line.n);
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > limits.chat_lines_max || self.bytes > limits.chat_bytes_max {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.text.len();
        }
    }
}

impl Room {
    pub(super) fn say(&mut self, peer: PeerId, text: &str, outputs: &mut Vec<RoomOutput>) -> RequestResult {
        let session = self.insider(peer)?;
        if !session.may(Permissions::CHAT) {
            return deny(ErrorCode::NotPermitted, "you have no `chat`");
        }
        let (person, role, name) = (session.profile.person, session.profile.role, session.profile.name.clone());
        let (n, at) = (self.chat.n + 1, self.now);
        let line = ChatLine { n, from: Some(peer), name: name.clone(), at, text: text.into() };
        // The writer too: it is how they learn its number and time.
        self.tell_inside(None, &ServerMessage::Chat(&line), outputs);
        self.chat.keep(line, &self.limits);
        outputs.push(RoomOutput::Fact(Fact::Chat { n, person, name, role, at, text: text.into() }));
        Ok(())
    }
}
