//! `/v1/persons`: residents of the caller's care home, and for dispatchers elders at home.

mod create;
mod read;
mod update;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::App;

pub(in crate::account) use read::residents_for_page;

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read::list, create::create))
        .routes(routes!(read::get, update::update))
        .routes(routes!(read::national_id))
}
