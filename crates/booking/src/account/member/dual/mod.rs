//! Dual control (双人复核): where an organisation wants it, one administrator alone makes none and takes over none. What would,
//! becomes an order that waits for the yes of another administrator.

pub(super) mod api;
mod order;
mod rule;
mod second;
mod store;
mod view;

pub(in crate::account) use order::DualOrder;
pub(in crate::account) use rule::guards;
pub(in crate::account) use rule::is_on;
pub(super) use rule::{hold, is_administrator, still_two};
pub(in crate::account) use store::{StandingOrder, give, list};
pub(in crate::account) use view::OrderView;
