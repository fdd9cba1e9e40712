//! Door knocks (敲门行动): a round names the doors of some days, and those who are near say what they saw.
//!
//! - [`state`]: what was seen, and what may be said next; pure
//! - [`steps`]: a door's one way through it; help that is needed becomes a request
//! - `import`: doors from a file
//! - [`forget`]: what goes with a person, and what goes by itself
//! - [`demo`]: two invented rounds

mod api;
pub mod demo;
pub mod forget;
pub mod id;
mod import;
pub mod input;
pub mod model;
mod page;
pub mod policy;
pub mod state;
pub mod steps;
pub mod store;
pub mod view;

use sanbao_platform::http::Routes;

use crate::App;

pub use id::{DoorId, RoundId};
pub(crate) use page::exported;

/// The routes of this part.
pub fn routes() -> Routes<App> {
    Routes::new().merge(api::routes()).merge(import::routes()).merge(page::routes())
}
