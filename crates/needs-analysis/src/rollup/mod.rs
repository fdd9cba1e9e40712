//! Counts by area × category × state × time, kept in the transaction of the change.

use utoipa_axum::router::OpenApiRouter;

use crate::App;

/// The routes of this part.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}
