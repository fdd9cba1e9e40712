//! Offers: an organisation lets somebody who has an account elsewhere act for it too. Nobody types another's log-in: the offer
//! is a one-time link, which the person opens, reads, and accepts or declines.

pub(super) mod api;
mod input;
mod steps;
mod store;
mod view;

pub(in crate::account::member) use input::NewOffer;
pub(in crate::account::member) use steps::make;
pub(in crate::account) use steps::open;
pub(in crate::account) use store::list;
pub(in crate::account) use view::StoredOffer;
