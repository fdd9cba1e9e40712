//! `/v1/transfers`: handing people over from one care home to another, and home.

mod create;
mod read;
mod steps;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::App;

pub(in crate::account) use read::{listed, may_list, open_of};

pub(in crate::account::person) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read::list, create::ask))
        .routes(routes!(read::get))
        .routes(routes!(steps::accept))
        .routes(routes!(steps::decline))
        .routes(routes!(steps::withdraw))
        .routes(routes!(create::discharge))
}
