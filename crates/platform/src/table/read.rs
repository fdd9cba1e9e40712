//! A file of rows, piece by piece: text or a sheet, under a header in Chinese or English.
//!
//! Each line of a file belongs to exactly one row, to the header, to what stands above it, or is blank; [`Passed`] counts
//! those that are no rows.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fault::{Mask, meant};
use super::header::{HEADER_ROWS_MAX, Header};
use super::records::{QUOTE_OPEN, Record, Records, TextPlace, fits};
use super::sheet::{self, Sheet, SheetError};
use super::text::decode;

/// Rows of a file, without its header.
pub const ROWS_MAX: u64 = 200_000;
/// Columns of a row, those of no field here among them.
pub const COLUMNS_MAX: usize = 100;
/// Bytes of a row.
pub const ROW_BYTES_MAX: usize = 64 * 1024;
/// The characters that part cells, the usual one first.
const SEPARATORS: [u8; 3] = [b',', b'\t', b';'];
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
}

/// The columns that a file of a kind may have.
#[derive(Debug)]
pub struct Columns {
    /// Each field with the words by which files head its column, beside its own name.
    pub words: &'static [(&'static str, &'static [&'static str])],
    /// The fields that must be among them.
    pub needed: &'static [&'static str],
    /// The fields of digits, which a spreadsheet keeps as text by an apostrophe before them.
    pub digits: &'static [&'static str],
    /// The fields that are told of people, and how much of them a report shows.
    pub masks: &'static [(&'static str, Mask)],
}

/// One row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// The line on which it begins, as a person counts: the first of a file is line 1. Of a sheet, its number there.
    pub line: u64,
    /// The line on which it ends: a later one where a cell has line breaks in it.
    pub last: u64,
    /// The filled-in cells by their field, or the code of why it cannot be read.
    pub cells: Result<Vec<(&'static str, String)>, &'static str>,
    /// All cells as they stand, also those of no field; none where it could not be divided.
    pub said: Vec<String>,
    /// Of one that could not be divided each line, cut at the separators whatever its marks say.
    pub apart: Vec<Vec<String>>,
}

impl TableRow {
    /// The line at which a fault of the whole row stands.
    pub fn fault_line(&self) -> u64 {
        if self.cells == Err(QUOTE_OPEN) { self.last } else { self.line }
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
}

impl TableFile {
    /// The file of these bytes, if it is within the bounds and its header names what is needed.
    pub fn open(bytes: Vec<u8>, columns: &'static Columns) -> Result<Self, TableError> {
        if sheet::is_container(&bytes) {
            return Self::of_sheet(Sheet::open(bytes)?, columns);
        }
        Self::of_text(decode(bytes)?, columns)
    }

    fn of_text(text: String, columns: &'static Columns) -> Result<Self, TableError> {
        let start = TextPlace { byte: 0, line: 1 };
        let mut records = Records::new(text, SEPARATORS[0]);
        let (mut first, mut separators) = (start, SEPARATORS.to_vec());
        if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] = *records.line(start).as_bytes() {
            (first, separators) = (records.next_line(start), vec![separator]);
        }
        let mut best: Option<(Header, TextPlace, u8, u64)> = None;
        let mut failed = None;
        for separator in separators {
            records.separator = separator;
            match text_header(&records, first, columns) {
                Ok(Some((header, at, line))) => {
                    if best.as_ref().is_none_or(|(known, ..)| header.known() > known.known()) {
                        best = Some((header, at, separator, line));
                    }
                }
                Ok(None) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed.filter(|_| best.as_ref().is_none_or(|(header, ..)| header.known() == 0)) {
            return Err(error);
        }
        let Some((header, at, separator, line)) = best else { return Err(TableError::Empty) };
        header.check(columns)?;
        records.separator = separator;
        records.columns = Some(header.fields.len());
        records.at = at;
        let passed = Passed { above: line - 1, header: at.line - line, blank: 0 };
        let mut notes = FileNotes { unused: header.unused(), ..FileNotes::default() };
        notes.above = above_of(&records, first, line);
        let mut table = Self { source: Source::Text(records), columns, header, total: 0, notes, passed };
        table.measure(at)?;
        Ok(table)
    }

    fn of_sheet(mut sheet: Sheet, columns: &'static Columns) -> Result<Self, TableError> {
        let (header, above, rows) = sheet_header(&mut sheet, columns)?;
        header.check(columns)?;
        let mut notes = FileNotes { unused: header.unused(), above, ..FileNotes::default() };
        notes.sheet = Some(sheet.name.clone());
        (notes.sheets_left, notes.hidden_rows) = (sheet.others, sheet.hidden);
        let passed = Passed { above, header: rows, blank: 0 };
        let begin = sheet.at();
        let mut table = Self { source: Source::Sheet(sheet), columns, header, total: 0, notes, passed };
        table.total = table.count()?;
        if let Source::Sheet(sheet) = &mut table.source {
            sheet.go_to(begin);
        }
        Ok(table)
    }

    /// Counts the rows, and goes back to the first of them.
    fn measure(&mut self, begin: TextPlace) -> Result<(), TableError> {
        self.total = self.count()?;
        if let Source::Text(records) = &mut self.source {
            records.at = begin;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<u64, TableError> {
        let (mut rows, mut blank) = (0, 0);
        while let Some(record) = self.next()? {
            if record.is_blank() {
                blank += 1 + record.last - record.line;
                continue;
            }
            rows += 1;
            if rows > ROWS_MAX {
                return Err(TableError::TooManyRows);
            }
        }
        self.passed.blank = blank;
        Ok(rows)
    }

    fn next(&mut self) -> Result<Option<Record>, TableError> {
        match &mut self.source {
            Source::Text(records) => records.next(),
            Source::Sheet(sheet) => Ok(sheet.next()),
        }
    }

    /// The next rows, `most` at most. None are left when there are none.
    pub fn rows(&mut self, most: usize) -> Vec<TableRow> {
        let mut rows = Vec::new();
        while rows.len() < most {
            // What is beyond a bound has been refused when the file was measured.
            let Ok(Some(record)) = self.next() else { break };
            if !record.is_blank() {
                rows.push(self.row(record));
            }
        }
        rows
    }

    /// The headings as they stand, for a file of rows to mend.
    pub fn headings(&self) -> &[String] {
        &self.header.headings
    }

    fn row(&self, record: Record) -> TableRow {
        let (line, last) = (record.line, record.last);
        let mut said = match record.cells {
            Ok(cells) => cells,
            Err(code) => return TableRow { line, last, cells: Err(code), said: Vec::new(), apart: record.apart },
        };
        let columns = self.header.fields.len();
        if matches!(self.source, Source::Sheet(_)) {
            said.resize(said.len().max(columns), String::new());
        }
        let cells = if fits(&said, columns) { self.filled(&said) } else { Err("column_count") };
        TableRow { line, last, cells, said, apart: Vec::new() }
    }

    fn filled(&self, said: &[String]) -> Result<Vec<(&'static str, String)>, &'static str> {
        let first = said.iter().map(|cell| cell.trim()).find(|cell| !cell.is_empty()).unwrap_or_default();
        if SUMS.contains(&first.trim_end_matches([':', '：']).to_lowercase().as_str()) {
            return Err("sums");
        }
        let named = self.header.fields.iter().zip(said).filter_map(|(field, cell)| Some(((*field)?, plain(cell))));
        let filled = named.filter_map(|(field, cell)| {
            let cell = cell.strip_prefix('\'').filter(|_| self.columns.digits.contains(&field)).unwrap_or(cell);
            (!cell.is_empty()).then(|| (field, cell.to_owned()))
        });
        Ok(filled.collect())
    }
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

/// The header in the first rows of a text: itself, the place behind it, and its line. Without any known heading, the first
/// row is taken for it, so that what is missing can be named.
fn text_header(
    records: &Records,
    first: TextPlace,
    columns: &Columns,
) -> Result<Option<(Header, TextPlace, u64)>, TableError> {
    let (mut at, mut best, mut seen) = (first, None::<(Header, TextPlace, u64)>, 0);
    while seen < HEADER_ROWS_MAX {
        let (record, next) = match records.read(at) {
            Ok(Some(read)) => read,
            Ok(None) => break,
            // Beyond a bound, but perhaps below the header: then it is told when the rows are counted.
            Err(_) if best.as_ref().is_some_and(|(header, ..)| header.known() > 0) => break,
            Err(error) => return Err(error),
        };
        // A mark in a title must not hide the header: each line may begin it.
        if !records.line(at).trim().is_empty() {
            seen += 1;
        }
        if let Ok(cells) = &record.cells
            && !record.is_blank()
        {
            let header = Header::of(columns, cells);
            let better = best.as_ref().is_none_or(|(known, ..)| header.known() > known.known());
            if better {
                best = Some((header, next, at.line));
            }
        }
        at = records.next_line(at);
    }
    Ok(best)
}

/// The filled-in lines above a line.
fn above_of(records: &Records, start: TextPlace, header: u64) -> u64 {
    let (mut at, mut filled) = (start, 0);
    while at.line < header {
        filled += u64::from(!records.line(at).trim().is_empty());
        at = records.next_line(at);
    }
    filled
}

/// The header in the first rows of a sheet: itself, the filled-in rows above it, and its own rows. One of two rows has
/// cells that are merged downwards or over several columns.
fn sheet_header(sheet: &mut Sheet, columns: &Columns) -> Result<(Header, u64, u64), TableError> {
    let (mut best, mut seen) = (None::<(Header, u64, u64, usize)>, 0);
    let mut above: Option<Header> = None;
    while seen < HEADER_ROWS_MAX as u64
        && let Some(record) = sheet.next()
    {
        let Ok(cells) = &record.cells else { continue };
        let header = Header::of(columns, cells);
        let known = |best: &Option<(Header, u64, u64, usize)>| best.as_ref().map(|(header, ..)| header.known());
        if known(&best).is_none_or(|most| header.known() > most) {
            best = Some((header.clone(), seen, 1, sheet.at()));
        }
        if let Some(above) = above.filter(|above| above.known() > 0 && header.known() > 0) {
            let both = header.under(&above, columns);
            if known(&best).is_none_or(|most| both.known() > most) {
                best = Some((both, seen - 1, 2, sheet.at()));
            }
        }
        above = Some(header);
        seen += 1;
    }
    let Some((header, above, rows, at)) = best else { return Err(TableError::Empty) };
    sheet.go_to(at);
    Ok((header, above, rows))
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
