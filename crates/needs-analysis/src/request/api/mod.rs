//! Requests by HTTP.

mod create;
mod queues;
mod read;
mod separate;
mod steps;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::export;
use crate::App;

pub use queues::counted;
pub use read::{detail, listed};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read::list, create::create))
        .routes(routes!(read::changes))
        .routes(routes!(queues::counts))
        .routes(routes!(queues::people))
        .routes(routes!(export::api::get))
        .routes(routes!(read::show))
        .routes(routes!(steps::triage))
        .routes(routes!(steps::dispatch))
        .routes(routes!(steps::accept))
        .routes(routes!(steps::reject))
        .routes(routes!(steps::resolve))
        .routes(routes!(steps::cancel))
        .routes(routes!(steps::escalate))
        .routes(routes!(steps::merge))
        .routes(routes!(separate::separate))
        .routes(routes!(steps::follow_up))
        .routes(routes!(steps::close))
        .routes(routes!(steps::reopen))
        .routes(routes!(steps::edit))
        .routes(routes!(steps::comment))
        .routes(routes!(steps::assign))
        .routes(routes!(steps::pause))
        .routes(routes!(steps::resume))
}
