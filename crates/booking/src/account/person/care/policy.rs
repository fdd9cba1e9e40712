//! The permissions over care facts: each part for those who need it. Pure functions; anything not named is hidden.

use sanbao_platform::listed_enum;
use sanbao_platform::policy::Decision;

use crate::role::{ADMINISTRATOR, CARE_STAFF, CAREGIVER, DISPATCHER, DOCTOR};

listed_enum! {
    /// The action that somebody wants to take.
    pub enum CareAction {
        /// Read how one comes to the person.
        ReadDoor,
        /// Read how one deals with the person.
        ReadManner,
        /// Read long-term conditions and ability.
        ReadClinical,
        /// Read whom to call.
        ReadContacts,
        /// Change those parts that one may read.
        Write,
    }
}

listed_enum! {
    /// How somebody stands to the person.
    pub enum CareRelation {
        /// The person lives in the caller's care home.
        Own,
        /// An elder at home whom the caller's agency visits, or visited lately, or has registered.
        AtHome,
        /// An elder at home in the area of the caller's street office, or whom it has registered.
        InArea,
        /// The caller has a visit to the person that is not over.
        Visiting,
        /// The caller is the doctor of a consult of the person that is not over.
        Consulting,
        /// A person whom the caller's care home has handed over: the record as it had it.
        Former,
        /// Everybody else.
        Foreign,
    }
}

/// Whether `role` may do `action` with the care facts of somebody to whom it stands in `relation`.
pub fn decide(role: &str, action: CareAction, relation: CareRelation) -> Decision {
    use CareAction as A;
    use CareRelation as R;
    let allowed: &[A] = match (relation, role) {
        (R::Own, CARE_STAFF | ADMINISTRATOR) | (R::AtHome, DISPATCHER) => A::ALL,
        (R::Own, DOCTOR) | (R::Former, CARE_STAFF | ADMINISTRATOR | DOCTOR) => {
            &[A::ReadDoor, A::ReadManner, A::ReadClinical, A::ReadContacts]
        }
        // An office answers calls and knows where to send help; what physicians go by is none of its business.
        (R::InArea, DISPATCHER) => &[A::ReadDoor, A::ReadManner, A::ReadContacts, A::Write],
        (R::InArea, ADMINISTRATOR) | (R::Visiting, CAREGIVER) => &[A::ReadDoor, A::ReadManner, A::ReadContacts],
        (R::Consulting, DOCTOR) => &[A::ReadManner, A::ReadClinical],
        _ => return Decision::Hide,
    };
    if allowed.contains(&action) { Decision::Allow } else { Decision::Forbid }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_of_care_facts_is_as_reviewed() {
        let grid = sanbao_platform::policy::grid(crate::role::ALL, CareAction::ALL, CareRelation::ALL, decide);
        insta::assert_snapshot!("care_policy", grid);
    }
}
