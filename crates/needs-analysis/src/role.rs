//! In which capacity somebody acts here: a role together with the kind of organisation that gives it.
//!
//! A token names both. A role that the organisation's kind does not have counts for nothing, so that an agency's
//! dispatcher is never taken for the street's, whatever areas the account was given.

use sanbao_platform::auth::Actor;
use sanbao_platform::text_enum;

/// The kind of organisation that governs a street (街道办事处).
const STREET_OFFICE: &str = "street_office";
/// The kind of organisation that works for one community of a street (社区).
const COMMUNITY: &str = "community";
/// The kind of organisation that sends caregivers home (居家养老服务组织).
const HOME_CARE_AGENCY: &str = "home_care_agency";

text_enum! {
    /// The capacity in which somebody acts here, for the policy.
    pub enum Capacity {
        /// Takes and dispatches requests for the street.
        StreetDispatcher = "street_dispatcher",
        /// Reads numbers for the street.
        StreetAnalyst = "street_analyst",
        /// Runs the area tree and imports for the street.
        StreetAdministrator = "street_administrator",
        /// Knocks on the doors of a stair or a grid (楼道长、网格长).
        AreaLeader = "area_leader",
        /// Accepts for an agency what the street dispatched to it.
        AgencyDispatcher = "agency_dispatcher",
        /// Runs an organisation whose people work here: an agency, a community.
        Administrator = "administrator",
        /// Has another role in the network: knows where things are, and no requests.
        Colleague = "colleague",
    }
}

impl Capacity {
    /// The capacity that a role gives in an organisation of this kind; `None` where that kind has no such role.
    pub fn of(kind: &str, role: &str) -> Option<Self> {
        match (kind, role) {
            // A community's people reach what lies in it, by the areas of their tokens, as the street's do.
            (STREET_OFFICE | COMMUNITY, "dispatcher") => Some(Self::StreetDispatcher),
            (STREET_OFFICE | COMMUNITY, "analyst") => Some(Self::StreetAnalyst),
            (STREET_OFFICE | COMMUNITY, "area_leader") => Some(Self::AreaLeader),
            (STREET_OFFICE, "administrator") => Some(Self::StreetAdministrator),
            (HOME_CARE_AGENCY, "dispatcher") => Some(Self::AgencyDispatcher),
            (HOME_CARE_AGENCY | COMMUNITY, "administrator") => Some(Self::Administrator),
            (HOME_CARE_AGENCY, "caregiver")
            | ("care_home" | "hospital" | "health_centre", "care_staff" | "doctor" | "administrator") => {
                Some(Self::Colleague)
            }
            _ => None,
        }
    }

    /// Every capacity that an actor has.
    pub fn held(actor: &Actor) -> impl Iterator<Item = Self> {
        actor.roles.iter().filter_map(|role| Self::of(&actor.kind, role))
    }
}
