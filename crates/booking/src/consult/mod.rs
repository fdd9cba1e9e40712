//! Tele-consults from request to signed opinion.

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
