//! The permissions over hand-overs. Pure functions; anything not named is hidden.

use sanbao_platform::listed_enum;
use sanbao_platform::policy::Decision;

use crate::role::{ADMINISTRATOR, CARE_STAFF};

listed_enum! {
    /// The action that somebody wants to take.
    pub enum HandoverAction {
        /// Read it.
        Read,
        /// Sign that one has read it, and takes over.
        Take,
    }
}

listed_enum! {
    /// How somebody stands to a hand-over.
    pub enum HandoverRelation {
        /// The account that has written it.
        Author,
        /// Another of the same side of the same organisation.
        Colleague,
        /// Everybody else.
        Other,
    }
}

/// Whether `role` may do `action` with a hand-over to which it stands in `relation`. Nobody takes over from oneself.
pub fn decide(role: &str, action: HandoverAction, relation: HandoverRelation) -> Decision {
    use HandoverAction as A;
    use HandoverRelation as R;
    let allowed: &[A] = match (role, relation) {
        (CARE_STAFF | ADMINISTRATOR, R::Author) => &[A::Read],
        (CARE_STAFF | ADMINISTRATOR, R::Colleague) => &[A::Read, A::Take],
        _ => return Decision::Hide,
    };
    if allowed.contains(&action) { Decision::Allow } else { Decision::Forbid }
}

/// Whether `role` may hand over at all.
pub fn may_hand_over(role: &str) -> Decision {
    if [CARE_STAFF, ADMINISTRATOR].contains(&role) { Decision::Allow } else { Decision::Forbid }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn the_grid_of_hand_overs_is_as_reviewed() {
        let mut grid =
            sanbao_platform::policy::grid(crate::role::ALL, HandoverAction::ALL, HandoverRelation::ALL, decide);
        let may = crate::role::ALL.iter().copied().filter(|role| may_hand_over(role) == Decision::Allow);
        let _ = writeln!(grid, "may_hand_over: {}", may.collect::<Vec<_>>().join(", "));
        insta::assert_snapshot!("handover_policy", grid);
    }
}
