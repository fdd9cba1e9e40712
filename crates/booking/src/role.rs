//! The roles of the network, by the names that tokens carry.

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

/// All of them, in the order of the permission grid.
pub const ALL: &[&str] = &[CARE_STAFF, DOCTOR, DISPATCHER, CAREGIVER, ANALYST, ADMINISTRATOR];
