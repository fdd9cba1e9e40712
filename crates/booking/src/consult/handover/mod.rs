//! The hand-over of a shift (交接班): what is open now, who waits for what and what was promised to whom, with the words of the
//! one who goes. Signed by that account, then by the one that takes over; the facts are kept as they stood.
//!
//! A house has its own, and so has a hospital's desk: of a side nobody sees the other's.

mod api;
mod model;
pub mod policy;
mod steps;
mod store;
mod view;

use sanbao_platform::http::Routes;
use utoipa_axum::routes;

use crate::App;

pub(super) use model::{HandoverFacts, HandoverSide, ShiftHandover};
pub(super) use policy::HandoverAction;
pub(super) use steps::{WORDS_CHARS_MAX, open_now, side_of};
pub(super) use store::{list, load, waits};
pub(super) use view::{ShiftHandoverLine, ShiftHandoverView};

/// The routes of this part.
pub(super) fn routes() -> Routes<App> {
    Routes::new().routes(routes!(api::list, api::sign)).routes(routes!(api::detail)).routes(routes!(api::take))
}
