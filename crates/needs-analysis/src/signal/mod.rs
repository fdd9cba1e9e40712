//! Signals of machines: a telephone system that tells who calls, an SOS button or a sensor that asks for help. Each comes as a
//! signed webhook and takes effect once.
//!
//! - [`hook`]: who may send, and whether it is they; pure
//! - `calls`: calls that ring, for the desks that are open
//! - `alarms`: an alarm as an urgent request

mod alarms;
mod calls;
pub mod hook;

pub use hook::Hooks;

use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::routing::get;
use sanbao_platform::http::Routes;
use sanbao_platform::problem::{Problem, UNAUTHENTICATED};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::App;
use hook::Hook;

pub(crate) use calls::part as calls_part;

/// Bytes of a signal at most: it is hashed once for each sender before anybody knows whose it is.
pub const SIGNAL_BYTES_MAX: usize = 16 * 1024;

/// The answer to a signal.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SignalTaken {
    /// False where this signal was taken before: its sender has tried again, and nothing more happens.
    pub taken: bool,
}

/// The routes of this part.
pub fn routes() -> Routes<App> {
    let short = || DefaultBodyLimit::max(SIGNAL_BYTES_MAX);
    let api = OpenApiRouter::new()
        .routes(routes!(calls::call).layer(short()))
        .routes(routes!(calls::events))
        .routes(routes!(alarms::alarm).layer(short()));
    Routes::new().merge(api).page("/requests/calls", get(calls::page))
}

/// The sender of a signal, its id, and what it says.
fn signed<'a, T: DeserializeOwned>(
    app: &'a App,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(&'a Hook, String, T), Problem> {
    let sender = app.config.hooks.sender(headers, body, app.deps.clock.now()).map_err(|refusal| {
        tracing::warn!(%refusal, "a signal was refused");
        let (zh, en) =
            ("签名不对、已过期，或没有这个发送方", "The signature is wrong or too old, or its sender is not known");
        Problem::new(&UNAUTHENTICATED).detail(zh, en)
    })?;
    let (hook, id) = sender;
    let told = serde_json::from_slice(body)
        .map_err(|_| Problem::field("", "内容不是所要求的 JSON", "The body is not the JSON that is asked for"))?;
    Ok((hook, id, told))
}
