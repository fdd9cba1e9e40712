//! The reports of clients about their lines and devices, beside the numbered messages.

use chrono::{DateTime, Utc};

use super::inner::CellState;
use crate::id::{ConsultId, PeerId};
use crate::session::node::Node;
use crate::session::reports::{Report, ReportOutcome, Reports};

impl CellState {
    pub(super) fn reported(&mut self, node: &Node, consult: ConsultId, (socket, peer): (u64, PeerId), report: Report) {
        let (now, at) = (node.elapsed(), node.clock.now());
        let profile = self.replica.room().profile(peer);
        let who = profile.map(|profile| (consult, peer, profile.person, profile.role));
        let (Some(link), Some(who)) = (self.link_mut(socket), who) else { return };
        let reports = link.reports.get_or_insert_with(|| Box::new(Reports::new(who, at)));
        let outcome = reports.take(now, at, report);
        self.come_of(node, consult, socket, outcome);
    }

    /// A line of which nothing is heard any more has a verdict too.
    pub(super) fn look_at_reports(&mut self, node: &Node, consult: ConsultId, at: DateTime<Utc>) {
        let mut outcomes = Vec::new();
        for link in &mut self.links {
            let outcome = link.reports.as_mut().and_then(|reports| reports.keep_time(node.elapsed(), at));
            outcomes.extend(outcome.map(|outcome| (link.socket, outcome)));
        }
        for (socket, outcome) in outcomes {
            self.come_of(node, consult, socket, outcome);
        }
    }

    fn come_of(&mut self, node: &Node, consult: ConsultId, socket: u64, outcome: ReportOutcome) {
        let ReportOutcome { line, command, item } = outcome;
        if let (Some(link), Some(line)) = (self.link_mut(socket), line) {
            link.say_body(&line);
        }
        if let Some(item) = item {
            node.facts.push(item);
        }
        if let Some(command) = command {
            self.propose(node, consult, command);
        }
    }
}
