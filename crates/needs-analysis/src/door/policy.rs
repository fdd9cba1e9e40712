//! How somebody stands to a door or a round, and what that allows.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::http::Ctx;
use sanbao_platform::policy::Decision;

use super::state::DoorStepName;
use crate::policy::{self, Action, relation};

/// So long a press can be taken back, in minutes.
pub const UNDO_MINUTES: i64 = 10;

/// How a caller stands to a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorStanding {
    /// It lies within the caller's areas.
    pub in_scope: bool,
    /// Until when the last press can be taken back.
    pub undo_until: DateTime<Utc>,
}

impl DoorStanding {
    pub(super) fn of(in_scope: bool, state_since: DateTime<Utc>) -> Self {
        Self { in_scope, undo_until: state_since + Duration::minutes(UNDO_MINUTES) }
    }

    pub(super) fn allows(self, ctx: &Ctx) -> Decision {
        policy::allows(&ctx.actor, Action::DoorAnswer, relation(self.in_scope))
    }

    /// Whether a step is not too late.
    pub(super) fn timely(self, ctx: &Ctx, step: DoorStepName) -> bool {
        step != DoorStepName::Undo || ctx.now() <= self.undo_until
    }
}

/// Whether the caller may do something with doors of the caller's own areas.
pub(super) fn may(ctx: &Ctx, action: Action) -> bool {
    policy::allows(&ctx.actor, action, relation(!ctx.actor.areas.is_empty())) == Decision::Allow
}
