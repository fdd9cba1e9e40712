//! The dispatcher's pages: the list, one request, a new one, an import. They show what the API shows.

mod detail;
mod forms;
mod list;
mod words;

use axum::Router;
use axum::routing::get;
use sanbao_platform::web;
use utoipa_axum::router::OpenApiRouter;

use crate::App;

const JS: &str = "text/javascript; charset=utf-8";
const FILES: &[(&str, &str, &[u8])] = &[
    ("/static/requests.js", JS, include_bytes!("../../../assets/requests.js")),
    ("/static/import.js", JS, include_bytes!("../../../assets/import.js")),
];

/// The pages; they stand beside the API and not in its description.
pub fn routes() -> OpenApiRouter<App> {
    let pages: Router<App> = Router::new()
        .route("/requests", get(list::page))
        .route("/requests/new", get(forms::new_request))
        .route("/requests/import", get(forms::import))
        .route("/requests/{id}", get(detail::page));
    OpenApiRouter::from(web::assets(pages, FILES))
}
