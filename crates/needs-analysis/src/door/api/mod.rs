//! Doors and rounds by HTTP.

mod read;
mod rounds;
mod steps;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;

pub(super) use read::listed;
pub(super) use rounds::{detail, full, makeable, overview};

/// The routes of this part.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read::list))
        .routes(routes!(read::changes))
        .routes(routes!(steps::well))
        .routes(routes!(steps::not_met))
        .routes(routes!(steps::help))
        .routes(routes!(steps::undo))
        .routes(routes!(rounds::list, rounds::create))
        .routes(routes!(rounds::show))
        .routes(routes!(rounds::add))
}
