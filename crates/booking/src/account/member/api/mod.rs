//! `/v1/organisations/{id}/accounts` and `/v1/accounts`: an administrator manages the people who may log in.

pub(super) mod create;
pub(super) mod members;
mod read;
mod sessions;
pub(super) mod steps;

pub(in crate::account) use create::called;
pub(in crate::account) use steps::controlled;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::App;

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read::list, create::create))
        .routes(routes!(read::get, steps::edit))
        .routes(routes!(steps::disable))
        .routes(routes!(steps::enable))
        .routes(routes!(steps::issue_link))
        .routes(routes!(sessions::log_ins, sessions::end_all))
        .routes(routes!(sessions::end_one))
        .routes(routes!(members::edit, members::end))
        .routes(routes!(members::end_sessions))
        .merge(super::dual::api::routes())
        .merge(super::offer::api::routes())
        .merge(super::import::routes())
}
