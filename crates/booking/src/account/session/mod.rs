//! Log-ins: passwords, tokens and their families, browsers, shared tablets.

mod api;
mod browser;
mod device;
mod login;
mod pin;
mod store;

pub(super) use api::routes as api_routes;
pub(super) use browser::{FormOrJson, Next, home_of, routes as browser_routes};
pub(super) use pin::{api_routes as pin_api_routes, page_routes as pin_page_routes};
pub(super) use store::end_all;
