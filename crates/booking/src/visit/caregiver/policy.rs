//! The permissions over what is known of caregivers: a pure function and its grid.

use sanbao_platform::auth::Actor;
use sanbao_platform::listed_enum;
use sanbao_platform::policy::Decision;

use crate::account::organisation::OrganisationKind;
use crate::role::{self, ADMINISTRATOR, CAREGIVER, DISPATCHER};

listed_enum! {
    /// The actions of this part.
    pub enum CaregiverAction {
        /// List the agency's caregivers.
        List,
        /// Read what is known of one.
        Read,
        /// Write it down.
        Write,
    }
}

listed_enum! {
    /// How the caller stands to a caregiver.
    pub enum CaregiverRelation {
        /// It is she herself.
        Own,
        /// Of the same agency.
        Agency,
        /// Of another organisation.
        Stranger,
    }
}

/// The policy: deny by default.
pub fn decide(role: &str, action: CaregiverAction, relation: CaregiverRelation) -> Decision {
    use CaregiverAction as A;
    use CaregiverRelation as R;
    match (role, action, relation) {
        (ADMINISTRATOR | DISPATCHER, _, R::Own | R::Agency) | (CAREGIVER, A::Read, R::Own) => Decision::Allow,
        // That there are lists is no secret, and one's own page may be known to be written by others.
        (_, A::List, _) | (CAREGIVER, A::Write, R::Own) => Decision::Forbid,
        _ => Decision::Hide,
    }
}

/// The answer for an actor. Caregivers are an agency's: to a role of the same name elsewhere there are none.
pub fn allows(actor: &Actor, action: CaregiverAction, relation: CaregiverRelation) -> Decision {
    let agency = actor.kind == OrganisationKind::HomeCareAgency.as_str();
    let relation = if agency { relation } else { CaregiverRelation::Stranger };
    Decision::over(role::held(actor), |role| decide(role, action, relation))
}

#[cfg(test)]
mod tests {
    use sanbao_platform::policy::grid;

    #[test]
    fn the_whole_grid() {
        insta::assert_snapshot!(grid(
            crate::role::ALL,
            super::CaregiverAction::ALL,
            super::CaregiverRelation::ALL,
            super::decide
        ));
    }
}
