//! Home visits (上门服务): an accepted request becomes an order, a dispatcher gives it a caregiver and
//! a time, the caregiver comes and leaves with proof, and needs-analysis is told each step.
//!
//! `intake` takes orders from events; `schedule` and `attend` are the steps of dispatcher and
//! caregiver; `change` is what all steps share; `state` and `policy` decide and touch nothing.

mod agency;
mod alternatives;
mod attend;
mod change;
mod config;
pub mod demo;
mod intake;
mod list;
mod page;
pub mod policy;
mod problems;
mod proof;
mod schedule;
mod state;
mod store;
mod view;

use sanbao_platform::bus::Consumer;
use sanbao_platform::http::Routes;
use utoipa_axum::routes;

use crate::App;

pub use change::VisitEvent;
pub use config::VisitConfig;
pub use problems::KINDS;
pub use state::{State, StateName};
pub use store::VisitId;

/// The routes of this part.
pub fn routes() -> Routes<App> {
    Routes::new()
        .routes(routes!(list::list))
        .routes(routes!(list::today))
        .routes(routes!(list::events))
        .routes(routes!(list::one))
        .routes(routes!(schedule::schedule))
        .routes(routes!(schedule::reschedule))
        .routes(routes!(schedule::cancel))
        .routes(routes!(schedule::no_show))
        .routes(routes!(schedule::repeat))
        .routes(routes!(attend::check_in))
        .routes(routes!(attend::check_out))
        .merge(page::routes())
}

/// Whose events this part takes.
pub fn consumers(app: &App) -> Vec<Consumer> {
    vec![intake::consumer(app)]
}
