//! A workbook (XLSX) becomes records: the first sheet with something in it, each cell as the text that it shows.
//!
//! A workbook is a packed folder, and the crate that reads it unpacks without a bound. So each part is unpacked first and
//! only counted, and what is larger than [`UNPACKED_BYTES_MAX`] is refused.

use std::io::{BufReader, Cursor, Read as _};
use std::sync::Arc;

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::read::{COLUMNS_MAX, TableError};
use super::records::Record;

/// Shared texts of a workbook at most.
const SHARED_TEXTS_MAX: usize = 2_000_000;
/// Bytes of all parts of a workbook at most, unpacked; pictures are not counted, since nothing reads them.
const UNPACKED_BYTES_MAX: u64 = 160 * 1024 * 1024;
/// Bytes of all texts of the sheet that is read, at most.
const TEXT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Parts of a workbook at most.
const PARTS_MAX: usize = 4096;
/// The head of a packed folder.
const ZIP: &[u8] = b"PK\x03\x04";
/// The head of the files of before 2007, and of those with a password.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// The character between the cells of a row; none of them holds it.
const CELL: char = '\u{1f}';

type Archive = ZipArchive<Cursor<Arc<[u8]>>>;
type Book = Xlsx<Cursor<Arc<[u8]>>>;

/// Why a workbook cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// The format of before 2007.
    #[error("an .xls file of before 2007: save it as .xlsx")]
    Old,
    /// It has a password.
    #[error("the workbook has a password: save it without one")]
    Password,
    /// There are programs in it.
    #[error("the workbook holds macros: save it as .xlsx without them")]
    Macros,
    /// A workbook of another kind.
    #[error("a workbook of another kind (.ods, .xlsb, .numbers): save it as .xlsx")]
    OtherKind,
    /// A packed file that is no workbook.
    #[error("a packed file that is no workbook")]
    NoWorkbook,
    /// Unpacked, it is larger than what is read.
    #[error("the workbook is too large when it is unpacked: divide it")]
    TooLarge,
    /// It breaks off, or is not as a workbook is.
    #[error("the workbook is damaged")]
    Damaged,
}

impl SheetError {
    /// The way to mend it, in Chinese and in English.
    pub(super) fn advice(self) -> (&'static str, String) {
        let zh = match self {
            Self::Old => "这是旧格式（.xls）的文件，请另存为 .xlsx 再导入",
            Self::Password => "这个工作簿设了密码，请取消密码后再导入",
            Self::Macros => "这个工作簿带有宏（.xlsm），请另存为不带宏的 .xlsx 再导入",
            Self::OtherKind => "这是其他格式的表格（.ods、.xlsb、.numbers），请另存为 .xlsx 再导入",
            Self::NoWorkbook => "这是压缩文件，里面不是工作簿",
            Self::TooLarge => "工作簿展开后太大，请分成几个文件",
            Self::Damaged => "工作簿有损坏，无法读取，请在表格软件里打开并另存一份",
        };
        (zh, self.to_string())
    }
}

/// Whether the bytes are those of a workbook, of whatever kind, rather than text.
pub(super) fn is_container(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP) || bytes.starts_with(COMPOUND)
}

/// One sheet, its rows behind one another.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) name: String,
    /// Other sheets with something in them.
    pub(super) others: u64,
    /// Rows that are hidden.
    pub(super) hidden: u64,
    text: String,
    /// The number of each row, and where its text ends.
    rows: Vec<(u64, usize)>,
    next: usize,
}

impl Sheet {
    /// The first sheet with something in it.
    pub(super) fn open(bytes: Vec<u8>) -> Result<Self, TableError> {
        if bytes.starts_with(COMPOUND) {
            return Err(compound(&bytes).into());
        }
        let bytes: Arc<[u8]> = bytes.into();
        let mut archive = ZipArchive::new(Cursor::new(Arc::clone(&bytes))).map_err(|_| SheetError::Damaged)?;
        is_workbook(&archive)?;
        count(&mut archive)?;
        shared_texts_fit(&mut archive)?;
        let paths = paths(&mut archive);
        let mut book = Xlsx::new(Cursor::new(Arc::clone(&bytes))).map_err(|e| fault(&e))?;
        let sheets: Vec<_> = book.sheets_metadata().iter().filter(|s| s.typ == SheetType::WorkSheet).cloned().collect();
        let (shown, hidden): (Vec<_>, Vec<_>) = sheets.into_iter().partition(|s| s.visible == SheetVisible::Visible);
        let mut found: Option<Self> = None;
        for name in shown.iter().chain(&hidden).map(|sheet| &sheet.name) {
            match &mut found {
                Some(found) => found.others += u64::from(has_content(&mut book, name)?),
                None => {
                    let sheet = Self::read(&mut book, name)?;
                    found = (!sheet.rows.is_empty()).then_some(sheet);
                }
            }
        }
        let mut sheet = found.ok_or(TableError::Empty)?;
        if let Some(path) = paths.iter().find(|(name, _)| *name == sheet.name).map(|(_, path)| path) {
            sheet.hidden = hidden_rows(&mut archive, path);
        }
        Ok(sheet)
    }

    fn read(book: &mut Book, name: &str) -> Result<Self, TableError> {
        let mut cells = book.worksheet_cells_reader(name).map_err(|e| fault(&e))?;
        let mut sheet = Self { name: name.to_owned(), ..Self::default() };
        let mut row: (u32, Vec<String>) = (0, Vec::new());
        while let Some(cell) = cells.next_cell().map_err(|e| fault(&e))? {
            let (number, column) = cell.get_position();
            let text = shown(cell.get_value());
            if text.trim().is_empty() {
                continue;
            }
            if number < row.0 {
                return Err(SheetError::Damaged.into());
            }
            if number > row.0 {
                sheet.push(&row)?;
                row = (number, Vec::new());
            }
            let column = usize::try_from(column).unwrap_or(usize::MAX);
            if column >= COLUMNS_MAX {
                return Err(TableError::TooManyColumns(u64::from(number) + 1));
            }
            if row.1.len() <= column {
                row.1.resize(column + 1, String::new());
            }
            row.1[column] = text;
        }
        sheet.push(&row)?;
        Ok(sheet)
    }

    /// Takes a row, unless nothing is in it.
    fn push(&mut self, (number, cells): &(u32, Vec<String>)) -> Result<(), TableError> {
        if cells.is_empty() {
            return Ok(());
        }
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                self.text.push(CELL);
            }
            self.text.extend(cell.chars().map(|c| if c == CELL { ' ' } else { c }));
        }
        if self.text.len() > TEXT_BYTES_MAX {
            return Err(SheetError::TooLarge.into());
        }
        self.rows.push((u64::from(*number) + 1, self.text.len()));
        Ok(())
    }

    /// The next row with something in it.
    pub(super) fn next(&mut self) -> Option<Record> {
        let (line, end) = *self.rows.get(self.next)?;
        let begin = self.next.checked_sub(1).map_or(0, |before| self.rows[before].1);
        self.next += 1;
        let cells = self.text[begin..end].split(CELL).map(str::to_owned).collect();
        Some(Record { row: line, line, last: line, cells: Ok(cells), apart: Vec::new() })
    }

    /// The number of its last row, and how many of the rows up to that have nothing in them.
    pub(super) fn extent(&self) -> (u64, u64) {
        let last = self.rows.last().map_or(0, |(number, _)| *number);
        (last, last - self.rows.len() as u64)
    }

    /// The place of the next row.
    pub(super) fn at(&self) -> usize {
        self.next
    }

    /// Goes on at a place.
    pub(super) fn go_to(&mut self, at: usize) {
        self.next = at;
    }
}

/// The fault of a file that is packed as those of before 2007 are: one with a password is, too.
fn compound(bytes: &[u8]) -> SheetError {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if bytes.windows(name.len()).any(|part| part == name) { SheetError::Password } else { SheetError::Old }
}

fn is_workbook(archive: &Archive) -> Result<(), SheetError> {
    let has = |path: &str| archive.index_for_name(path).is_some();
    if archive.len() > PARTS_MAX {
        return Err(SheetError::TooLarge);
    }
    if has("xl/vbaProject.bin") {
        return Err(SheetError::Macros);
    }
    if has("xl/workbook.xml") {
        return Ok(());
    }
    let other = ["xl/workbook.bin", "content.xml", "Index/Document.iwa"].into_iter().any(has);
    Err(if other { SheetError::OtherKind } else { SheetError::NoWorkbook })
}

/// Unpacks every part that is read, to count it.
fn count(archive: &mut Archive) -> Result<(), SheetError> {
    let mut left = UNPACKED_BYTES_MAX;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|_| SheetError::Damaged)?;
        if part.encrypted() {
            return Err(SheetError::Password);
        }
        if part.name().is_ok_and(|name| name.starts_with("xl/media/")) {
            continue;
        }
        let read = std::io::copy(&mut part.take(left + 1), &mut std::io::sink()).map_err(|_| SheetError::Damaged)?;
        left = left.checked_sub(read).ok_or(SheetError::TooLarge)?;
    }
    Ok(())
}

/// Refuses a workbook with more shared texts than there is room for: the reader makes room for as many as the part says that it
/// has, before it has seen one.
fn shared_texts_fit(archive: &mut Archive) -> Result<(), SheetError> {
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|_| SheetError::Damaged)?;
        if !part.name().is_ok_and(|name| name.to_ascii_lowercase().ends_with("sharedstrings.xml")) {
            continue;
        }
        let mut xml = quick_xml::Reader::from_reader(BufReader::new(part));
        let (mut texts, mut buffer) = (0, Vec::new());
        loop {
            buffer.clear();
            match xml.read_event_into(&mut buffer) {
                Ok(Event::Start(e) | Event::Empty(e)) if e.local_name().as_ref() == "sst" => {
                    // Every attribute of that name: one with a prefix might stand before the one that is read.
                    let said = e.attributes().flatten().filter(|a| a.key.local_name().as_ref() == "uniqueCount");
                    if said.into_iter().any(|a| a.value.parse::<usize>().map_or(true, |n| n > SHARED_TEXTS_MAX)) {
                        return Err(SheetError::TooLarge);
                    }
                }
                Ok(Event::Start(e) | Event::Empty(e)) if e.local_name().as_ref() == "si" => {
                    texts += 1;
                    if texts > SHARED_TEXTS_MAX {
                        return Err(SheetError::TooLarge);
                    }
                }
                Ok(Event::Eof) | Err(_) => break,
                Ok(_) => {}
            }
        }
    }
    Ok(())
}

fn fault(error: &XlsxError) -> SheetError {
    match error {
        XlsxError::Password => SheetError::Password,
        _ => SheetError::Damaged,
    }
}

fn has_content(book: &mut Book, name: &str) -> Result<bool, SheetError> {
    let mut cells = book.worksheet_cells_reader(name).map_err(|e| fault(&e))?;
    while let Some(cell) = cells.next_cell().map_err(|e| fault(&e))? {
        if !shown(cell.get_value()).trim().is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The text that a cell shows. A number has the fifteen digits that a spreadsheet keeps of it, and an exponent only where it
/// had more, so that a telephone that was stored as one is whole; a date is written year first.
fn shown(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::Bool(yes) => if *yes { "TRUE" } else { "FALSE" }.to_owned(),
        // The mark of a formula that failed says nothing about anybody.
        DataRef::Empty | DataRef::Error(_) => String::new(),
        DataRef::DateTime(at) => {
            let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
            let clock = format!("{hour:02}:{minute:02}:{second:02}");
            if at.is_duration() || at.as_f64() < 1.0 {
                clock
            } else if (hour, minute, second) == (0, 0, 0) {
                format!("{year:04}-{month:02}-{day:02}")
            } else {
                format!("{year:04}-{month:02}-{day:02} {clock}")
            }
        }
    }
}

/// A number with fifteen digits at most; the others were lost when it was typed.
fn number_text(number: f64) -> String {
    let scientific = format!("{:.14e}", number.abs());
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return String::new() };
    let (digits, exponent) = (mantissa.replace('.', ""), exponent.parse::<i32>().unwrap_or_default());
    // With more digits than are kept the last ones are made up: the exponent says so, whatever the number is of.
    if !(-10..15).contains(&exponent) {
        let sign = if number < 0.0 { "-" } else { "" };
        return format!("{sign}{}E{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'));
    }
    let point = exponent + 1;
    let whole = usize::try_from(point).unwrap_or(0);
    let text = if point <= 0 {
        format!("0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or(0)))
    } else if whole >= digits.len() {
        format!("{digits}{}", "0".repeat(whole - digits.len()))
    } else {
        format!("{}.{}", &digits[..whole], &digits[whole..])
    };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if number < 0.0 { format!("-{text}") } else { text.to_owned() }
}

/// The attribute of an element, by its local name.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.attributes().flatten().find(|a| a.key.local_name().as_ref() == name)?;
    quick_xml::escape::unescape(&found.value).ok().map(std::borrow::Cow::into_owned)
}

/// The values of two attributes of each element of a name.
fn pairs(archive: &mut Archive, path: &str, element: &str, [one, other]: [&str; 2]) -> Vec<(String, String)> {
    let Ok(part) = archive.by_name(path) else { return Vec::new() };
    let mut xml = quick_xml::Reader::from_reader(BufReader::new(part));
    let (mut found, mut buffer) = (Vec::new(), Vec::new());
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer) {
            Ok(Event::Start(e) | Event::Empty(e)) if e.local_name().as_ref() == element => {
                found.extend(attribute(&e, one).zip(attribute(&e, other)));
            }
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

/// The part of each sheet, by its name.
fn paths(archive: &mut Archive) -> Vec<(String, String)> {
    let sheets = pairs(archive, "xl/workbook.xml", "sheet", ["name", "id"]);
    let targets = pairs(archive, "xl/_rels/workbook.xml.rels", "Relationship", ["Id", "Target"]);
    let path = |id: &str| {
        let target = targets.iter().find(|(known, _)| known == id).map(|(_, target)| target)?;
        Some(target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned))
    };
    sheets.into_iter().filter_map(|(name, id)| Some((name, path(&id)?))).collect()
}

/// How many rows of a sheet are hidden.
fn hidden_rows(archive: &mut Archive, path: &str) -> u64 {
    let Ok(part) = archive.by_name(path) else { return 0 };
    let mut xml = quick_xml::Reader::from_reader(BufReader::new(part));
    let (mut hidden, mut buffer) = (0, Vec::new());
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer) {
            Ok(Event::Start(e)) if e.local_name().as_ref() == "row" => {
                hidden += u64::from(attribute(&e, "hidden").is_some_and(|yes| yes == "1" || yes == "true"));
            }
            Ok(Event::Eof) | Err(_) => return hidden,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
#[path = "sheet_tests.rs"]
mod tests;
