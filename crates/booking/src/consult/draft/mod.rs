//! Invitations that are being written: kept from the first letter, incomplete, for the account that writes them. One ends
//! when the invitation is made from it, when its writer discards it, or some days after the last letter.

mod api;
mod input;
pub(super) mod jobs;
mod model;
mod steps;
pub mod store;
mod view;

use sanbao_platform::http::Routes;
use utoipa_axum::routes;

use crate::App;

pub(super) use input::DraftParts;
pub(super) use jobs::KEEP_DAYS;
pub(super) use model::ConsultDraft;
pub(super) use steps::{find, mine, spend};
pub(crate) use store::told;

/// The routes of this part.
pub(super) fn routes() -> Routes<App> {
    Routes::new().routes(routes!(api::list)).routes(routes!(api::read, api::save, api::discard))
}
