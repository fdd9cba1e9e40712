//! How somebody stands to a request, and what that allows.

use sanbao_platform::http::Ctx;
use sanbao_platform::policy::Decision;

use super::step::RequestStepName;
use crate::policy::{self, Action, Relation};

/// How an actor stands to a request: each way that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its area lies in the actor's scope.
    pub in_scope: bool,
    /// It was sent to the actor's organisation.
    pub assigned: bool,
}

impl Standing {
    /// As favourable as can be: what it is refused, the actor may do with no request.
    pub const ANY: Self = Self { in_scope: true, assigned: true };

    /// The most generous decision over the ways that hold.
    pub fn allows(self, ctx: &Ctx, action: Action) -> Decision {
        let mut decision = policy::allows(&ctx.actor, action, Relation::Outside);
        if self.in_scope {
            decision = decision.max(policy::allows(&ctx.actor, action, Relation::InScope));
        }
        if self.assigned {
            decision = decision.max(policy::allows(&ctx.actor, action, Relation::Assigned));
        }
        decision
    }

    /// Whether the actor may take a step of this name.
    pub fn allows_step(self, ctx: &Ctx, step: RequestStepName) -> Decision {
        action_of(step).map_or(Decision::Hide, |action| self.allows(ctx, action))
    }
}

/// Which permission a step needs; `None` for steps that people do not take.
fn action_of(step: RequestStepName) -> Option<Action> {
    use RequestStepName as S;
    match step {
        S::Accept | S::Reject => Some(Action::RequestAnswer),
        S::Triage
        | S::Dispatch
        | S::Resolve
        | S::Cancel
        | S::Escalate
        | S::Merge
        | S::FollowUp
        | S::Close
        | S::Reopen
        | S::Separate
        | S::Edit
        | S::Assign
        | S::Pause
        | S::Resume => Some(Action::RequestHandle),
        S::Comment => Some(Action::RequestReadPersonal),
        S::Append
        | S::Update
        | S::VisitScheduled
        | S::VisitStarted
        | S::VisitCompleted
        | S::VisitCancelled
        | S::VisitNoShow
        | S::OrderCancelled => None,
    }
}

#[cfg(test)]
mod tests {
    use sanbao_platform::lifecycle::StepName as _;

    use super::*;

    #[test]
    fn a_step_needs_a_permission_if_people_take_it() {
        for step in RequestStepName::ALL.iter().copied() {
            assert_eq!(action_of(step).is_some(), step.by_person(), "{step}");
        }
    }
}
