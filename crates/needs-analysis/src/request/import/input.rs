//! Bytes become rows: UTF-8 (with or without its mark) or GB 18030, a header in Chinese or English.

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
}

/// One line of the file that a CSV reader could not take apart, or its fields.
pub type Parsed = Result<NewRequest, &'static str>;

/// The text of a file. UTF-8 if it is that; else GB 18030, if all of it is.
pub fn decode(bytes: &[u8]) -> Result<String, TableError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.to_owned());
    }
    let text = GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(std::borrow::Cow::into_owned).ok_or(TableError::Encoding)
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

/// The rows of a file with their line numbers as a person counts them: the header is line 1.
pub fn rows(text: &str) -> Result<Vec<(u64, Parsed)>, TableError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
    let mut records = reader.records();
    let first = records.next().ok_or(TableError::Empty)?;
    let fields = header(&first.map_err(|_| TableError::Empty)?)?;
    let (mut rows, mut lines) = (Vec::new(), Lines { text, byte: 0, line: 1 });
    for record in records {
        let Ok(record) = record else {
            rows.push((lines.line + 1, Err("unreadable")));
            continue;
        };
        let line = lines.of(record.position().map_or(0, csv::Position::byte));
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let same = record.len() == fields.len();
        rows.push((line, if same { Ok(request(&fields, &record)) } else { Err("column_count") }));
    }
    Ok(rows)
}

/// Counts lines up to a byte. The reader's own count stands before the line ends that it passes over.
struct Lines<'a> {
    text: &'a str,
    byte: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line on which the record that is found from `byte` on starts; asked in rising order.
    fn of(&mut self, byte: u64) -> u64 {
        let bytes = self.text.as_bytes();
        let from = usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
        let start = from + bytes[from..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        if start > self.byte {
            let passed = self.text.get(self.byte..start).unwrap_or_default();
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

    #[test]
    fn both_encodings_and_both_headers_are_read() {
        let (gb, _, _) = GB18030.encode(CHINESE);
        let bom = [b"\xef\xbb\xbf".as_slice(), CHINESE.as_bytes()].concat();
        for bytes in [CHINESE.as_bytes(), &gb, &bom] {
            let rows = rows(&decode(bytes).unwrap()).unwrap();
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

    #[test]
    fn a_file_that_is_none_says_why() {
        assert_eq!(decode(b"\xff\xff\xff\x00"), Err(TableError::Encoding));
        assert_eq!(rows("").unwrap_err(), TableError::Empty);
        assert_eq!(
            rows("姓名,电话\n").unwrap_err(),
            TableError::MissingColumns("external_id, received_at, area_code, category".into())
        );
        assert_eq!(rows("姓名,name\n").unwrap_err(), TableError::TwiceColumn("elder_name"));
        let short = "external_id,received_at,area_code,category,elder_name\n1,2\n";
        assert_eq!(rows(short).unwrap()[0].1, Err("column_count"));
    }
}
