//! The permissions over agreements. Pure functions; anything not named is hidden.

use sanbao_platform::policy::Decision;
use sanbao_platform::{listed_enum, text_enum};

use super::state::AffiliationStepName;
use crate::account::organisation::OrganisationKind;
use crate::role::ADMINISTRATOR;

text_enum! {
    /// A side of an agreement.
    pub enum AffiliationSide {
        /// The care home that invites.
        Inviting = "inviting",
        /// The hospital or health centre that is invited.
        Invited = "invited",
    }
}

listed_enum! {
    /// The action that somebody wants to take.
    pub enum AffiliationAction {
        Read,
        /// Agree to a proposal, or not.
        Answer,
        /// Take an own proposal back.
        Withdraw,
        /// Say whether the hospital's hours are booked at once.
        Change,
        /// End one that stands.
        End,
    }
}

listed_enum! {
    /// How the caller's organisation stands to an agreement.
    pub enum AffiliationRelation {
        /// The care home, which has proposed it.
        HomeProposes,
        /// The care home, to which it was proposed.
        HomeAnswers,
        /// The hospital, which has proposed it.
        HospitalProposes,
        /// The hospital, to which it was proposed.
        HospitalAnswers,
        /// Everybody else.
        Foreign,
    }
}

impl AffiliationRelation {
    /// Of one side, where one has proposed it.
    pub(super) fn of(side: AffiliationSide, proposed_by: AffiliationSide) -> Self {
        match (side, side == proposed_by) {
            (AffiliationSide::Inviting, true) => Self::HomeProposes,
            (AffiliationSide::Inviting, false) => Self::HomeAnswers,
            (AffiliationSide::Invited, true) => Self::HospitalProposes,
            (AffiliationSide::Invited, false) => Self::HospitalAnswers,
        }
    }
}

impl AffiliationAction {
    /// The action that a step is.
    pub(super) fn of(step: AffiliationStepName) -> Self {
        match step {
            AffiliationStepName::Accept | AffiliationStepName::Decline => Self::Answer,
            AffiliationStepName::Withdraw => Self::Withdraw,
            AffiliationStepName::Change => Self::Change,
            AffiliationStepName::End => Self::End,
        }
    }
}

/// The side on which an organisation of this kind stands, if it has agreements at all.
pub(in crate::account) fn side_of(kind: OrganisationKind) -> Option<AffiliationSide> {
    match kind {
        OrganisationKind::CareHome => Some(AffiliationSide::Inviting),
        OrganisationKind::Hospital | OrganisationKind::HealthCentre => Some(AffiliationSide::Invited),
        OrganisationKind::HomeCareAgency | OrganisationKind::StreetOffice | OrganisationKind::Community => None,
    }
}

/// Whether `role` may do `action` with an agreement to which its organisation stands in `relation`.
pub fn decide(role: &str, action: AffiliationAction, relation: AffiliationRelation) -> Decision {
    use AffiliationAction as A;
    use AffiliationRelation as R;
    if role != ADMINISTRATOR {
        return Decision::Hide;
    }
    let allowed: &[A] = match relation {
        R::HomeProposes => &[A::Read, A::Withdraw, A::End],
        R::HomeAnswers => &[A::Read, A::Answer, A::End],
        R::HospitalProposes => &[A::Read, A::Withdraw, A::Change, A::End],
        R::HospitalAnswers => &[A::Read, A::Answer, A::Change, A::End],
        R::Foreign => return Decision::Hide,
    };
    if allowed.contains(&action) { Decision::Allow } else { Decision::Forbid }
}

/// Whether `role` in an organisation of this kind has agreements, and proposes them.
pub fn may_list(role: &str, kind: OrganisationKind) -> Decision {
    if role == ADMINISTRATOR && side_of(kind).is_some() { Decision::Allow } else { Decision::Forbid }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::role;

    #[test]
    fn the_grid_of_agreements_is_as_reviewed() {
        let all = (AffiliationAction::ALL, AffiliationRelation::ALL);
        let mut grid = sanbao_platform::policy::grid(role::ALL, all.0, all.1, decide);
        for kind in OrganisationKind::ALL {
            let roles = role::ALL.iter().copied().filter(|role| may_list(role, *kind) == Decision::Allow);
            let _ = writeln!(grid, "may_list {kind}: {}", roles.collect::<Vec<_>>().join(", "));
        }
        insta::assert_snapshot!("affiliation_policy", grid);
    }
}
