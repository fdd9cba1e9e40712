//! Bytes become rows: UTF-8 (with or without its mark) or GB 18030, a header in Chinese or English.

use std::io::Cursor;

use encoding_rs::GB18030;

/// Rows of a file, without its header.
pub const ROWS_MAX: u64 = 200_000;
/// Columns of a row, those of no field here among them.
pub const COLUMNS_MAX: usize = 100;
/// Bytes of a row.
pub const ROW_BYTES_MAX: usize = 64 * 1024;

/// Why a file cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Neither UTF-8 nor GB 18030.
    #[error("neither UTF-8 nor GB 18030")]
    Encoding,
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
    #[error("more than {ROW_BYTES_MAX} bytes in the row at line {0}; perhaps a quotation mark is not closed")]
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
}

/// One row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// The line on which it begins, as a person counts: the header is line 1.
    pub line: u64,
    /// The line on which it ends: a later one where a cell has line breaks in it, or a quotation mark is not closed.
    pub last: u64,
    /// The filled-in cells by their field, or the code of why it cannot be read.
    pub cells: Result<Vec<(&'static str, String)>, &'static str>,
}

/// The text of a file. UTF-8 if it is that; else GB 18030, if all of it is.
fn decode(mut bytes: Vec<u8>) -> Result<String, TableError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error.into_bytes(),
    };
    let text = GB18030.decode_without_bom_handling_and_without_replacement(&bytes);
    text.map(std::borrow::Cow::into_owned).ok_or(TableError::Encoding)
}

/// How many rows a file has, blank ones left out. It holds one row at a time, so no file is too much for it. A file
/// that it has passed is not too much for the reader that holds it all.
fn measure(text: &str) -> Result<u64, TableError> {
    let (mut reader, mut rest, mut rows) = (csv_core::Reader::new(), text.as_bytes(), 0);
    let (mut row, mut ends) = (vec![0; ROW_BYTES_MAX], [0; COLUMNS_MAX]);
    let (mut bytes, mut begins) = (0, reader.line());
    loop {
        // All columns of a row are told at once: a row that does not fit is refused, so nothing is ever told in parts.
        let (result, read, written, _) = reader.read_record(rest, &mut row[bytes..], &mut ends);
        (rest, bytes) = (&rest[read..], bytes + written);
        match result {
            csv_core::ReadRecordResult::InputEmpty => {}
            csv_core::ReadRecordResult::OutputFull => return Err(TableError::RowTooLong(begins)),
            csv_core::ReadRecordResult::OutputEndsFull => return Err(TableError::TooManyColumns(begins)),
            csv_core::ReadRecordResult::Record => {
                let blank = std::str::from_utf8(&row[..bytes]).is_ok_and(|cells| cells.trim().is_empty());
                rows += u64::from(!blank);
                // The header is one of these.
                if rows > ROWS_MAX + 1 {
                    return Err(TableError::TooManyRows);
                }
                (bytes, begins) = (0, reader.line());
            }
            csv_core::ReadRecordResult::End => return Ok(rows.saturating_sub(1)),
        }
    }
}

/// Which column of the file holds which field.
fn header(columns: &Columns, record: &csv::StringRecord) -> Result<Vec<Option<&'static str>>, TableError> {
    let mut fields = Vec::new();
    for cell in record {
        let word = cell.trim().to_lowercase();
        let known = columns.words.iter().find(|(name, words)| *name == word || words.contains(&word.as_str()));
        let field = known.map(|(name, _)| *name);
        if field.is_some_and(|name| fields.contains(&Some(name))) {
            return Err(TableError::TwiceColumn(field.unwrap_or_default()));
        }
        fields.push(field);
    }
    let missing: Vec<&str> = columns.needed.iter().filter(|n| !fields.contains(&Some(**n))).copied().collect();
    if missing.is_empty() { Ok(fields) } else { Err(TableError::MissingColumns(missing.join(", "))) }
}

/// A file that is read piece by piece.
#[derive(Debug)]
pub struct Table {
    reader: csv::Reader<Cursor<String>>,
    columns: &'static Columns,
    fields: Vec<Option<&'static str>>,
    lines: Lines,
    /// Its rows, blank ones left out.
    pub total: u64,
}

impl Table {
    /// The file of these bytes, if it is within the bounds and its header names what is needed.
    pub fn open(bytes: Vec<u8>, columns: &'static Columns) -> Result<Self, TableError> {
        let text = decode(bytes)?;
        let total = measure(&text)?;
        let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(Cursor::new(text));
        let mut first = csv::StringRecord::new();
        if !reader.read_record(&mut first).map_err(|_| TableError::Empty)? {
            return Err(TableError::Empty);
        }
        let fields = header(columns, &first)?;
        Ok(Self { reader, columns, fields, lines: Lines { byte: 0, line: 1 }, total })
    }

    /// The next rows, `most` at most. None are left when there are none.
    pub fn rows(&mut self, most: usize) -> Vec<TableRow> {
        let (mut rows, mut record) = (Vec::with_capacity(most), csv::StringRecord::new());
        while rows.len() < most {
            match self.reader.read_record(&mut record) {
                Ok(false) => break,
                Err(_) => {
                    let line = self.lines.line + 1;
                    rows.push(TableRow { line, last: line, cells: Err("unreadable") });
                }
                Ok(true) if record.iter().all(|cell| cell.trim().is_empty()) => {}
                Ok(true) => {
                    let byte = record.position().map_or(0, csv::Position::byte);
                    let line = self.lines.of(self.reader.get_ref().get_ref(), byte);
                    // A line break at the end of a cell begins no line of its own.
                    let text = record.iter().map(|cell| cell.trim_end_matches(['\r', '\n']));
                    let breaks: usize = text.map(|cell| cell.matches('\n').count()).sum();
                    let same = record.len() == self.fields.len();
                    let cells = if same { Ok(self.cells(&record)) } else { Err("column_count") };
                    rows.push(TableRow { line, last: line + breaks as u64, cells });
                }
            }
        }
        rows
    }

    fn cells(&self, record: &csv::StringRecord) -> Vec<(&'static str, String)> {
        let named = self.fields.iter().zip(record).filter_map(|(field, cell)| Some(((*field)?, cell.trim())));
        let plain = |(field, cell): (&'static str, &str)| {
            let cell = cell.strip_prefix('\'').filter(|_| self.columns.digits.contains(&field)).unwrap_or(cell);
            (!cell.is_empty()).then(|| (field, cell.to_owned()))
        };
        named.filter_map(plain).collect()
    }
}

/// Counts lines up to a byte. The reader's own count stands before the line ends that it passes over.
#[derive(Debug)]
struct Lines {
    byte: usize,
    line: u64,
}

impl Lines {
    /// The line on which the record that is found from `byte` of `text` on starts; asked in rising order.
    fn of(&mut self, text: &str, byte: u64) -> u64 {
        let bytes = text.as_bytes();
        let from = usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
        let start = from + bytes[from..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        if start > self.byte {
            let passed = text.get(self.byte..start).unwrap_or_default();
            self.line += passed.matches('\n').count() as u64;
            self.byte = start;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const HEADER: &str = "external_id,received_at,area_code,category,elder_name\n";

    #[test]
    fn each_bound_is_crossed_by_one() {
        let most = usize::try_from(ROWS_MAX).unwrap();
        assert_eq!(measure(&format!("{HEADER}{}", "1,2\n".repeat(most))), Ok(ROWS_MAX));
        assert_eq!(measure(&format!("{HEADER}{}", "1,2\n".repeat(most + 1))), Err(TableError::TooManyRows));
        let wide = |columns: usize| format!("{HEADER}1\n{}x\n", "x,".repeat(columns - 1));
        assert_eq!(measure(&wide(COLUMNS_MAX - 1)), Ok(2));
        assert_eq!(measure(&wide(COLUMNS_MAX + 1)), Err(TableError::TooManyColumns(3)));
        let long = |bytes: usize| format!("{HEADER}1\n\"{}\"\n", "x".repeat(bytes));
        assert_eq!(measure(&long(ROW_BYTES_MAX - 1)), Ok(2));
        assert_eq!(measure(&long(ROW_BYTES_MAX + 1)), Err(TableError::RowTooLong(3)));
        let open = format!("{HEADER}1\n\"{}", "x,\n".repeat(ROW_BYTES_MAX));
        assert_eq!(measure(&open), Err(TableError::RowTooLong(3)), "a quotation mark that is not closed");
    }

    #[test]
    fn a_row_says_on_which_lines_it_stands() {
        const COLUMNS: Columns = Columns { words: &[("a", &["甲"]), ("b", &[])], needed: &["a"], digits: &["a"] };
        let text = "甲,b\n1,2\n\n'3,\"4\n5\"\n\"6,7\n8,9\n";
        let mut table = Table::open(text.as_bytes().to_vec(), &COLUMNS).unwrap();
        let rows: Vec<_> = table.rows(9).into_iter().map(|row| (row.line, row.last, row.cells)).collect();
        assert_eq!(rows[0], (2, 2, Ok(vec![("a", "1".to_owned()), ("b", "2".to_owned())])));
        assert_eq!(rows[1], (4, 5, Ok(vec![("a", "3".to_owned()), ("b", "4\n5".to_owned())])));
        assert_eq!((rows[2].0, rows[2].1, rows[2].2.clone().unwrap_err()), (6, 7, "column_count"));
    }
}
