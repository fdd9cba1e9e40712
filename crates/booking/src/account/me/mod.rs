//! One's own account: password, PIN, second factor, log-ins; the API beside its pages.

mod api;
mod page;

use sanbao_platform::http::Routes;

use crate::App;

pub(super) use page::log_in_line;

pub(super) fn routes() -> Routes<App> {
    Routes::new().merge(api::routes()).merge(page::routes())
}
