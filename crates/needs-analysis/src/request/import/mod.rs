//! Requests from a file: checked row by row, taken over in chunks, the same again when the file comes again.
//!
//! - [`input`]: bytes become rows: encoding, header, fields
//! - [`view`]: what is told of an import, personal values masked
//! - [`run`](run()): the import itself, for the API and the command line alike
//!
//! A row is known by (organisation, source, external id): two organisations may have sources of one name, and neither
//! learns of the other's. One that is known and unchanged is left alone, one that
//! changed is brought up to date: a step of the request's life, in which what a person decided at triage is kept. A
//! request that is closed, cancelled or merged is left as it is and told. An import that was killed is simply run
//! again. A bad row stops no good one. A dry run does all but write.

mod api;
pub mod input;
mod run;
mod store;
pub mod view;

pub use api::routes;
pub use run::{ImportError, ImportOptions, Importer, run};
pub use sanbao_platform::table::{FILE_BYTES_MAX, Imports, KINDS, RowError};
pub use view::Report;
