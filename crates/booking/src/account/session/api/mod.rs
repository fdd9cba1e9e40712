//! Log-in by HTTP: `/v1/tokens` for programs, `/session` for browsers.

mod browser;
mod code;
mod pin;
mod proof;
mod switch;
mod tokens;

use axum::routing::{get, post};
use sanbao_platform::http::Routes;
use utoipa_axum::routes;

use crate::App;

pub(in crate::account) fn routes() -> Routes<App> {
    Routes::new()
        .routes(routes!(tokens::log_in, tokens::log_out))
        .routes(routes!(tokens::refresh))
        .routes(routes!(tokens::jwks))
        .routes(routes!(tokens::log_in_by_code))
        .routes(routes!(proof::step_up))
        .routes(routes!(switch::switch))
        .page("/session", post(browser::log_in).delete(browser::log_out).get(browser::who))
        .page("/session/press", post(browser::press))
        .page("/session/second-factor", get(code::ask).post(code::log_in))
        .page("/session/lock", post(browser::lock))
        .page("/session/refresh", post(browser::refresh))
        .page("/session/renew", get(browser::renew))
        .page("/session/pin", get(pin::who_is_here).post(pin::log_in))
}
