//! Text becomes records, so that each line belongs to exactly one of them.
//!
//! A quotation mark opens a cell where it is the first character of one; anywhere else it is text. A cell that it opens may
//! go over several lines, as a spreadsheet writes a cell with line breaks. A mark that was merely typed would swallow the
//! rows behind it. So a cell whose mark closes nowhere, or only behind lines most of which read as whole rows by themselves, is
//! a fault of the line on which the mark stands, and the lines behind it are read as rows of their own. Where lines can be
//! either, as in a file of one column, they are one fault: nothing is taken for a row that is none, and none is left out
//! without a word.

use super::read::{COLUMNS_MAX, ROW_BYTES_MAX, TableError};
use super::text::TextSource;

/// Bytes that are there from the place of a record on, or all that are left: more than what is looked at to read one.
const AHEAD_BYTES: usize = 4 * ROW_BYTES_MAX;
/// Bytes of the first piece: more than the header and all that may stand above it, but for blank lines.
const FIRST_BYTES: usize = 16 * ROW_BYTES_MAX;

/// Lines of a cell at most: what spreadsheets allow.
const CELL_LINES_MAX: u64 = 254;
/// The code of a record that holds a mark which does not close.
pub(super) const QUOTE_OPEN: &str = "quote_open";
/// The code of lines that may be one cell, and may be rows.
pub(super) const QUOTE_DOUBTFUL: &str = "quote_doubtful";
/// Columns of a file at most in which one line of a text can easily have as many.
const NARROW_COLUMNS_MAX: usize = 2;

/// The lines that a text's line ends divide it into, but for the last one.
#[cfg(test)]
pub(super) fn line_ends(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let ends = |at: &usize| bytes[*at] == b'\n' || (bytes[*at] == b'\r' && bytes.get(*at + 1) != Some(&b'\n'));
    (0..bytes.len()).filter(ends).count() as u64
}

/// One record: the lines on which it stands, the first being 1, and its cells or the code of why there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Its number as a spreadsheet counts rows: a cell with line breaks is in one of them.
    pub(super) row: u64,
    pub(super) line: u64,
    pub(super) last: u64,
    pub(super) cells: Result<Vec<String>, &'static str>,
    /// Of a record without cells each line, divided at the separators whatever its marks say.
    pub(super) apart: Vec<Vec<String>>,
}

impl Record {
    /// Whether nothing stands in it.
    pub(super) fn is_blank(&self) -> bool {
        self.cells.as_ref().is_ok_and(|cells| cells.iter().all(|cell| cell.trim().is_empty()))
    }
}

/// A place in the piece of text that is held: the byte, and its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextPlace {
    pub(super) byte: usize,
    pub(super) line: u64,
}

/// The text and how it is divided. A piece of it is held, and goes on with the records that are read.
#[derive(Debug)]
pub(super) struct Records {
    text: String,
    /// The text that follows.
    source: TextSource,
    /// Whether the piece is not the first any more.
    has_moved: bool,
    pub(super) separator: u8,
    /// The columns of the header; a row has as many. None while it is looked for.
    pub(super) columns: Option<usize>,
    pub(super) at: TextPlace,
    /// The number of the record there, as a spreadsheet counts rows.
    pub(super) row: u64,
}

/// How a cell that begins with a mark ends.
enum Close {
    /// At the second mark, this many lines below; the lines may be rows as well.
    At { mark: usize, lines: u64, doubtful: bool },
    /// It is no cell in marks: text follows the second mark.
    Text,
    /// Nowhere near enough.
    Nowhere,
}

/// A cell that was read: its text, and where the next one begins; or that its mark does not close.
enum Cell {
    Read { text: String, end: usize, doubtful: bool },
    Open,
}

impl Records {
    /// The text of a source from its first line on.
    pub(super) fn of(mut source: TextSource, separator: u8) -> Result<Self, TableError> {
        let mut text = String::new();
        source.more(&mut text, FIRST_BYTES)?;
        let at = TextPlace { byte: 0, line: 1 };
        Ok(Self { text, source, has_moved: false, separator, columns: None, at, row: 1 })
    }

    /// Goes to a place in the first piece, where a row of some number stands.
    pub(super) fn go_to(&mut self, at: TextPlace, row: u64) -> Result<(), TableError> {
        if self.has_moved {
            self.text.clear();
            self.source.rewind()?;
            self.source.more(&mut self.text, FIRST_BYTES)?;
            self.has_moved = false;
        }
        (self.at, self.row) = (at, row);
        Ok(())
    }

    /// Holds all of it.
    #[cfg(test)]
    pub(super) fn hold_all(&mut self) -> Result<(), TableError> {
        self.source.more(&mut self.text, usize::MAX / 2)
    }

    /// Lets go of what was read, and holds enough of what follows.
    fn hold_enough(&mut self) -> Result<(), TableError> {
        if self.text.len() - self.at.byte < AHEAD_BYTES && !self.source.has_ended() {
            self.text.drain(..self.at.byte);
            self.at.byte = 0;
            self.has_moved = true;
            self.source.more(&mut self.text, 2 * AHEAD_BYTES)?;
        }
        Ok(())
    }

    fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The text of the line that begins at a place.
    pub(super) fn line(&self, at: TextPlace) -> &str {
        &self.text[at.byte..self.end_of_line(at.byte)]
    }

    /// Where the line at a byte ends, its end not counted.
    fn end_of_line(&self, from: usize) -> usize {
        let end = self.bytes()[from..].iter().position(|b| matches!(b, b'\n' | b'\r'));
        end.map_or(self.text.len(), |end| from + end)
    }

    /// The byte behind the line end that stands at a byte.
    fn behind(&self, end: usize) -> usize {
        match self.bytes().get(end..) {
            Some([b'\r', b'\n', ..]) => end + 2,
            Some([b'\r' | b'\n', ..]) => end + 1,
            _ => end,
        }
    }

    /// The line after the one at a place.
    pub(super) fn next_line(&self, at: TextPlace) -> TextPlace {
        TextPlace { byte: self.behind(self.end_of_line(at.byte)), line: at.line + 1 }
    }

    /// The next record; none at the end of the text.
    pub(super) fn next(&mut self) -> Result<Option<Record>, TableError> {
        self.hold_enough()?;
        let Some((record, next)) = self.read(self.at)? else { return Ok(None) };
        self.at = next;
        self.row += 1;
        Ok(Some(record))
    }

    /// How many records stand from a place up to another, and how many of these are blank.
    pub(super) fn between(&self, from: TextPlace, to: TextPlace) -> (u64, u64) {
        let (mut place, mut all, mut blank) = (from, 0, 0);
        while place.byte < to.byte {
            let read = self.read(place).ok().flatten();
            blank += u64::from(read.as_ref().is_some_and(|(record, _)| record.is_blank()));
            place = read.map_or_else(|| self.next_line(place), |(_, next)| next);
            all += 1;
        }
        (all, blank)
    }

    /// The record at a place, and the place behind it.
    pub(super) fn read(&self, at: TextPlace) -> Result<Option<(Record, TextPlace)>, TableError> {
        if at.byte >= self.text.len() {
            return Ok(None);
        }
        let (mut cells, mut begin, mut line) = (Vec::new(), at.byte, at.line);
        let (mut opened, mut either) = (None, false);
        loop {
            let before = line;
            let (text, end) = match self.cell(begin, &mut line) {
                Cell::Read { text, end, doubtful } => {
                    either |= doubtful;
                    (text, end)
                }
                Cell::Open => return self.open(at, TextPlace { byte: begin, line }).map(Some),
            };
            if line > before {
                opened = opened.or(Some(TextPlace { byte: begin, line: before }));
            }
            if end - at.byte > ROW_BYTES_MAX {
                return Err(TableError::RowTooLong(at.line));
            }
            cells.push(text);
            if cells.len() > COLUMNS_MAX {
                return Err(TableError::TooManyColumns(at.line));
            }
            if self.bytes().get(end) == Some(&self.separator) {
                begin = end + 1;
                continue;
            }
            // A row over several lines that has not as many columns as the header is none: a mark was merely typed.
            let wrong = self.columns.is_some_and(|columns| !fits(&cells, columns));
            if let Some(opened) = opened.filter(|_| wrong) {
                return self.open(at, opened).map(Some);
            }
            let next = TextPlace { byte: self.behind(end), line: line + 1 };
            if either {
                return Ok(Some((self.apart(at, line, QUOTE_DOUBTFUL), next)));
            }
            let (row, apart) = (self.row, Vec::new());
            return Ok(Some((Record { row, line: at.line, last: line, cells: Ok(cells), apart }, next)));
        }
    }

    /// A record whose mark at a place does not close: up to the end of that line.
    fn open(&self, at: TextPlace, mark: TextPlace) -> Result<(Record, TextPlace), TableError> {
        if self.end_of_line(mark.byte) - at.byte > ROW_BYTES_MAX {
            return Err(TableError::RowTooLong(at.line));
        }
        Ok((self.apart(at, mark.line, QUOTE_OPEN), self.next_line(mark)))
    }

    /// The lines from a place to the one of a number, as a record that is none.
    fn apart(&self, at: TextPlace, last: u64, code: &'static str) -> Record {
        let (mut place, mut apart) = (at, Vec::new());
        while place.line <= last && place.byte < self.text.len() {
            apart.push(self.line(place).split(char::from(self.separator)).map(str::to_owned).collect());
            place = self.next_line(place);
        }
        Record { row: self.row, line: at.line, last, cells: Err(code), apart }
    }

    /// The cell that begins at a byte; `line` is counted on.
    fn cell(&self, begin: usize, line: &mut u64) -> Cell {
        if self.bytes().get(begin) == Some(&b'"') {
            match self.close(begin) {
                Close::At { mark, lines, doubtful } => {
                    *line += lines;
                    let text = self.text[begin + 1..mark].replace("\"\"", "\"");
                    return Cell::Read { text, end: self.past_spaces(mark + 1), doubtful };
                }
                Close::Nowhere => return Cell::Open,
                Close::Text => {}
            }
        }
        let end = self.end_of_cell(begin);
        Cell::Read { text: self.text[begin..end].to_owned(), end, doubtful: false }
    }

    /// Where a cell without marks ends.
    fn end_of_cell(&self, begin: usize) -> usize {
        let end = self.bytes()[begin..].iter().position(|b| *b == self.separator || matches!(b, b'\n' | b'\r'));
        end.map_or(self.text.len(), |end| begin + end)
    }

    fn past_spaces(&self, from: usize) -> usize {
        from + self.bytes()[from..].iter().take_while(|b| **b == b' ').count()
    }

    /// Whether a cell can end at a byte.
    fn ends_cell(&self, at: usize) -> bool {
        self.bytes().get(at).is_none_or(|b| *b == self.separator || matches!(b, b'\n' | b'\r'))
    }

    /// Where the mark at a byte closes.
    fn close(&self, mark: usize) -> Close {
        let bytes = self.bytes();
        let (mut at, mut lines, mut begins, mut rows) = (mark + 1, 0, mark, 0);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' if bytes.get(at + 1) == Some(&b'"') => at += 2,
                b'"' if self.ends_cell(self.past_spaces(at + 1)) => {
                    return if lines == 0 {
                        Close::At { mark: at, lines, doubtful: false }
                    } else {
                        self.over_lines((mark, at), lines, rows, begins)
                    };
                }
                b'"' if lines == 0 => return Close::Text,
                b'"' => return Close::Nowhere,
                b'\n' | b'\r' => {
                    // The line that ends here lies within the cell.
                    rows += u64::from(lines > 0 && self.is_row(begins));
                    (at, lines) = (self.behind(at), lines + 1);
                    begins = at;
                    if lines >= CELL_LINES_MAX {
                        return Close::Nowhere;
                    }
                }
                _ => at += 1,
            }
            if at - mark > ROW_BYTES_MAX {
                return Close::Nowhere;
            }
        }
        Close::Nowhere
    }

    /// How a cell ends whose second mark stands `lines` below the first, on the line that begins at a byte; so many of the
    /// lines between the two are rows by themselves.
    fn over_lines(&self, marks: (usize, usize), lines: u64, inner: u64, last: usize) -> Close {
        let first = self.text[..marks.0].rfind(['\n', '\r']).map_or(0, |end| end + 1);
        let (first, last) = (self.is_row(first), self.is_row(last));
        let rows = inner + u64::from(first) + u64::from(last);
        let is_narrow = self.columns.is_some_and(|columns| columns <= NARROW_COLUMNS_MAX);
        // A text hardly has so many separators on most of its lines: the two marks were merely typed.
        if inner > 0 && !is_narrow && rows * 2 > lines + 1 {
            return Close::Nowhere;
        }
        Close::At { mark: marks.1, lines, doubtful: inner > 0 || (first && last) }
    }

    /// Whether the line that begins at a byte has, by itself, the columns of the header.
    fn is_row(&self, begin: usize) -> bool {
        let Some(columns) = self.columns else { return false };
        let (mut begin, mut count) = (begin, 0);
        loop {
            count += 1;
            let end = self.alone(begin);
            if count > columns || self.bytes().get(end) != Some(&self.separator) {
                return count == columns && begin < self.text.len();
            }
            begin = end + 1;
        }
    }

    /// Where the cell at a byte ends on its line.
    fn alone(&self, begin: usize) -> usize {
        if self.bytes().get(begin) == Some(&b'"') {
            let line = &self.bytes()[..self.end_of_line(begin)];
            let mut at = begin + 1;
            while let Some(byte) = line.get(at) {
                match byte {
                    b'"' if line.get(at + 1) == Some(&b'"') => at += 2,
                    b'"' if self.ends_cell(self.past_spaces(at + 1)) => return self.past_spaces(at + 1),
                    b'"' => break,
                    _ => at += 1,
                }
            }
        }
        self.end_of_cell(begin)
    }
}

/// Whether a row has the columns of the header; empty cells behind them do not count.
pub(super) fn fits(cells: &[String], columns: usize) -> bool {
    cells.len() == columns || (cells.len() > columns && cells[columns..].iter().all(|cell| cell.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// The records of a text under a header of so many columns: first and last line, and the cells or the fault.
    fn records(text: &str, columns: usize) -> Vec<(u64, u64, String)> {
        let source = TextSource::open(Box::new(std::io::Cursor::new(text.to_owned()))).unwrap().0;
        let mut records = Records::of(source, b',').unwrap();
        records.columns = Some(columns);
        let read = std::iter::from_fn(|| records.next().unwrap());
        read.map(|r| (r.line, r.last, r.cells.map_or_else(str::to_owned, |cells| cells.join("|")))).collect()
    }

    fn told(expected: &[(u64, u64, &str)]) -> Vec<(u64, u64, String)> {
        expected.iter().map(|(line, last, text)| (*line, *last, (*text).to_owned())).collect()
    }

    #[test]
    fn a_cell_in_marks_is_kept_as_it_is() {
        for (text, expected) in [
            ("1,\"a,b\"\n2,\"\"\"x\"\"\"\n", vec![(1, 1, "1|a,b"), (2, 2, "2|\"x\"")]),
            ("1,\"a\nb\n\nc\"\r\n2,x", vec![(1, 4, "1|a\nb\n\nc"), (5, 5, "2|x")]),
            ("\"a\nb\",1\r2,x\r", vec![(1, 2, "a\nb|1"), (3, 3, "2|x")]),
            ("1,\"a\" \n2,x", vec![(1, 1, "1|a"), (2, 2, "2|x")]),
            ("1,a\"b\n2,\"好\"的\n3,5\"\n", vec![(1, 1, "1|a\"b"), (2, 2, "2|\"好\"的"), (3, 3, "3|5\"")]),
            ("\n\n1,2\n,\n", vec![(1, 1, ""), (2, 2, ""), (3, 3, "1|2"), (4, 4, "|")]),
            ("", vec![]),
        ] {
            assert_eq!(records(text, 2), told(&expected), "{text:?}");
        }
    }

    #[test]
    fn a_mark_that_was_merely_typed_swallows_no_row() {
        for (text, expected) in [
            ("1,\"a\n2,b\n3,c", vec![(1, 1, QUOTE_OPEN), (2, 2, "2|b"), (3, 3, "3|c")]),
            ("1,\"a\n2,b\n3,c\"\n4,d", vec![(1, 3, QUOTE_DOUBTFUL), (4, 4, "4|d")]),
            ("1,\"a\n2,b\"\n", vec![(1, 2, QUOTE_DOUBTFUL)]),
            ("1,\"a\n2,\"b\n", vec![(1, 1, QUOTE_OPEN), (2, 2, QUOTE_OPEN)]),
            ("1,\"a\nx\n", vec![(1, 1, QUOTE_OPEN), (2, 2, "x")]),
            ("\"1,a\n2,b\n", vec![(1, 1, QUOTE_OPEN), (2, 2, "2|b")]),
            ("\"1\nx\",\"a\n2,b\n", vec![(1, 2, QUOTE_OPEN), (3, 3, "2|b")]),
            ("1,\"a\nb\",2\n3,c", vec![(1, 1, QUOTE_OPEN), (2, 2, "b\"|2"), (3, 3, "3|c")]),
        ] {
            assert_eq!(records(text, 2), told(&expected), "{text:?}");
        }
    }

    #[test]
    fn two_marks_that_were_typed_swallow_no_row_of_a_wide_file() {
        let rows = |from: u64, to: u64| (from..=to).map(|n| (n, n, "1|2|3")).collect::<Vec<_>>();
        let typed = |between: usize| format!("1,2,\"3\n{}1,2,3\"\n1,2,3\n", "1,2,3\n".repeat(between));
        let mut expected = vec![(1, 1, QUOTE_OPEN)];
        expected.extend(rows(2, 100));
        expected.extend([(101, 101, "1|2|3\""), (102, 102, "1|2|3")]);
        assert_eq!(records(&typed(99), 3), told(&expected));
        assert_eq!(records(&typed(0), 3), told(&[(1, 2, QUOTE_DOUBTFUL), (3, 3, "1|2|3")]));
        let text = "1,2,\"甲,乙,丙\n一\n二\n丁,戊,己\n三\"\n1,2,3\n";
        assert_eq!(records(text, 3), told(&[(1, 5, QUOTE_DOUBTFUL), (6, 6, "1|2|3")]));
    }

    #[test]
    fn a_cell_of_more_lines_than_a_spreadsheet_has_is_none() {
        let lines = |count: usize| format!("1,\"{}x\",3\n", "a\n".repeat(count));
        assert_eq!(records(&lines(253), 3).len(), 1);
        assert_eq!(records(&lines(254), 3).len(), 255);
    }
}
