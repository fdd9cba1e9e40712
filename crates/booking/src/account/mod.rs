//! Organisations, accounts, log-in sessions and people.

pub mod id;
pub mod person;

pub use id::{AccountId, DeviceId, LocationId, PersonId, SessionId};

use sanbao_platform::bus::Consumer;
use utoipa_axum::router::OpenApiRouter;

use crate::App;

/// The routes of this part.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}

/// Whose events this part takes.
pub fn consumers(_app: &App) -> Vec<Consumer> {
    Vec::new()
}
