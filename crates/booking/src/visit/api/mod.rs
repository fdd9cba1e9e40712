//! The JSON API of visits.

mod read;
mod steps;

use sanbao_platform::http::Routes;
use utoipa_axum::routes;

use crate::App;

pub(super) use read::own_day;

/// All of them.
pub fn routes() -> Routes<App> {
    Routes::new()
        .routes(routes!(read::list))
        .routes(routes!(read::today))
        .routes(routes!(read::events))
        .routes(routes!(read::one))
        .routes(routes!(steps::schedule))
        .routes(routes!(steps::reschedule))
        .routes(routes!(steps::exchange))
        .routes(routes!(steps::cancel))
        .routes(routes!(steps::no_show))
        .routes(routes!(steps::repeat))
        .routes(routes!(steps::check_in))
        .routes(routes!(steps::check_out))
}
