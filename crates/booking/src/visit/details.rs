//! A request's words about the visit that it wants: person, place, purpose and time.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::Personal;

/// The part of an order that its request decides, and may correct later.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Details {
    /// The kind of help: a code of the category table.
    pub service_type: String,
    /// The elder.
    #[sqlx(flatten)]
    pub contact: Personal<Contact>,
    /// The code of the area, 6 to 12 digits.
    pub area_code: String,
    /// The earliest moment wanted.
    pub wanted_from: Option<DateTime<Utc>>,
    /// The latest moment wanted.
    pub wanted_until: Option<DateTime<Utc>>,
}

/// The elder whom a visit is for.
#[derive(Clone, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Contact {
    /// The name, as the request has it.
    pub name: String,
    /// The number to call; empty when the request has no number.
    pub phone: String,
    /// Where; empty when the request has no address.
    pub address: String,
    /// Things to know.
    pub note: String,
}
