//! Requests from a file: checked row by row, taken over in chunks, the same again when the file comes again.
//!
//! - [`table`]: bytes become rows: encoding, header, fields
//! - [`report`]: what is told of an import, personal values masked
//! - [`run`](run()): the import itself, for the API and the command line alike
//!
//! A row is known by (source, external id). One that is known and unchanged is left alone, one that
//! changed is brought up to date, so an import that was killed is simply run again. A bad row stops
//! no good one. A dry run does all but write.

mod api;
pub mod report;
mod run;
pub mod table;

pub use api::{FILE_BYTES_MAX, routes};
pub use report::{Report, RowError};
pub use run::{ImportError, ImportOptions, run};
