//! Requests by HTTP.

mod create;
mod read;
mod steps;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;

pub use read::{detail, listed};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read::list, create::create))
        .routes(routes!(read::changes))
        .routes(routes!(read::show))
        .merge(steps::routes())
}
