//! How somebody stands to a matter, and what that allows.

use chrono::{DateTime, Utc};
use sanbao_platform::http::Ctx;
use sanbao_platform::policy::Decision;

use super::clock;
use super::state::MatterStepName;
use super::way::OnTheWay;
use crate::policy::{self, Action, relation};

/// How a caller stands to a matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatterStanding {
    pub on_the_way: OnTheWay,
    /// There is a level above that it may go to.
    pub has_above: bool,
    /// Until when it can be opened again.
    pub reopen_until: DateTime<Utc>,
}

impl MatterStanding {
    pub(super) fn of(on_the_way: OnTheWay, has_above: bool, state_since: DateTime<Utc>) -> Self {
        Self { on_the_way, has_above, reopen_until: clock::reopen_until(state_since) }
    }

    pub(super) fn sees(self, ctx: &Ctx) -> Decision {
        policy::allows(&ctx.actor, Action::MatterRead, relation(self.on_the_way.sees))
    }

    /// A level acts on what lies with it; those who raised something may take it back wherever it lies.
    pub(super) fn allows(self, ctx: &Ctx, step: MatterStepName) -> Decision {
        let theirs = match step {
            MatterStepName::TakeBack | MatterStepName::Reopen => self.on_the_way.raised,
            MatterStepName::Settle | MatterStepName::Answer | MatterStepName::SendUp => self.on_the_way.with,
        };
        policy::allows(&ctx.actor, Action::MatterHandle, relation(theirs))
    }

    /// Whether a step has somewhere to lead, and is not too late.
    pub(super) fn timely(self, ctx: &Ctx, step: MatterStepName) -> bool {
        match step {
            MatterStepName::SendUp => self.has_above,
            MatterStepName::Reopen => ctx.now() <= self.reopen_until,
            MatterStepName::Settle | MatterStepName::Answer | MatterStepName::TakeBack => true,
        }
    }
}

/// Whether the caller may do something with matters of the caller's own areas.
pub(super) fn may(ctx: &Ctx, action: Action) -> bool {
    policy::allows(&ctx.actor, action, relation(!ctx.actor.areas.is_empty())) == Decision::Allow
}
