//! Requests: intake by API and file, and the work order's life from received to closed.

pub mod category;
pub mod state;

use sanbao_platform::bus::Consumer;
use utoipa_axum::router::OpenApiRouter;

use crate::App;

pub use category::{Category, Urgency};
pub use state::{State, Step};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}

/// Whose events this part takes.
pub fn consumers(_app: &App) -> Vec<Consumer> {
    Vec::new()
}
