//! The permissions over a visit: a pure function of role, action and relation. Deny by default.

use sanbao_platform::auth::Actor;
use sanbao_platform::http::Ctx;
use sanbao_platform::listed_enum;
use sanbao_platform::policy::Decision;

use super::agency::Agency;
use super::config::VisitConfig;
use super::input::check_in_window;
use super::model::Visit;
use super::state::VisitState;
use crate::account::organisation::OrganisationKind;
use crate::role;

listed_enum! {
    /// The actions over visits.
    pub enum VisitAction {
        List,
        ListOwn,
        /// A visit, with its people masked.
        View,
        /// Name, telephone, address, note and proof.
        ViewContact,
        /// Give it a caregiver and a time.
        Schedule,
        /// Give it others.
        Reschedule,
        /// Call it off.
        Cancel,
        /// Say that nobody was met.
        NoShow,
        /// Order it again after it did not take place.
        Repeat,
        /// Say that one has come.
        CheckIn,
        /// Say that one leaves.
        CheckOut,
    }
}

listed_enum! {
    /// How the caller stands to a visit.
    pub enum VisitRelation {
        /// Of another organisation.
        Stranger,
        Agency,
        /// The one who comes, on another day.
        Assigned,
        /// The one who comes, today or tomorrow, or is there.
        AssignedSoon,
    }
}

/// The answer for one role.
pub fn decide(role: &str, action: VisitAction, relation: VisitRelation) -> Decision {
    use VisitAction as A;
    match (role, action, relation) {
        (_, _, VisitRelation::Stranger) => Decision::Hide,
        (
            role::DISPATCHER,
            A::List | A::View | A::ViewContact | A::Schedule | A::Reschedule | A::Cancel | A::NoShow | A::Repeat,
            _,
        )
        | (role::ADMINISTRATOR, A::List | A::View, _)
        | (role::CAREGIVER, A::ListOwn, _)
        | (
            role::CAREGIVER,
            A::View | A::NoShow | A::CheckIn | A::CheckOut,
            VisitRelation::Assigned | VisitRelation::AssignedSoon,
        )
        | (role::CAREGIVER, A::ViewContact, VisitRelation::AssignedSoon) => Decision::Allow,
        (role::DISPATCHER | role::ADMINISTRATOR, _, _)
        | (role::CAREGIVER, _, VisitRelation::Assigned | VisitRelation::AssignedSoon)
        // That there are lists is no secret.
        | (_, A::List | A::ListOwn, _) => Decision::Forbid,
        _ => Decision::Hide,
    }
}

/// How `actor` stands to `visit`; `soon` says whether it begins today or tomorrow.
pub fn relation(actor: &Actor, visit: &Visit, soon: bool) -> VisitRelation {
    if visit.agency != actor.organisation {
        return VisitRelation::Stranger;
    }
    let mine = visit.state.slot().is_some_and(|slot| slot.caregiver == actor.subject.into());
    let there = matches!(visit.state, VisitState::InService { .. });
    match (mine, soon || there) {
        (true, true) => VisitRelation::AssignedSoon,
        (true, false) => VisitRelation::Assigned,
        (false, _) => VisitRelation::Agency,
    }
}

/// The answer for an actor. Visits are an agency's: a role of the same name elsewhere has no part in them.
pub fn allows(actor: &Actor, action: VisitAction, relation: VisitRelation) -> Decision {
    let most = if actor.kind == OrganisationKind::HomeCareAgency.as_str() { Decision::Allow } else { Decision::Forbid };
    Decision::over(role::held(actor), |role| decide(role, action, relation).min(most))
}

/// How a caller stands to a visit, now.
#[derive(Clone, Copy, Debug)]
pub struct VisitStance {
    relation: VisitRelation,
    begun: bool,
    door_open: bool,
}

impl VisitStance {
    /// How the caller stands to a visit of `agency`.
    pub fn of(ctx: &Ctx, agency: &Agency, visit: &Visit, limits: &VisitConfig) -> Self {
        let (now, slot) = (ctx.now(), visit.state.slot());
        let soon = slot.is_some_and(|s| agency.is_soon(now, s.interval.starts_at()));
        Self {
            relation: relation(&ctx.actor, visit, soon),
            begun: slot.is_some_and(|s| s.interval.starts_at() <= now),
            door_open: slot.is_some_and(|s| check_in_window(&s, limits).0 <= now),
        }
    }

    /// Whether the planned time has come.
    pub fn begun(&self) -> bool {
        self.begun
    }

    /// Whether a check-in now would not be too early.
    pub fn door_open(&self) -> bool {
        self.door_open
    }

    /// Whether the caller may do `action`.
    pub fn decide(&self, ctx: &Ctx, action: VisitAction) -> Decision {
        allows(&ctx.actor, action, self.relation)
    }
}

#[cfg(test)]
mod tests {
    use sanbao_platform::policy::grid;

    #[test]
    fn the_whole_grid() {
        insta::assert_snapshot!(grid(
            crate::role::ALL,
            super::VisitAction::ALL,
            super::VisitRelation::ALL,
            super::decide
        ));
    }
}
