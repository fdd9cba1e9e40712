//! Files of rows, as every import reads them: CSV and XLSX become the same rows under the same header, faults stand at their
//! line, and one import runs at a time.
//!
//! - `text`: bytes become text, in the encodings that spreadsheets write
//! - `records`: text becomes records, so that no quotation mark swallows a row
//! - `sheet`: a workbook becomes records, after it was found to be small enough
//! - `header`, `heading`, `read`: which column is which, where the header stands, and the rows
//! - `fault`, `mend`: what is wrong with a row, and the rows to mend as a file
//! - `report`: what every import says of a file
//! - `write`: rows as a file for a spreadsheet
//! - `when`: days and times in the forms that people and spreadsheets write
//! - `body`: the file in a request

mod body;
mod fault;
mod header;
mod heading;
mod mend;
mod read;
mod records;
mod report;
mod sheet;
mod text;
pub mod when;
mod write;

pub use body::{FILE_BYTES_MAX, Imports, KINDS, XLSX, file, part, refused_table};
pub use fault::{ERRORS_MAX, Fault, Mask, RowError, RowPlace, whole_row};
pub use mend::{MEND_ROWS_MAX, Mend};
pub use read::{
    Columns, FileNotes, Passed, ROWS_MAX, SaidHeadings, TableError, TableFile, TableRow, WORKBOOK_BYTES_MAX,
};
pub use report::TableReport;
pub use sheet::SheetError;
pub use text::FileBytes;
pub use write::spreadsheet;
