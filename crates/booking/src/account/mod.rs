//! Organisations, accounts, log-in sessions and people.

pub mod border;
mod config;
pub mod demo;
pub mod id;
pub mod kind;
pub mod location;
pub mod member;
pub mod organisation;
mod pages;
pub mod person;
pub mod policy;
mod session;
pub mod setup;

use sanbao_platform::bus::Published;
use sanbao_platform::http::Routes;

use crate::App;

pub use config::AccountConfig;
pub use id::{AccountId, DeviceId, LocationId, PersonId, SessionId};

/// The routes of this part.
pub fn routes() -> Routes<App> {
    Routes::new()
        .merge(organisation::api::routes())
        .merge(member::api::routes())
        .merge(location::routes())
        .merge(person::api::routes())
        .merge(session::api_routes())
        .merge(session::pin_api_routes())
        .merge(session::browser_routes())
        .merge(setup::routes())
        .merge(pages::routes())
}

/// The kinds of events that this part publishes.
pub fn catalogue() -> Vec<Published> {
    [organisation::CATALOGUE, person::CATALOGUE].concat()
}
