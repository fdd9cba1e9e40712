//! The dispatcher's pages: the list, one request, a new one. They show what the API shows.

mod detail;
mod forms;
mod list;
mod part;
mod words;

use axum::routing::get;
use sanbao_platform::http::{Routes, StaticFile};

use super::export;
use crate::App;

const JS: &str = "text/javascript; charset=utf-8";
const FILES: &[StaticFile] = &[
    ("/static/needs-analysis/requests.js", JS, include_bytes!("../../../assets/requests.js")),
    ("/static/needs-analysis/new-request.js", JS, include_bytes!("../../../assets/new-request.js")),
];

/// The pages; they stand beside the API and not in its description.
pub fn routes() -> Routes<App> {
    Routes::new()
        .page("/requests", get(list::requests).post(list::found))
        .page("/requests/new", get(forms::new_request))
        .page("/requests/part", get(part::part))
        .page("/requests/export/part", get(export::part))
        .page("/requests/{id}", get(detail::request))
        .files(FILES)
}
