//! The permissions of this service: a pure function of role, action and relation, reviewed as a picture (the snapshot).
//!
//! The area scope of the token makes somebody the street office's; a request that was dispatched to the actor's
//! organisation makes somebody the agency's. Everybody else is outside.

use sanbao_platform::policy::Decision;

use crate::role;

/// How the actor stands to what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// It lies in the actor's area scope.
    InScope,
    /// It was dispatched to the actor's organisation.
    Assigned,
    /// Neither.
    Outside,
}

impl Relation {
    /// All, for the grid.
    pub const ALL: &[Self] = &[Self::InScope, Self::Assigned, Self::Outside];
}

/// The relation to something of the street: it lies within the actor's scope, or does not.
pub fn relation(in_scope: bool) -> Relation {
    if in_scope { Relation::InScope } else { Relation::Outside }
}

/// The actions that may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Read the area tree: codes and names, nothing personal.
    AreaRead,
    /// Add or move an area.
    AreaEdit,
    /// Take down a request.
    RequestCreate,
    RequestRead,
    /// See name, telephone and address unmasked.
    RequestReadPersonal,
    /// Triage, dispatch, resolve, cancel, escalate, merge, follow up, close, reopen.
    RequestHandle,
    /// Accept or give back, as the agency.
    RequestAnswer,
    /// Import a file, and read how an import went.
    Import,
    /// Read the counts of an area, as numbers, as a page or as a file.
    NeedsRead,
}

impl Action {
    /// All, for the grid.
    pub const ALL: &[Self] = &[
        Self::AreaRead,
        Self::AreaEdit,
        Self::RequestCreate,
        Self::RequestRead,
        Self::RequestReadPersonal,
        Self::RequestHandle,
        Self::RequestAnswer,
        Self::Import,
        Self::NeedsRead,
    ];
}

/// The decision for one role.
pub fn decide(role: &str, action: Action, relation: Relation) -> Decision {
    use Action as A;
    use Decision::{Allow, Forbid, Hide};
    use Relation::{Assigned, InScope, Outside};
    if !role::ALL.contains(&role) {
        return Hide;
    }
    match (action, role, relation) {
        (A::AreaRead, ..)
        | (A::RequestCreate | A::RequestHandle, role::DISPATCHER, InScope)
        | (A::RequestRead | A::RequestReadPersonal, role::DISPATCHER, InScope | Assigned)
        | (A::RequestAnswer, role::DISPATCHER, Assigned)
        | (A::RequestRead, role::ANALYST | role::ADMINISTRATOR, InScope)
        | (A::RequestCreate | A::AreaEdit, role::ADMINISTRATOR, InScope)
        | (A::Import, role::DISPATCHER | role::ADMINISTRATOR, InScope)
        | (A::NeedsRead, role::DISPATCHER | role::ANALYST | role::ADMINISTRATOR, InScope) => Allow,
        // The tree is known to all, so to hide it would say nothing.
        (A::AreaEdit, ..)
        | (
            A::RequestReadPersonal | A::RequestHandle | A::RequestAnswer,
            role::ANALYST | role::ADMINISTRATOR,
            InScope,
        )
        | (A::RequestHandle, role::DISPATCHER, Assigned)
        | (A::RequestAnswer, role::DISPATCHER, InScope)
        | (
            A::RequestCreate | A::Import,
            role::DISPATCHER | role::ANALYST | role::ADMINISTRATOR,
            Assigned | InScope | Outside,
        ) => Forbid,
        _ => Hide,
    }
}

/// The most generous decision over an actor's roles.
pub fn allows(actor: &sanbao_platform::auth::Actor, action: Action, relation: Relation) -> Decision {
    Decision::over(&actor.roles, |role| decide(role, action, relation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_as_reviewed() {
        let grid = sanbao_platform::policy::grid(role::ALL, Action::ALL, Relation::ALL, decide);
        insta::assert_snapshot!(grid);
    }

    #[test]
    fn an_unknown_role_sees_nothing() {
        for action in Action::ALL {
            for relation in Relation::ALL {
                assert_eq!(decide("root", *action, *relation), Decision::Hide);
            }
        }
    }
}
