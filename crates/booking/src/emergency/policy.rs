//! The permissions of break-glass. Pure functions; anything not named is hidden.
//!
//! Doctors alone open a record. The role of care staff does not tell a nurse from a care worker, so it does not.

use sanbao_platform::listed_enum;
use sanbao_platform::policy::Decision;

use crate::role::{ADMINISTRATOR, DOCTOR};

listed_enum! {
    /// The action that somebody wants to take.
    pub enum EmergencyAction {
        /// See by whom it was opened, when and why.
        Read,
        /// Read the record that it opens.
        ReadRecord,
        /// Say that it was looked into.
        Review,
    }
}

listed_enum! {
    /// How somebody stands to an opening.
    pub enum EmergencyRelation {
        /// The account that opened it, within the hour.
        Running,
        /// The same account after the hour, in another organisation, or where nothing was opened.
        Over,
        /// Anybody else of the office that is told of it.
        Watching,
        /// Everybody else.
        Foreign,
    }
}

/// Whether `role` may do `action` with an opening to which it stands in `relation`. Nobody reviews what is their own.
pub fn decide(role: &str, action: EmergencyAction, relation: EmergencyRelation) -> Decision {
    use EmergencyAction as A;
    use EmergencyRelation as R;
    let allowed: &[A] = match (role, relation) {
        (DOCTOR, R::Running) => &[A::Read, A::ReadRecord],
        (DOCTOR, R::Over) => &[A::Read],
        (ADMINISTRATOR, R::Watching) => &[A::Read, A::Review],
        _ => return Decision::Hide,
    };
    if allowed.contains(&action) { Decision::Allow } else { Decision::Forbid }
}

/// Whether `role` may open records.
pub fn may_open(role: &str) -> Decision {
    if role == DOCTOR { Decision::Allow } else { Decision::Forbid }
}

/// Whether `role` watches over what others open.
pub fn may_watch(role: &str) -> Decision {
    if role == ADMINISTRATOR { Decision::Allow } else { Decision::Forbid }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn the_grid_of_emergencies_is_as_reviewed() {
        let mut grid =
            sanbao_platform::policy::grid(crate::role::ALL, EmergencyAction::ALL, EmergencyRelation::ALL, decide);
        for (name, may) in [("may_open", may_open as fn(&str) -> Decision), ("may_watch", may_watch)] {
            let roles: Vec<&str> = crate::role::ALL.iter().copied().filter(|r| may(r) == Decision::Allow).collect();
            let _ = writeln!(grid, "{name}: {}", roles.join(", "));
        }
        insta::assert_snapshot!("emergency_policy", grid);
    }
}
