//! 分级流转: matters are raised where people live, go up where a level cannot settle them, and come down with the answer.
//!
//! - [`state`]: where a matter lies, and which step leads where; pure
//! - [`clock`]: the working days that each level has; pure
//! - [`way`]: with whom a matter lies by the tree of the day, and to whom it goes from there
//! - [`stays`]: each time that it lay with a level, of which [`figures`] are made
//! - [`forget`]: what goes with a person, and what goes by itself
//! - [`demo`]: a few invented matters at each level

mod api;
pub mod clock;
pub mod demo;
pub mod figures;
pub mod forget;
pub mod id;
pub mod input;
pub mod model;
mod page;
pub mod policy;
pub mod state;
pub mod stays;
pub mod steps;
pub mod store;
pub mod view;
pub mod way;

use sanbao_platform::http::Routes;

use crate::App;

pub use id::MatterId;
pub(crate) use page::exported;

/// The routes of this part.
pub fn routes() -> Routes<App> {
    Routes::new().merge(api::routes()).merge(page::routes())
}
