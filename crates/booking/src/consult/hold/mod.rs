//! The time that somebody holds while writing an invitation: for some minutes, one of each account, in nobody's way
//! afterwards.

mod api;
mod input;
pub(super) mod jobs;
mod steps;
mod store;
mod view;

use sanbao_platform::http::Routes;
use utoipa_axum::routes;

use crate::App;

pub(super) use steps::{HELD_PER_ORGANISATION_MAX, HOLD_MINUTES, spend};
pub(super) use store::mine;

/// The routes of this part.
pub(super) fn routes() -> Routes<App> {
    Routes::new().routes(routes!(api::take)).routes(routes!(api::give_back))
}
