//! Matters by HTTP.

mod create;
mod figures;
mod read;
mod steps;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;

pub(super) use create::{raisable, subject};
pub(super) use figures::counted;
pub(super) use read::{detail, listed};

/// The routes of this part.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read::list, create::create))
        .routes(routes!(read::changes))
        .routes(routes!(figures::figures))
        .routes(routes!(figures::figures_csv))
        .routes(routes!(read::show))
        .routes(routes!(steps::settle))
        .routes(routes!(steps::answer))
        .routes(routes!(steps::send_up))
        .routes(routes!(steps::take_back))
        .routes(routes!(steps::reopen))
}
