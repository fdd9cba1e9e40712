//! The rights of each capacity: a pure function of capacity, action and relation, reviewed as a picture (the snapshot).
//!
//! The street office's people reach what lies in the areas of their token; an agency's people what was dispatched to it.
//! Everybody else is outside. An area in the token of another organisation opens nothing.

use sanbao_platform::listed_enum;
use sanbao_platform::policy::Decision;

use crate::role::Capacity;

listed_enum! {
    /// How the actor stands to what is asked for.
    pub enum Relation {
        /// It lies in the actor's area scope.
        InScope,
        /// It was dispatched to the actor's organisation.
        Assigned,
        /// Neither.
        Outside,
    }
}

/// The relation to something of the street: it lies within the actor's scope, or does not.
pub fn relation(in_scope: bool) -> Relation {
    if in_scope { Relation::InScope } else { Relation::Outside }
}

listed_enum! {
    /// The actions that may be asked for.
    pub enum Action {
        /// Read the area tree: codes and names, nothing personal.
        AreaRead,
        /// Add, rename or move areas, one by one or from a file.
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
        /// See the doors of a round with the people behind them, and say what was seen.
        DoorAnswer,
        /// Make a round and add doors to it.
        RoundMake,
        /// Read how far a round has come, as numbers.
        RoundRead,
        /// Raise one where the actor is near.
        MatterRaise,
        /// Read the matters that were raised at the actor's level or below.
        MatterRead,
        /// Move a matter on. In scope is what lies with the actor's own area, or was raised there where it is taken back.
        MatterHandle,
        /// Read how matters were settled, as numbers.
        MatterFigures,
        /// Read the audit log of what the people of one's own organisation did.
        AuditRead,
    }
}

/// The decision for one capacity.
pub fn decide(capacity: Capacity, action: Action, relation: Relation) -> Decision {
    use Action as A;
    use Capacity::{Administrator, AgencyDispatcher, AreaLeader, StreetAdministrator, StreetAnalyst, StreetDispatcher};
    use Decision::{Allow, Forbid, Hide};
    use Relation::{Assigned, InScope};
    match (action, capacity, relation) {
        (A::AreaRead, ..)
        | (
            A::RequestCreate
            | A::RequestHandle
            | A::RequestRead
            | A::RequestReadPersonal
            | A::Import
            | A::NeedsRead
            | A::DoorAnswer
            | A::RoundMake
            | A::RoundRead
            | A::MatterRaise
            | A::MatterRead
            | A::MatterHandle
            | A::MatterFigures,
            StreetDispatcher,
            InScope,
        )
        | (A::RequestRead | A::NeedsRead | A::RoundRead | A::MatterFigures, StreetAnalyst, InScope)
        | (
            A::RequestRead
            | A::NeedsRead
            | A::RequestCreate
            | A::AreaEdit
            | A::Import
            | A::RoundMake
            | A::RoundRead
            | A::MatterFigures,
            StreetAdministrator,
            InScope,
        )
        | (A::RequestRead | A::RequestReadPersonal | A::RequestAnswer, AgencyDispatcher, Assigned)
        | (
            A::DoorAnswer | A::RoundRead | A::MatterRaise | A::MatterRead | A::MatterHandle | A::MatterFigures,
            AreaLeader,
            InScope,
        )
        // The log of one's own organisation, wherever its areas are.
        | (A::AuditRead, StreetAdministrator | Administrator, _) => Allow,
        // The tree is known to all, so to hide it would say nothing.
        (A::AreaEdit | A::AuditRead, ..)
        | (
            A::RequestReadPersonal | A::RequestHandle | A::RequestAnswer,
            StreetAnalyst | StreetAdministrator,
            InScope,
        )
        | (A::RequestAnswer, StreetDispatcher, InScope)
        | (A::RoundMake, StreetAnalyst | AreaLeader, InScope)
        | (A::RequestHandle, AgencyDispatcher, Assigned)
        // It is seen before this is asked, but lies with another level.
        | (A::MatterHandle, StreetDispatcher | AreaLeader, _)
        | (
            A::RequestCreate | A::Import,
            StreetDispatcher | StreetAnalyst | StreetAdministrator | AgencyDispatcher,
            _,
        ) => Forbid,
        _ => Hide,
    }
}

/// The most generous decision over an actor's capacities.
pub fn allows(actor: &sanbao_platform::auth::Actor, action: Action, relation: Relation) -> Decision {
    Capacity::held(actor).map(|capacity| decide(capacity, action, relation)).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_as_reviewed() {
        let grid = sanbao_platform::policy::grid(Capacity::ALL, Action::ALL, Relation::ALL, decide);
        insta::assert_snapshot!(grid);
    }

    #[test]
    fn a_role_counts_only_with_the_kind_of_organisation_that_has_it() {
        let kinds =
            ["street_office", "community", "home_care_agency", "care_home", "hospital", "health_centre", "", "Office"];
        let roles = ["care_staff", "doctor", "dispatcher", "caregiver", "analyst", "administrator", "root"];
        let reads = |kind: &str, role: &str| {
            let capacity = Capacity::of(kind, role);
            capacity.is_some_and(|c| decide(c, Action::RequestRead, Relation::InScope) == Decision::Allow)
        };
        for kind in kinds {
            let reading: Vec<&str> = roles.into_iter().filter(|role| reads(kind, role)).collect();
            let expected: &[&str] = match kind {
                "street_office" => &["dispatcher", "analyst", "administrator"],
                "community" => &["dispatcher", "analyst"],
                _ => &[],
            };
            assert_eq!(reading, expected, "{kind}");
        }
        assert_eq!(Capacity::of("street_office", "root"), None);
        assert_eq!(Capacity::of("", "administrator"), None);
    }
}
