//! The five-level area tree: 楼道 → 网格 → 小区 → 社区 → 街道, with dated parentage.

use utoipa_axum::router::OpenApiRouter;

use crate::App;

/// The routes of this part.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}
