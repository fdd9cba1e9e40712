//! The needs overview as a page.

mod overview;
mod tables;
mod words;

use axum::routing::get;
use sanbao_platform::http::Routes;

use crate::App;

/// The routes of this part.
pub(super) fn routes() -> Routes<App> {
    Routes::new().page("/needs", get(overview::overview))
}
