//! The five-level area tree: 楼道 → 网格 → 小区 → 社区 → 街道, with dated parentage.
//!
//! This service alone expands an area into what lies below it; everybody else hands codes around.
//! Parentage is data with a period, so a grid that moves to another compound keeps its history.

mod announce;
mod api;
mod communities;
mod events;
pub mod id;
mod import;
mod input;
pub mod known;
pub mod model;
mod page;
mod rename;
pub mod search;
pub mod seed;
pub mod store;
mod view;

pub use announce::{announce, task};
use sanbao_platform::http::Routes;

use crate::App;

pub use events::CATALOGUE;
pub use id::AreaCode;
pub use model::{Area, Level};
pub use store::{ancestors, descendants, find, scope, scope_codes};

/// The routes of this part.
pub fn routes() -> Routes<App> {
    Routes::new().merge(api::routes()).merge(import::routes()).merge(page::routes())
}
