//! Log-ins: passwords, tokens and their families, browsers, shared tablets.

pub(super) mod api;
mod device;
mod ending;
mod login;
mod store;

pub(super) use ending::{CATALOGUE, end_all, rights_lost};
