//! A file of rows, piece by piece: text or a sheet, under a header in Chinese or English.
//!
//! Each line of a file belongs to exactly one row, to the header, to what stands above it, or is blank; [`Passed`] counts
//! those that are no rows.

use std::io::{Cursor, Read as _, Seek as _};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fault::{Fault, Mask, RowPlace, meant, whole_row};
use super::header::Header;
use super::heading::{TextHead, sheet_header, text_header};
use super::records::{QUOTE_OPEN, Record, Records, TextPlace, fits};
use super::sheet::{self, Sheet, SheetError};
use super::text::{FileBytes, TextSource, filled, unreadable};
use crate::cn::half_width;
use crate::crypto::sha256_hex;

/// Rows of a file, without its header.
pub const ROWS_MAX: u64 = 1_000_000;
/// Columns of a row, those of no field here among them.
pub const COLUMNS_MAX: usize = 100;
/// Bytes of a row.
pub const ROW_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a workbook: unlike text it is held while it is read.
pub const WORKBOOK_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// The characters that part cells, the usual one first.
const SEPARATORS: [u8; 3] = [b',', b'\t', b';'];
/// The code of a row of sums.
const SUMS_ROW: &str = "sums";
/// The words in the first cell of a row of sums.
const SUMS: [&str; 5] = ["合计", "总计", "小计", "共计", "total"];

/// Why a file cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// None of the encodings.
    #[error("neither UTF-8 nor GB 18030, nor UTF-16 with its mark")]
    Encoding,
    /// Some bytes of UTF-8 text are not.
    #[error("UTF-8 text that is damaged at line {0}")]
    DamagedUtf8(u64),
    /// Half a character in UTF-16.
    #[error("UTF-16 text that is damaged")]
    DamagedUtf16,
    /// UTF-16 text that does not say which of the two orders it has.
    #[error("UTF-16 text without its mark: save it as CSV UTF-8")]
    Utf16WithoutMark,
    /// A spreadsheet of no kind that is read.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// No such column in the header.
    #[error("columns are missing: {0}")]
    MissingColumns(String),
    /// Two columns for one field.
    #[error("a column stands twice: {0}")]
    TwiceColumn(&'static str),
    /// More rows than are read.
    #[error("more than {ROWS_MAX} rows: divide the file")]
    TooManyRows,
    /// More columns than are read.
    #[error("more than {COLUMNS_MAX} columns in the row at line {0}")]
    TooManyColumns(u64),
    /// A row of more bytes than are read.
    #[error("more than {ROW_BYTES_MAX} bytes in the row at line {0}")]
    RowTooLong(u64),
    /// Its bytes could not be had from where they lie.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
}

/// The columns that a file of a kind may have.
#[derive(Debug)]
pub struct Columns {
    /// Each field with the words by which files head its column, beside its own name.
    pub words: &'static [(&'static str, &'static [&'static str])],
    /// Words that head a column of a field where nothing else in the header does, the best first.
    pub spare: &'static [(&'static str, &'static [&'static str])],
    /// The fields that must be among them.
    pub needed: &'static [&'static str],
    /// The fields of digits, which a spreadsheet keeps as text by an apostrophe before them.
    pub digits: &'static [&'static str],
    /// The fields that are told of people, and how much of them a report shows.
    pub masks: &'static [(&'static str, Mask)],
}

/// The headings of a file as a person has said what they mean: the field, or none where nothing is to be read under it.
pub type SaidHeadings = [(String, Option<&'static str>)];

/// How headings become columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads<'a> {
    pub(super) columns: &'static Columns,
    pub(super) said: &'a SaidHeadings,
}

/// One row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// Its number as a spreadsheet counts rows, the first of a file being 1.
    pub line: u64,
    /// The line of the file on which it begins: a later one than its number where a cell above has line breaks in it. Of a sheet
    /// its number.
    pub first: u64,
    /// The line on which it ends.
    pub last: u64,
    /// The filled-in cells by their field, or the code of why it cannot be read.
    pub cells: Result<Vec<(&'static str, String)>, &'static str>,
    /// All cells as they stand, also those of no field; none where it could not be divided.
    pub said: Vec<String>,
    /// Of one that could not be divided each line, cut at the separators whatever its marks say.
    pub apart: Vec<Vec<String>>,
}

impl TableRow {
    /// The place at which a fault of the whole row stands.
    pub fn fault_line(&self) -> RowPlace {
        RowPlace { row: self.line, line: if self.cells == Err(QUOTE_OPEN) { self.last } else { self.first } }
    }

    /// Why it is left out although nothing is wrong with it: a row of sums.
    pub fn skipped(&self) -> Option<Fault> {
        (self.cells == Err(SUMS_ROW)).then(|| whole_row(SUMS_ROW))
    }
}

/// The things about a file that its rows do not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileNotes {
    /// Headings under which nothing is read.
    pub unused: Vec<String>,
    /// The sheet that was read, where the file has sheets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Other sheets with something in them, which were not read.
    pub sheets_left: u64,
    /// Rows that the spreadsheet hides; they are read as the others are.
    pub hidden_rows: u64,
    /// Filled-in rows above the header.
    pub above: u64,
    /// Rows of the header: two where its cells are merged.
    #[serde(default)]
    pub heading: u64,
    /// Rows without anything in them.
    #[serde(default)]
    pub blank: u64,
    /// All rows of the file as a spreadsheet numbers them: those above the header, of it, blank, and those with data.
    #[serde(default)]
    pub records: u64,
}

/// The lines of a file that are no rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Above the header, blank ones among them.
    pub above: u64,
    pub header: u64,
    /// Blank ones below it.
    pub blank: u64,
}

/// The source of the records.
#[derive(Debug)]
enum Source {
    Text(Records),
    Sheet(Sheet),
}

/// The place of the first row: of a text with its number, of a sheet among its filled-in ones.
#[derive(Clone, Copy, Debug)]
enum Begin {
    Text(TextPlace, u64),
    Sheet(usize),
}

/// A file that is read piece by piece.
#[derive(Debug)]
pub struct TableFile {
    source: Source,
    columns: &'static Columns,
    header: Header,
    /// Its rows, blank ones left out.
    pub total: u64,
    /// The things to say of it.
    pub notes: FileNotes,
    /// The lines that are no rows.
    pub passed: Passed,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub hash: String,
}

impl TableFile {
    /// The file of these bytes, if it is within the bounds and its header names what is needed.
    pub fn open(bytes: Vec<u8>, columns: &'static Columns) -> Result<Self, TableError> {
        Self::open_as(Box::new(Cursor::new(bytes)), columns, &[])
    }

    /// The same of bytes wherever they lie, where a person has said what some headings mean.
    pub fn open_as(
        bytes: Box<dyn FileBytes>,
        columns: &'static Columns,
        said: &SaidHeadings,
    ) -> Result<Self, TableError> {
        let (mut table, begin) = Self::found(bytes, Heads { columns, said })?;
        table.header.check(columns)?;
        table.measure(begin)?;
        Ok(table)
    }

    /// The headings of a file with the fields under them, whether or not all that is needed is there.
    pub fn headings_of(
        bytes: Box<dyn FileBytes>,
        columns: &'static Columns,
        said: &SaidHeadings,
    ) -> Result<Vec<(String, Option<&'static str>)>, TableError> {
        Ok(Self::found(bytes, Heads { columns, said })?.0.header.told())
    }

    /// The file with its header, and the place of its first row.
    fn found(mut bytes: Box<dyn FileBytes>, heads: Heads<'_>) -> Result<(Self, Begin), TableError> {
        let mut first = [0; 8];
        bytes.rewind().map_err(unreadable)?;
        let read = filled(&mut *bytes, &mut first)?;
        if sheet::is_container(&first[..read]) {
            let workbook = workbook(&mut *bytes)?;
            let hash = sha256_hex(&workbook);
            return Self::of_sheet(Sheet::open(workbook)?, hash, heads);
        }
        let (source, hash) = TextSource::open(bytes)?;
        Self::of_text(Records::of(source, SEPARATORS[0])?, hash, heads)
    }

    fn of_text(mut records: Records, hash: String, heads: Heads<'_>) -> Result<(Self, Begin), TableError> {
        let start = TextPlace { byte: 0, line: 1 };
        let (mut first, mut separators) = (start, SEPARATORS.to_vec());
        if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] = *records.line(start).as_bytes() {
            (first, separators) = (records.next_line(start), vec![separator]);
        }
        let mut best: Option<(Header, TextHead, u8)> = None;
        let mut failed = None;
        for separator in separators {
            records.separator = separator;
            match text_header(&records, first, heads) {
                Ok(Some((header, head))) => {
                    if best.as_ref().is_none_or(|(known, ..)| header.known() > known.known()) {
                        best = Some((header, head, separator));
                    }
                }
                Ok(None) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed.filter(|_| best.as_ref().is_none_or(|(header, ..)| header.known() == 0)) {
            return Err(error);
        }
        let Some((header, head, separator)) = best else { return Err(TableError::Empty) };
        records.separator = separator;
        let (above, blank) = records.between(first, head.at);
        records.columns = Some(header.fields.len());
        (records.at, records.row) = (head.below, above + head.rows + 1);
        let passed = Passed { above: head.at.line - 1, header: head.below.line - head.at.line, blank: 0 };
        let notes = FileNotes {
            unused: header.unused(),
            above: above - blank,
            heading: head.rows,
            blank,
            ..FileNotes::default()
        };
        let columns = heads.columns;
        let begin = Begin::Text(head.below, records.row);
        Ok((Self { source: Source::Text(records), columns, header, total: 0, notes, passed, hash }, begin))
    }

    fn of_sheet(mut sheet: Sheet, hash: String, heads: Heads<'_>) -> Result<(Self, Begin), TableError> {
        let (header, above, heading) = sheet_header(&mut sheet, heads)?;
        let ((records, blank), columns) = (sheet.extent(), heads.columns);
        let (name, sheets_left, hidden_rows) = (Some(sheet.name.clone()), sheet.others, sheet.hidden);
        let unused = header.unused();
        let notes = FileNotes { unused, sheet: name, sheets_left, hidden_rows, above, heading, blank, records };
        let (passed, begin) = (Passed { above, header: heading, blank: 0 }, Begin::Sheet(sheet.at()));
        Ok((Self { source: Source::Sheet(sheet), columns, header, total: 0, notes, passed, hash }, begin))
    }

    /// Counts the rows, and goes back to the first of them.
    fn measure(&mut self, begin: Begin) -> Result<(), TableError> {
        let (rows, blank) = self.count()?;
        self.total = rows;
        match (&mut self.source, begin) {
            (Source::Text(records), Begin::Text(at, row)) => {
                self.notes.blank += blank;
                self.notes.records = records.row - 1;
                records.go_to(at, row)?;
            }
            (Source::Sheet(sheet), Begin::Sheet(at)) => sheet.go_to(at),
            _ => {}
        }
        Ok(())
    }

    /// How many rows follow, and how many blank ones among them.
    fn count(&mut self) -> Result<(u64, u64), TableError> {
        let (mut rows, mut blank, mut lines) = (0, 0, 0);
        while let Some(record) = self.next()? {
            if record.is_blank() {
                lines += 1 + record.last - record.line;
                blank += 1;
                continue;
            }
            rows += 1;
            if rows > ROWS_MAX {
                return Err(TableError::TooManyRows);
            }
        }
        self.passed.blank = lines;
        Ok((rows, blank))
    }

    fn next(&mut self) -> Result<Option<Record>, TableError> {
        match &mut self.source {
            Source::Text(records) => records.next(),
            Source::Sheet(sheet) => Ok(sheet.next()),
        }
    }

    /// The next rows of a file that is held whole, `most` at most. None are left when there are none.
    pub fn rows(&mut self, most: usize) -> Vec<TableRow> {
        // What is beyond a bound has been refused when the file was measured, and bytes that are held can be read again.
        self.more_rows(most).unwrap_or_default()
    }

    /// The next rows of a file wherever its bytes lie: these may not be had any more.
    pub fn more_rows(&mut self, most: usize) -> Result<Vec<TableRow>, TableError> {
        let mut rows = Vec::new();
        while rows.len() < most
            && let Some(record) = self.next()?
        {
            if !record.is_blank() {
                rows.push(self.row(record));
            }
        }
        Ok(rows)
    }

    /// The headings as they stand, for a file of rows to mend.
    pub fn headings(&self) -> &[String] {
        &self.header.headings
    }

    fn row(&self, record: Record) -> TableRow {
        let (line, first, last) = (record.row, record.line, record.last);
        let mut said = match record.cells {
            Ok(cells) => cells,
            Err(code) => {
                return TableRow { line, first, last, cells: Err(code), said: Vec::new(), apart: record.apart };
            }
        };
        let columns = self.header.fields.len();
        if matches!(self.source, Source::Sheet(_)) {
            said.resize(said.len().max(columns), String::new());
        }
        let cells = if is_sums(&said) {
            Err(SUMS_ROW)
        } else if fits(&said, columns) {
            Ok(self.filled(&said))
        } else {
            Err("column_count")
        };
        TableRow { line, first, last, cells, said, apart: Vec::new() }
    }

    fn filled(&self, said: &[String]) -> Vec<(&'static str, String)> {
        let named = self.header.fields.iter().zip(said).filter_map(|(field, cell)| Some(((*field)?, plain(cell))));
        let filled = named.filter_map(|(field, cell)| {
            let cell = cell.strip_prefix('\'').filter(|_| self.columns.digits.contains(&field)).unwrap_or(cell);
            (!cell.is_empty()).then(|| (field, cell.to_owned()))
        });
        filled.collect()
    }
}

/// A workbook's bytes, if it is small enough to be held.
fn workbook(bytes: &mut dyn FileBytes) -> Result<Vec<u8>, TableError> {
    bytes.rewind().map_err(unreadable)?;
    let mut held = Vec::new();
    bytes.take(WORKBOOK_BYTES_MAX + 1).read_to_end(&mut held).map_err(unreadable)?;
    if held.len() as u64 > WORKBOOK_BYTES_MAX {
        return Err(SheetError::TooLarge.into());
    }
    Ok(held)
}

/// Whether a row is one of sums: its first filled-in cell says so, perhaps with the number behind.
fn is_sums(said: &[String]) -> bool {
    let first =
        said.iter().map(|cell| half_width(cell)).find(|cell| !cell.is_empty()).unwrap_or_default().to_lowercase();
    let behind = SUMS.iter().find_map(|word| first.strip_prefix(word));
    behind.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || ":.,".contains(c) || "条人户次元".contains(c)))
}

/// The text of a cell, out of what a spreadsheet writes around digits that are to stay text: `="0574"`; and out of what keeps
/// it from being a formula in a file of rows to mend.
fn plain(cell: &str) -> &str {
    let mut cell = meant(cell).trim();
    // What was kept from being a formula may have been so before.
    while meant(cell).len() < cell.len() {
        cell = meant(cell).trim();
    }
    cell.strip_prefix("=\"").and_then(|text| text.strip_suffix('"')).unwrap_or(cell)
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
