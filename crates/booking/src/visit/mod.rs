//! Home visits (上门服务): an accepted request becomes an order, a dispatcher gives it a caregiver and
//! a time, the caregiver comes and leaves with proof, and needs-analysis is told each step.

mod agency;
mod alternatives;
mod api;
mod caregiver;
mod config;
mod consumer;
pub mod demo;
mod details;
mod events;
mod exchange;
mod id;
mod input;
mod model;
mod page;
pub mod policy;
mod problems;
mod proof;
mod state;
mod steps;
mod store;
mod view;

use sanbao_platform::bus::Consumer;
use sanbao_platform::http::Routes;

use crate::App;

pub use config::VisitConfig;
pub use events::CATALOGUE;
pub use id::VisitId;
pub use problems::KINDS;
pub use state::{VisitStateName, VisitStepName};
pub(crate) use steps::TOPIC;
pub(crate) use steps::called_off;
pub(crate) use store::{not_begun_of, open_at};

/// The routes of this part.
pub fn routes() -> Routes<App> {
    api::routes().merge(page::routes()).merge(caregiver::routes())
}

/// Whose events this part takes.
pub fn consumers(app: &App) -> Vec<Consumer> {
    vec![consumer::consumer(app)]
}
