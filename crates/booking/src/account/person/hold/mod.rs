//! A legal hold (保全): a record that must not be erased, because a quarrel, an inquiry or a court needs it. Each organisation
//! that may erase sets and lifts its own, with a reason; what would erase the person is refused while one stands.

pub(super) mod api;
mod store;
mod told;
mod view;

pub(in crate::account) use api::listed;
pub(super) use store::{load_locked, require_none};
pub(in crate::account) use told::task;
pub(crate) use told::tell_if_held;
pub(in crate::account) use view::HoldView;
