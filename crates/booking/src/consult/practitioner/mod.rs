//! Doctors as they can be booked: specialty, title, weekly hours with exceptions, free times.

pub mod affected;
pub mod bookable;
pub mod criteria;
pub mod offer;
#[cfg(test)]
mod offer_zones;
pub mod rank;
pub mod search;
pub mod sets;
pub mod specialty;
pub mod store;

pub use criteria::{PartOfDay, SlotCriteria, Weekdays};
pub use rank::Rank;
pub use search::{AvailabilitySearch, FreeSlot};
pub use store::Practitioner;
