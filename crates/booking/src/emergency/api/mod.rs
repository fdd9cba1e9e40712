//! `/v1/emergency-accesses`: records opened in an emergency, and their review.

mod open;
mod read;
mod review;

use sanbao_platform::http::Routes;
use utoipa_axum::routes;

use crate::App;

pub(super) use read::{listed, record_of};

pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .routes(routes!(read::list, open::open))
        .routes(routes!(read::get))
        .routes(routes!(read::record))
        .routes(routes!(review::review))
}
