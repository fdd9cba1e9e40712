//! The public's way to the street without an account: following a request by its number and the end of a telephone number.
//!
//! - `tries`: how often somebody may be wrong
//! - `follow`: where a request stands, and nothing of whom it is for

mod follow;
mod page;
mod tries;

use axum::routing::get;
use sanbao_platform::http::Routes;

use crate::App;

pub use tries::Tries;

/// The routes of this part.
pub fn routes() -> Routes<App> {
    Routes::new().page("/ask/follow", get(page::form).post(page::asked))
}
