//! Bytes become rows: UTF-8 (with or without its mark) or GB 18030, a header in Chinese or English.

use std::io::Cursor;

use encoding_rs::GB18030;

use crate::request::input::NewRequest;

/// Columns of a file, by the name of their field.
pub const COLUMNS: [&str; 12] = [
    "external_id",
    "received_at",
    "area_code",
    "category",
    "urgency",
    "elder_name",
    "phone",
    "national_id",
    "address",
    "note",
    "wanted_from",
    "wanted_until",
];
/// The columns that must be among them.
const NEEDED: [&str; 5] = ["external_id", "received_at", "area_code", "category", "elder_name"];
/// Words by which files head these columns.
const WORDS: &[(&str, &[&str])] = &[
    ("external_id", &["编号", "工单编号", "工单号", "外部编号", "id"]),
    ("received_at", &["受理时间", "来电时间", "登记时间", "received"]),
    ("area_code", &["区域编码", "网格编码", "社区编码", "区域代码", "area"]),
    ("category", &["类别", "需求类别", "服务类别", "服务类型"]),
    ("urgency", &["紧急程度", "紧急"]),
    ("elder_name", &["姓名", "老人姓名", "name"]),
    ("phone", &["电话", "联系电话", "手机", "手机号"]),
    ("national_id", &["身份证", "身份证号", "身份证号码", "公民身份号码"]),
    ("address", &["地址", "住址", "详细地址"]),
    ("note", &["备注", "需求内容", "内容", "诉求内容"]),
    ("wanted_from", &["期望开始", "期望时间起"]),
    ("wanted_until", &["期望结束", "期望时间止"]),
];

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
    /// More rows than [`ROWS_MAX`].
    #[error("more than {ROWS_MAX} rows: divide the file")]
    TooManyRows,
    /// More columns than [`COLUMNS_MAX`].
    #[error("more than {COLUMNS_MAX} columns in the row at line {0}")]
    TooManyColumns(u64),
    /// More bytes than [`ROW_BYTES_MAX`].
    #[error("more than {ROW_BYTES_MAX} bytes in the row at line {0}; perhaps a quotation mark is not closed")]
    RowTooLong(u64),
}

/// One line of the file that a CSV reader could not take apart, or its fields.
pub type Parsed = Result<NewRequest, &'static str>;

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
fn header(record: &csv::StringRecord) -> Result<Vec<Option<&'static str>>, TableError> {
    let mut fields = Vec::new();
    for cell in record {
        let word = cell.trim().to_lowercase();
        let known = WORDS.iter().find(|(name, words)| *name == word || words.contains(&word.as_str()));
        let field = known.map(|(name, _)| *name);
        if field.is_some_and(|name| fields.contains(&Some(name))) {
            return Err(TableError::TwiceColumn(field.unwrap_or_default()));
        }
        fields.push(field);
    }
    let missing: Vec<&str> = NEEDED.iter().filter(|n| !fields.contains(&Some(**n))).copied().collect();
    if missing.is_empty() { Ok(fields) } else { Err(TableError::MissingColumns(missing.join(", "))) }
}

/// A file of requests that is read piece by piece.
#[derive(Debug)]
pub struct Table {
    reader: csv::Reader<Cursor<String>>,
    fields: Vec<Option<&'static str>>,
    lines: Lines,
    /// Its rows, blank ones left out.
    pub total: u64,
}

impl Table {
    /// The file of these bytes, if it is within the bounds and its header names what is needed.
    pub fn open(bytes: Vec<u8>) -> Result<Self, TableError> {
        let text = decode(bytes)?;
        let total = measure(&text)?;
        let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(Cursor::new(text));
        let mut first = csv::StringRecord::new();
        if !reader.read_record(&mut first).map_err(|_| TableError::Empty)? {
            return Err(TableError::Empty);
        }
        Ok(Self { reader, fields: header(&first)?, lines: Lines { byte: 0, line: 1 }, total })
    }

    /// The next rows, `most` at most, with their line numbers as a person counts them: the header is line 1. None are
    /// left when there are none.
    pub fn rows(&mut self, most: usize) -> Vec<(u64, Parsed)> {
        let (mut rows, mut record) = (Vec::with_capacity(most), csv::StringRecord::new());
        while rows.len() < most {
            match self.reader.read_record(&mut record) {
                Ok(false) => break,
                Err(_) => rows.push((self.lines.line + 1, Err("unreadable"))),
                Ok(true) if record.iter().all(|cell| cell.trim().is_empty()) => {}
                Ok(true) => {
                    let byte = record.position().map_or(0, csv::Position::byte);
                    let line = self.lines.of(self.reader.get_ref().get_ref(), byte);
                    let same = record.len() == self.fields.len();
                    rows.push((line, if same { Ok(request(&self.fields, &record)) } else { Err("column_count") }));
                }
            }
        }
        rows
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

fn request(fields: &[Option<&'static str>], record: &csv::StringRecord) -> NewRequest {
    let mut row = NewRequest::default();
    for (field, cell) in fields.iter().zip(record) {
        let Some(field) = field else { continue };
        if let Some(place) = slot(&mut row, field) {
            // A spreadsheet keeps long digits as text by an apostrophe before them.
            let digits = matches!(*field, "external_id" | "phone" | "national_id");
            let cell = cell.trim();
            let cell = cell.strip_prefix('\'').filter(|_| digits).unwrap_or(cell);
            *place = (!cell.is_empty()).then(|| cell.to_owned());
        }
    }
    row
}

fn slot<'a>(row: &'a mut NewRequest, field: &str) -> Option<&'a mut Option<String>> {
    Some(match field {
        "external_id" => &mut row.external_id,
        "received_at" => &mut row.received_at,
        "area_code" => &mut row.area_code,
        "category" => &mut row.category,
        "urgency" => &mut row.urgency,
        "elder_name" => &mut row.elder_name,
        "phone" => &mut row.phone,
        "national_id" => &mut row.national_id,
        "address" => &mut row.address,
        "note" => &mut row.note,
        "wanted_from" => &mut row.wanted_from,
        "wanted_until" => &mut row.wanted_until,
        _ => return None,
    })
}

/// The text in a field of a row.
pub fn cell(row: &NewRequest, field: &str) -> Option<String> {
    slot(&mut row.clone(), field).and_then(|place| place.clone())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const CHINESE: &str = "编号,受理时间,区域编码,类别,姓名,备注,没用的列\nA1,2026-11-01 08:00,330211001001,助餐,林某,\"软些,\n热的\",x\n";

    fn rows(text: impl AsRef<[u8]>) -> Result<Vec<(u64, Parsed)>, TableError> {
        let mut table = Table::open(text.as_ref().to_vec())?;
        let rows =
            std::iter::from_fn(|| Some(table.rows(1)).filter(|rows| !rows.is_empty())).flatten().collect::<Vec<_>>();
        assert_eq!(rows.len() as u64, table.total, "as many as were counted");
        Ok(rows)
    }

    #[test]
    fn both_encodings_and_both_headers_are_read() {
        let (gb, _, _) = GB18030.encode(CHINESE);
        let bom = [b"\xef\xbb\xbf".as_slice(), CHINESE.as_bytes()].concat();
        for bytes in [CHINESE.as_bytes(), &gb, &bom] {
            let rows = rows(bytes).unwrap();
            assert_eq!(rows.len(), 1);
            let row = rows[0].1.clone().unwrap();
            assert_eq!(row.note.as_deref(), Some("软些,\n热的"));
            assert_eq!((rows[0].0, row.elder_name.as_deref(), row.phone), (2, Some("林某"), None));
        }
        let english = "external_id,received_at,area_code,Category,elder_name\r\n\r\n'1,2026-11-01,a,meal,b\r\n,,,,\r\n";
        let rows = rows(english).unwrap();
        assert_eq!((rows.len(), rows[0].0), (1, 3));
        assert_eq!(rows[0].1.clone().unwrap().external_id.as_deref(), Some("1"));
    }

    const HEADER: &str = "external_id,received_at,area_code,category,elder_name\n";

    #[test]
    fn a_file_that_is_none_says_why() {
        assert_eq!(rows(b"\xff\xff\xff\x00").unwrap_err(), TableError::Encoding);
        assert_eq!(rows("").unwrap_err(), TableError::Empty);
        assert_eq!(
            rows("姓名,电话\n").unwrap_err(),
            TableError::MissingColumns("external_id, received_at, area_code, category".into())
        );
        assert_eq!(rows("姓名,name\n").unwrap_err(), TableError::TwiceColumn("elder_name"));
        assert_eq!(rows(format!("{HEADER}1,2\n")).unwrap()[0].1, Err("column_count"));
    }

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
}
