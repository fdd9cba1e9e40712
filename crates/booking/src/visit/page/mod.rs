//! The pages of visits: the dispatcher's, and a caregiver's day on a phone.

mod day;
mod dispatch;
mod words;

use axum::routing::get;
use sanbao_platform::http::{Routes, StaticFile};

use crate::App;

const JS: &str = "text/javascript; charset=utf-8";
const FILES: &[StaticFile] = &[
    ("/static/booking/visit-dispatch.js", JS, include_bytes!("../../../assets/visit-dispatch.js")),
    ("/static/booking/visit-day.js", JS, include_bytes!("../../../assets/visit-day.js")),
];

/// The pages' routes.
pub fn routes() -> Routes<App> {
    Routes::new().page("/visits", get(dispatch::dispatching)).page("/visits/today", get(day::my_day)).files(FILES)
}
