//! Staff from a file: accounts that begin by one-time links, as those that are added by hand.
//!
//! - `input`: which columns a file of accounts has, and the account that a row tells of
//! - `run`: the import itself
//!
//! A row can give no role and no area that its administrator could not give by hand. An account that is there already is
//! left as it is, so that the same file again is harmless; where it differs from the file, that is said. The links are told
//! once, in the answer.

mod api;
mod input;
mod run;
mod view;

pub(in crate::account) use api::routes;
pub use run::ACCOUNT_ROWS_MAX;
pub use view::{AccountReport, ImportedLink};
