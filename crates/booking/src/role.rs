//! The roles of the network, by the names that tokens carry.
//!
//! A role counts only with the kind of organisation that gives it: an agency's dispatcher is no street's, whatever a
//! token says besides.

use sanbao_platform::auth::Actor;
use sanbao_platform::text_enum::TextEnum as _;

use crate::account::organisation::OrganisationKind;

/// Care-home staff: invite, are with the resident, adopt.
pub const CARE_STAFF: &str = "care_staff";
/// A doctor of a hospital.
pub const DOCTOR: &str = "doctor";
/// Schedules visits for a home-care agency.
pub const DISPATCHER: &str = "dispatcher";
/// Makes visits.
pub const CAREGIVER: &str = "caregiver";
/// Reads numbers for the street office.
pub const ANALYST: &str = "analyst";
/// Runs an organisation's accounts; in a street office, the network's.
pub const ADMINISTRATOR: &str = "administrator";

/// Knocks on the doors of a stair or a grid for a street or a community (楼道长、网格长); the account's areas say where.
pub const AREA_LEADER: &str = "area_leader";

/// All of them, in the order of the permission grid.
pub const ALL: &[&str] = &[CARE_STAFF, DOCTOR, DISPATCHER, CAREGIVER, ANALYST, ADMINISTRATOR, AREA_LEADER];

/// The roles of an actor that count: those that the kind of its organisation gives.
pub fn held(actor: &Actor) -> impl Iterator<Item = &str> {
    let given = OrganisationKind::from_text(&actor.kind).map(OrganisationKind::roles).unwrap_or_default();
    actor.roles.iter().map(String::as_str).filter(move |role| given.contains(role))
}

/// Whether the actor has a role that counts.
pub fn holds(actor: &Actor, role: &str) -> bool {
    held(actor).any(|held| held == role)
}

#[cfg(test)]
mod tests {
    use sanbao_platform::id::OrganisationId;
    use sanbao_platform::testing::Person;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_role_counts_only_with_the_kind_of_organisation_that_gives_it() {
        let everything = |kind| {
            let person = Person::new(Uuid::nil(), OrganisationId(Uuid::nil()), ALL, "x").of_a(kind);
            Actor::from(person.claims())
        };
        for kind in OrganisationKind::ALL {
            let actor = everything(kind.as_str());
            let mut held: Vec<_> = held(&actor).collect();
            let mut given = kind.roles().to_vec();
            held.sort_unstable();
            given.sort_unstable();
            assert_eq!(held, given, "{kind:?}");
        }
        assert_eq!(held(&everything("ministry")).count(), 0);
        assert!(!holds(&everything("care_home"), DISPATCHER) && holds(&everything("care_home"), CARE_STAFF));
    }
}
