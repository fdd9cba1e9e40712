//! Consents to keep what is known of somebody, and to hand it over: each an entry of its own, withdrawn as easily as given.
//!
//! The last act about a scope counts. Where that was a withdrawal, what it was about is refused: care facts are not changed any
//! more, or the person is not handed over. Where nobody has asked yet, nothing is refused.

pub(in crate::account) mod api;
mod input;
mod model;
mod state;
mod steps;
mod store;
mod view;

pub use model::SharingScope;
pub use state::SharingStateName;
pub(in crate::account::person) use store::{is_withdrawn, require_not_withdrawn};
pub(in crate::account) use view::SharingConsentView;
