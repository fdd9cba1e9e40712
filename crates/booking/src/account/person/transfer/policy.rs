//! The permissions over transfers. Pure functions; anything not named is hidden.

use sanbao_platform::listed_enum;
use sanbao_platform::policy::Decision;

use super::state::TransferStepName;
use crate::account::organisation::OrganisationKind;
use crate::role::{ADMINISTRATOR, CARE_STAFF, DISPATCHER, DOCTOR};

listed_enum! {
    /// The action that somebody wants to take.
    pub enum TransferAction {
        Read,
        /// Hand the person over, or refuse to.
        Decide,
        /// Ask for the person no more.
        Withdraw,
    }
}

listed_enum! {
    /// How the caller's organisation stands to a transfer.
    pub enum TransferRelation {
        /// It has asked.
        Asker,
        /// A care home that has the record, or had it.
        Home,
        /// The agency or office that has registered an elder at home, or the office of the area of one whom nobody has.
        AtHome,
        /// A street office over both homes, where no answer came for a week.
        Over,
        /// Everybody else.
        Foreign,
    }
}

impl TransferAction {
    /// The action that a step of people is.
    pub(super) fn of(step: TransferStepName) -> Self {
        match step {
            TransferStepName::Accept | TransferStepName::Decline | TransferStepName::Overtake => Self::Decide,
            TransferStepName::Withdraw => Self::Withdraw,
        }
    }
}

/// Whether `role` may do `action` with a transfer to which its organisation stands in `relation`.
pub fn decide(role: &str, action: TransferAction, relation: TransferRelation) -> Decision {
    use TransferAction as A;
    use TransferRelation as R;
    let allowed: &[A] = match (relation, role) {
        (R::Asker, CARE_STAFF | ADMINISTRATOR) => &[A::Read, A::Withdraw],
        (R::Home, CARE_STAFF | ADMINISTRATOR) | (R::AtHome, DISPATCHER) | (R::Over, ADMINISTRATOR | DISPATCHER) => {
            &[A::Read, A::Decide]
        }
        (R::Asker | R::Home, DOCTOR) | (R::AtHome, ADMINISTRATOR) => &[A::Read],
        _ => return Decision::Hide,
    };
    if allowed.contains(&action) { Decision::Allow } else { Decision::Forbid }
}

/// Whether `role` in an organisation of this kind may ask for people.
pub fn may_ask(role: &str, kind: OrganisationKind) -> Decision {
    let asks = kind == OrganisationKind::CareHome && [CARE_STAFF, ADMINISTRATOR].contains(&role);
    if asks { Decision::Allow } else { Decision::Forbid }
}

/// Whether `role` in an organisation of this kind has lists of transfers.
pub fn may_list(role: &str, kind: OrganisationKind) -> Decision {
    let lists = match kind {
        OrganisationKind::CareHome => [CARE_STAFF, ADMINISTRATOR].contains(&role),
        OrganisationKind::HomeCareAgency => role == DISPATCHER,
        OrganisationKind::StreetOffice => [DISPATCHER, ADMINISTRATOR].contains(&role),
        OrganisationKind::Hospital | OrganisationKind::HealthCentre | OrganisationKind::Community => false,
    };
    if lists { Decision::Allow } else { Decision::Forbid }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::role;

    #[test]
    fn the_grid_of_transfers_is_as_reviewed() {
        let mut grid = sanbao_platform::policy::grid(role::ALL, TransferAction::ALL, TransferRelation::ALL, decide);
        for (name, may) in [("may_ask", may_ask as fn(&str, OrganisationKind) -> Decision), ("may_list", may_list)] {
            for kind in OrganisationKind::ALL {
                let roles = role::ALL.iter().copied().filter(|role| may(role, *kind) == Decision::Allow);
                let _ = writeln!(grid, "{name} {kind}: {}", roles.collect::<Vec<_>>().join(", "));
            }
        }
        insta::assert_snapshot!("transfer_policy", grid);
    }
}
