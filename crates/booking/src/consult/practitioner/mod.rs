//! Doctors as they can be booked: specialty, title, weekly hours with exceptions, free times.

pub mod affected;
pub mod bookable;
pub mod criteria;
pub mod find;
pub mod index;
pub mod offer;
#[cfg(test)]
mod offer_zones;
pub mod rank;
pub mod rules;
pub mod search;
pub mod sets;
pub mod specialty;
pub mod store;
pub mod workday;

pub use criteria::{PartOfDay, SlotCriteria, Weekdays};
pub use find::{DoctorWish, find};
pub use index::SlotIndex;
pub use rank::Rank;
pub use search::{AvailabilitySearch, FreeSlot};
pub use store::Practitioner;
