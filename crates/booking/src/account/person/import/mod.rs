//! Residents and elders from a file: a rehearsal, the real run, and the same again.
//!
//! - `input`: which columns a file of people has, and the person that a row tells of
//! - `said`: the fields as the file says them, and what of a record is still as the file left it
//! - `known`: the people of the rows before, so that one who stands in the file twice is one
//! - `store`: the rows by which people are found again
//! - `reseal`: its sealed texts, for sealing them anew
//! - `run`: the import itself, some rows in a transaction each
//!
//! A row is known by (organisation, source, external id); one without an id by what it says of the person. A row that comes
//! again changes nothing. A changed one brings the record up to date, field by field: what a person has decided by hand
//! since stays, and is told. The name alone must be there: of anything else that cannot be read the text is kept, sealed,
//! and the row is taken with a warning. Each row is counted exactly once.

mod api;
mod input;
mod known;
pub mod reseal;
mod run;
mod said;
mod store;
mod view;

pub(in crate::account) use api::routes;
pub use run::PERSON_ROWS_MAX;
pub use view::PersonReport;
