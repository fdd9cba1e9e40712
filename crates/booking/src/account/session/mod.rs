//! Log-ins: passwords, tokens and their families, browsers, shared tablets.

mod api;
mod device;
mod login;
mod store;

pub(super) use api::routes;
pub(super) use store::end_all;
