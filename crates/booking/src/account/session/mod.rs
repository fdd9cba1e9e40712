//! Log-ins: passwords, tokens and their families, browsers, shared tablets.

mod api;
mod device;
mod ending;
mod login;
mod store;

pub(super) use api::routes;
pub(super) use ending::{CATALOGUE, end_all, rights_lost};
