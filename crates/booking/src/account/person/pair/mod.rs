//! Two records that may be of one person: proposed to those who may see both, until somebody says that they are two.
//!
//! Nothing is kept of a proposal. The pairs are found in the records as they are, by the indexes of telephones, birth
//! dates and papers; only that two are different people is remembered.

pub(in crate::account) mod api;
mod model;
mod similar;
mod store;
mod view;

pub use model::PairSign;
pub use store::candidates;
pub use view::PairView;
