//! Requests from a file: checked row by row, taken over in chunks, the same again when the file comes again.
//!
//! - [`input`]: bytes become rows: encoding, header, fields
//! - `reading`: each row is good, bad or none; `spared`, `past` and `meaning` are what it may say beside the plain fields
//! - `mapping`: what an organisation has once said of a source's words
//! - [`view`]: what is told of an import, personal values masked
//! - [`run`](run()): the import itself, for the API and the command line alike; `options`: for whom
//! - `runs`, `spool`: it goes on beside the request that began it, also after the program was stopped
//! - `upload`: a large file comes in parts, and is put by as they come
//! - `undo`: it is taken back
//!
//! A row is known by (organisation, source, external id): two organisations may have sources of one name, and neither
//! learns of the other's. One that is known and unchanged is left alone, one that
//! changed is brought up to date: a step of the request's life, in which what a person decided at triage is kept. A
//! request that is closed, cancelled or merged is left as it is and told. An import that was killed goes on, or is simply run
//! again; it can be taken back. A bad row stops no good one. A dry run does all but write.

mod api;
pub mod input;
mod mapping;
mod meaning;
mod options;
mod page;
mod past;
mod reading;
mod run;
mod runs;
mod spared;
mod spool;
mod store;
mod undo;
mod upload;
pub mod view;

use sanbao_platform::http::Routes;

use crate::App;

pub use api::KINDS as RUN_KINDS;
pub use options::{ImportError, ImportOptions, Importer};
pub use run::run;
pub use runs::task;
pub use sanbao_platform::table::{FILE_BYTES_MAX, Imports, KINDS, RowError};
pub use undo::KEPT_LISTED_MAX;
pub use upload::UPLOAD_BYTES_MAX;
pub use view::Report;

/// The routes of this part.
pub fn routes() -> Routes<App> {
    Routes::from(api::routes()).merge(page::routes())
}

/// Goes on with every import that was broken off, as the task of the service does.
pub async fn go_on(app: &App) -> Result<(), ImportError> {
    runs::go_on(&run::Means::from(app)).await
}

/// Takes away what is kept no longer: rows to mend, and files that nobody has imported.
pub async fn forget_old(app: &App) -> Result<(), ImportError> {
    Ok(runs::forget(&run::Means::from(app)).await?)
}
