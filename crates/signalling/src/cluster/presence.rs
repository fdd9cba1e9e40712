//! Which nodes are there: decisions only. A node is gone when it said so, or when it was not heard for a while in
//! which this node could have heard it.

use std::collections::BTreeMap;

use crate::id::NodeId;

/// The known nodes.
#[derive(Clone, Debug)]
pub(crate) struct Presence {
    own: NodeId,
    silent_ms_max: u64,
    /// When each was last heard, and whether that was its last word.
    heard: BTreeMap<NodeId, (u64, bool)>,
    /// Since when this node could hear the others.
    hearing_since_ms: u64,
}

impl Presence {
    pub(crate) fn new(own: NodeId, silent_ms_max: u64, now_ms: u64) -> Self {
        Self { own, silent_ms_max, heard: BTreeMap::new(), hearing_since_ms: now_ms }
    }

    /// A node said that it is there.
    pub(crate) fn alive(&mut self, node: NodeId, now_ms: u64) {
        self.note(node, now_ms, false);
    }

    /// A node said that it goes.
    pub(crate) fn gone(&mut self, node: NodeId, now_ms: u64) {
        self.note(node, now_ms, true);
    }

    fn note(&mut self, node: NodeId, now_ms: u64, goes: bool) {
        self.heard.insert(node, (now_ms, goes));
        // Nodes have a new number with every start, so those of long ago would gather.
        let forget_ms = now_ms.saturating_sub(self.silent_ms_max.saturating_mul(100));
        self.heard.retain(|_, (at_ms, _)| *at_ms >= forget_ms);
    }

    /// The connection was lost, or is new: silence counts from now on.
    pub(crate) fn disconnected_until(&mut self, now_ms: u64) {
        self.hearing_since_ms = now_ms;
    }

    /// Whether a node is gone.
    pub(crate) fn is_gone(&self, node: NodeId, now_ms: u64) -> bool {
        if node == self.own {
            return false;
        }
        match self.heard.get(&node) {
            Some((_, true)) => true,
            Some((at_ms, false)) => now_ms >= self.silent_ms_max + (*at_ms).max(self.hearing_since_ms),
            None => now_ms >= self.silent_ms_max + self.hearing_since_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: NodeId = NodeId(2);

    #[test]
    fn a_node_is_gone_when_it_was_silent_while_it_could_be_heard() {
        let mut presence = Presence::new(NodeId(1), 5_000, 0);
        assert!(!presence.is_gone(NodeId(1), 1_000_000), "never oneself");
        assert!(!presence.is_gone(OTHER, 4_999));
        assert!(presence.is_gone(OTHER, 5_000), "one that was never heard");
        presence.alive(OTHER, 6_000);
        assert!(!presence.is_gone(OTHER, 10_999));
        assert!(presence.is_gone(OTHER, 11_000));
        presence.disconnected_until(11_500);
        assert!(!presence.is_gone(OTHER, 16_499), "a node that was deaf cannot tell");
        assert!(presence.is_gone(OTHER, 16_500));
    }

    #[test]
    fn a_node_that_said_farewell_is_gone_at_once_and_one_that_comes_again_is_there() {
        let mut presence = Presence::new(NodeId(1), 5_000, 0);
        presence.alive(OTHER, 100);
        presence.gone(OTHER, 101);
        assert!(presence.is_gone(OTHER, 101));
        presence.alive(OTHER, 200);
        assert!(!presence.is_gone(OTHER, 201));
    }

    #[test]
    fn who_went_long_ago_is_forgotten_and_still_gone() {
        let mut presence = Presence::new(NodeId(1), 5_000, 0);
        for number in 10..2_000 {
            presence.alive(NodeId(number), number * 1_000);
            presence.gone(NodeId(number), number * 1_000);
        }
        assert!(presence.heard.len() < 600, "{}", presence.heard.len());
        assert!(presence.is_gone(NodeId(10), 2_000_000));
    }
}
