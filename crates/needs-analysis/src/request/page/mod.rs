//! The dispatcher's pages: the list, one request, a new one. They show what the API shows.

mod alarm;
mod areas;
mod bulk;
mod desk;
mod detail;
mod forms;
mod intake;
mod list;
mod merge;
mod next;
mod part;
mod words;

use axum::routing::{get, post};
use sanbao_platform::http::{Routes, StaticFile};

use super::export;
use crate::App;

const JS: &str = "text/javascript; charset=utf-8";
/// The styles of the desk.
const STYLES: &str = "/static/needs-analysis/desk.css";
const FILES: &[StaticFile] = &[
    (STYLES, "text/css; charset=utf-8", include_bytes!("../../../assets/desk.css")),
    ("/static/needs-analysis/requests.js", JS, include_bytes!("../../../assets/requests.js")),
    ("/static/needs-analysis/alarm.js", JS, include_bytes!("../../../assets/alarm.js")),
    ("/static/needs-analysis/request.js", JS, include_bytes!("../../../assets/request.js")),
    ("/static/needs-analysis/new-request.js", JS, include_bytes!("../../../assets/new-request.js")),
];

/// The pages; they stand beside the API and not in its description.
pub fn routes() -> Routes<App> {
    Routes::new()
        .page("/requests", get(list::requests).post(list::found))
        .page("/requests/new", get(intake::new_request).post(desk::desk))
        .page("/requests/areas", post(areas::areas))
        .page("/requests/part", get(part::part))
        .page("/requests/export/part", get(export::part))
        .page("/requests/{id}", get(detail::request))
        .page("/requests/{id}/merge", get(merge::page).post(merge::found))
        .files(FILES)
}
