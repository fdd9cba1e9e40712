//! Log-ins: passwords, tokens and their families, browsers, shared tablets.

pub(super) mod api;
mod device;
mod login;
mod store;

pub(super) use store::end_all;
