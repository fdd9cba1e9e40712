//! Files of rows, as every import reads them: bytes become rows, faults stand at their line, and one import runs at a time.

mod body;
mod fault;
mod read;

pub use body::{FILE_BYTES_MAX, Imports, KINDS};
pub use body::{file, refused_table};
pub use fault::{ERRORS_MAX, Fault, RowError, whole_row};
pub use read::{Columns, Table, TableError, TableRow};
