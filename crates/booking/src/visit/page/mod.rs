//! The pages of visits: the dispatcher's, and a caregiver's day on a phone.

mod day;
mod dispatch;
mod words;

use axum::http::HeaderMap;
use axum::routing::get;
use sanbao_platform::web::asset;
use utoipa_axum::router::OpenApiRouter;

use crate::App;

const JS: &str = "text/javascript; charset=utf-8";
const FILES: &[(&str, &str, &[u8])] = &[
    ("/static/booking/visit-dispatch.js", JS, include_bytes!("../../../assets/visit-dispatch.js")),
    ("/static/booking/visit-day.js", JS, include_bytes!("../../../assets/visit-day.js")),
];

/// The pages' routes.
pub fn routes() -> OpenApiRouter<App> {
    let pages = OpenApiRouter::new().route("/visits", get(dispatch::page)).route("/visits/today", get(day::page));
    FILES.iter().fold(pages, |pages, (path, kind, bytes)| {
        pages.route(path, get(move |headers: HeaderMap| async move { asset(&headers, kind, bytes) }))
    })
}
