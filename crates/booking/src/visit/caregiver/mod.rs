//! Caregivers as visits are planned with them: skills, home area, languages, and the hours of a week. All of it only
//! warns; nothing is refused by it.

mod api;
mod fit;
mod input;
mod model;
mod page;
mod policy;
mod skill;
mod store;
mod view;

use sanbao_platform::http::Routes;

use crate::App;

pub(super) use fit::{Misfit, misfits};
pub(super) use model::Knowledge;
pub(super) use store::all as known_of;

/// The routes of this part.
pub(super) fn routes() -> Routes<App> {
    api::routes().merge(page::routes())
}
