//! Handing a person over: another care home asks, the side that has the record answers, and the record leads on.
//!
//! A care home that registers somebody makes a record of its own and is told nothing of others' records. It may ask that
//! the person be **handed over** to it, whether or not anybody has them: the answer is the same. Those who have a record
//! with the same paper see what is asked of them. When they accept, their record leads on to the new one, with what is not
//! done; what is done stays with them, under the record as they had it.

pub(in crate::account) mod api;
mod home;
mod input;
mod model;
mod policy;
mod side;
mod state;
mod steps;
mod store;
mod view;

pub(in crate::account) use input::{AgreementBy, AgreementHow, TransferList};
pub use model::TransferId;
pub use state::{TransferStateName, TransferStepName};
pub(in crate::account::person) use store::{had, was_handed_over};
pub(in crate::account) use view::TransferView;

/// The topic of live lists.
pub(in crate::account) const TOPIC: &str = "transfers";
