//! `/v1/persons`: residents of the caller's care home, and for dispatchers elders at home.

mod create;
mod read;
mod steps;
mod update;

use utoipa_axum::{router::OpenApiRouter, routes};

use super::{care, erasure, export, hold, import, join, lookup, pair, sharing, transfer};
use crate::App;

pub(in crate::account) use read::residents_for_page;

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read::list, create::create))
        .routes(routes!(read::get, update::update))
        .routes(routes!(read::national_id))
        .routes(routes!(read::papers))
        .routes(routes!(care::api::get, care::api::put))
        .routes(routes!(export::api::get))
        .routes(routes!(hold::api::list))
        .routes(routes!(hold::api::set))
        .routes(routes!(hold::api::lift))
        .routes(routes!(erasure::api::erase))
        .routes(routes!(erasure::api::list))
        .routes(routes!(steps::end))
        .routes(routes!(steps::restore))
        .routes(routes!(lookup::api::lookup))
        .routes(routes!(pair::api::list))
        .routes(routes!(pair::api::decline))
        .routes(routes!(join::api::joins))
        .routes(routes!(join::api::join))
        .routes(routes!(join::api::unjoin))
        .routes(routes!(sharing::api::list, sharing::api::give))
        .routes(routes!(sharing::api::withdraw))
        .merge(import::routes())
        .merge(transfer::api::routes())
}
