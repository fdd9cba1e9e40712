//! Organisations, accounts, log-in sessions and people.

pub(crate) mod affiliation;
pub mod area;
mod audit;
mod config;
pub mod demo;
pub mod id;
pub mod input;
pub mod location;
mod me;
pub mod member;
pub mod organisation;
mod page;
pub mod person;
pub mod policy;
pub mod problems;
pub(crate) mod qr;
mod readiness;
pub mod recover;
pub mod second_factor;
mod secret;
mod session;
pub mod setup;
pub mod shared_device;

use sanbao_platform::bus::{Consumer, Published};
use sanbao_platform::http::Routes;
use sanbao_platform::service::Task;

use crate::App;

pub use config::{AccountConfig, SecondFactorFor};
pub use id::{AccountId, AffiliationId, DeviceId, LocationId, PersonId, SessionId, SharedDeviceId};
pub(crate) use page::Areas;

/// The routes of this part.
pub fn routes() -> Routes<App> {
    Routes::new()
        .merge(organisation::api::routes())
        .merge(member::api::routes())
        .merge(location::api::routes())
        .merge(affiliation::api::routes())
        .merge(shared_device::api::routes())
        .merge(person::api::routes())
        .merge(session::api::routes())
        .merge(second_factor::api::routes())
        .merge(me::routes())
        .merge(audit::routes())
        .merge(page::routes())
}

/// Whose events this part takes.
pub fn consumers(app: &App) -> Vec<Consumer> {
    vec![area::consumer(app)]
}

/// The tasks that run beside the routes.
pub fn tasks(app: &App) -> Vec<Task> {
    vec![organisation::task(app), area::task(app), person::lookup::task(app), person::hold::task(app)]
}

/// The kinds of events that this part publishes.
pub fn catalogue() -> Vec<Published> {
    [organisation::CATALOGUE, person::CATALOGUE, session::CATALOGUE].concat()
}
