//! Log-ins: passwords, tokens and their families, browsers, shared tablets.

pub(super) mod api;
mod device;
mod ending;
mod login;
mod own;
mod place;
mod proof;
mod store;

pub(super) use ending::{CATALOGUE, end_all, end_in, end_others, end_own, rights_lost};
pub(super) use own::{LogInView, list, list_of};
#[cfg(test)]
pub(super) use place::DeviceKind;
pub(super) use proof::{prove, renewed};
