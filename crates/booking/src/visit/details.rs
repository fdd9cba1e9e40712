//! What a request says of the visit that it wants: whom, where, what for, when.

use chrono::{DateTime, Utc};

/// The part of an order that its request decides, and may correct later.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Details {
    /// What for: a code of the category table.
    pub service_type: String,
    /// The elder's name, as the request has it.
    pub name: String,
    /// Whom to call; empty when the request has no number.
    pub phone: String,
    /// Where; empty when the request has no address.
    pub address: String,
    /// In which area.
    pub area_code: String,
    /// What to know.
    pub note: String,
    /// Not before.
    pub wanted_from: Option<DateTime<Utc>>,
    /// Not after.
    pub wanted_until: Option<DateTime<Utc>>,
}
