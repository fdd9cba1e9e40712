//! The roles this service knows, by the names that tokens carry.

/// Takes and dispatches requests; in a home-care agency, accepts them.
pub const DISPATCHER: &str = "dispatcher";
/// Reads numbers for the street office.
pub const ANALYST: &str = "analyst";
/// Runs the area tree and imports.
pub const ADMINISTRATOR: &str = "administrator";

/// All roles of the network, in the order of the permission grid.
pub const ALL: &[&str] = &["care_staff", "doctor", "dispatcher", "caregiver", "analyst", "administrator"];
