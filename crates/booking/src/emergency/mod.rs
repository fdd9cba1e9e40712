//! Break-glass (紧急查阅): a doctor opens a person's record outside the own scope, by a whole number and with a reason.
//!
//! It opens the reading of that one record for an hour and nothing else. Each try is written down, whether or not it
//! finds anybody; the street's administrator is told at once, and it waits until somebody of that office has reviewed it.

mod api;
mod events;
mod id;
mod input;
mod model;
mod office;
mod open;
mod page;
pub mod policy;
mod store;
mod view;

use sanbao_platform::http::Routes;

use crate::App;

pub use events::CATALOGUE;
pub use open::{TRIES_PER_HOUR_MAX, VALID_MINUTES};

/// The topic of the live lists: what an office, or a doctor, has before them.
const TOPIC: &str = "emergency-accesses";

/// The routes of this part.
pub fn routes() -> Routes<App> {
    api::routes().merge(page::routes())
}
