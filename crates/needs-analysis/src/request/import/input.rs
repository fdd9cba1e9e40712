//! Rows become requests: which columns a file of requests has, and which fields they fill.

use crate::request::input::NewRequest;
use sanbao_platform::table::{Columns, FileBytes, Mask, SaidHeadings, TableError, TableFile, TableRow};

/// Columns of a file, by the name of their field.
pub const COLUMNS: [&str; 14] = [
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
    STATE,
    FINISHED,
];
/// The column of where a request stands in the system that it comes from.
pub(super) const STATE: &str = "state";
/// The column of when it was finished there.
pub(super) const FINISHED: &str = "finished_at";
/// The columns of a file of requests.
pub(super) const TABLE: Columns = Columns {
    words: WORDS,
    // The smaller area goes before the one that it lies in.
    spare: &[(
        "area_code",
        &[
            "网格",
            "所属网格",
            "网格名称",
            "小区",
            "小区名称",
            "社区",
            "所属社区",
            "社区名称",
            "区域",
            "所属区域",
            "区域名称",
        ],
    )],
    needed: &["external_id", "received_at", "area_code", "category", "elder_name"],
    digits: &["external_id", "phone", "national_id"],
    masks: &[
        ("elder_name", Mask::Name),
        ("phone", Mask::Phone),
        ("national_id", Mask::Paper),
        ("address", Mask::Whole),
        ("note", Mask::Whole),
    ],
};
/// Words by which files head these columns.
const WORDS: &[(&str, &[&str])] = &[
    ("external_id", &["编号", "工单编号", "工单号", "外部编号", "id"]),
    ("received_at", &["受理时间", "来电时间", "登记时间", "received"]),
    ("area_code", &["区域编码", "网格编码", "社区编码", "区域代码", "area"]),
    ("category", &["类别", "需求类别", "服务类别", "服务类型"]),
    ("urgency", &["紧急程度", "紧急"]),
    ("elder_name", &["姓名", "老人姓名", "name"]),
    ("phone", &["电话", "联系电话", "手机", "手机号", "手机号码", "电话号码", "联系方式"]),
    ("national_id", &["身份证", "身份证号", "身份证号码", "公民身份号码"]),
    ("address", &["地址", "住址", "详细地址"]),
    ("note", &["备注", "需求内容", "内容", "诉求内容"]),
    ("wanted_from", &["期望开始", "期望时间起"]),
    ("wanted_until", &["期望结束", "期望时间止"]),
    (STATE, &["状态", "工单状态", "办理状态", "处理状态"]),
    (FINISHED, &["办结时间", "完成时间", "办结日期", "完成日期", "finished"]),
];

/// The words of a row: of the request, and of how far it has come elsewhere.
#[derive(Clone, Debug, Default)]
pub struct RowWords {
    pub request: NewRequest,
    /// Where it stands there.
    pub state: Option<String>,
    /// When it was finished there.
    pub finished_at: Option<String>,
}

/// The fields of a row, or the code of why it cannot be read.
pub type Parsed = Result<RowWords, &'static str>;

/// The file of these bytes, under headings that a person has said the meaning of.
pub fn open(bytes: Box<dyn FileBytes>, said: &SaidHeadings) -> Result<TableFile, TableError> {
    TableFile::open_as(bytes, &TABLE, said)
}

/// The request that a row tells of.
pub fn request(row: &TableRow) -> Parsed {
    let mut words = RowWords::default();
    for (field, cell) in row.cells.as_ref().map_err(|code| *code)? {
        if let Some(place) = words.slot(field) {
            *place = Some(cell.clone());
        }
    }
    Ok(words)
}

impl RowWords {
    /// The place of a field.
    pub(super) fn slot(&mut self, field: &str) -> Option<&mut Option<String>> {
        let row = &mut self.request;
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
            STATE => &mut self.state,
            FINISHED => &mut self.finished_at,
            _ => return None,
        })
    }

    /// The text in a field.
    pub fn cell(&self, field: &str) -> Option<String> {
        self.clone().slot(field).and_then(|place| place.clone())
    }

    /// The first word by which files head the column of a field, for what is kept of it in a note.
    pub(super) fn label(field: &str) -> &'static str {
        let words = WORDS.iter().find(|(name, _)| *name == field).map(|(_, words)| *words);
        words.and_then(<[&str]>::first).copied().unwrap_or_default()
    }

    /// Keeps a text in the note, under the name of its column.
    pub(super) fn keep_in_note(&mut self, field: &str, text: &str) {
        let text = format!("{}：{text}", Self::label(field));
        let note = &mut self.request.note;
        *note = Some(note.take().map_or_else(|| text.clone(), |note| format!("{note}\n{text}")));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use encoding_rs::GB18030;

    use super::*;

    const CHINESE: &str = "编号,受理时间,区域编码,类别,姓名,备注,没用的列\nA1,2026-11-01 08:00,330211001001,助餐,林某,\"软些,\n热的\",x\n";

    fn rows(text: impl AsRef<[u8]>) -> Result<Vec<(u64, Parsed)>, TableError> {
        let mut table = open(Box::new(std::io::Cursor::new(text.as_ref().to_vec())), &[])?;
        let read = std::iter::from_fn(|| Some(table.rows(1)).filter(|rows| !rows.is_empty())).flatten();
        let rows: Vec<_> = read.map(|row| (row.line, request(&row))).collect();
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
            let row = rows[0].1.clone().unwrap().request;
            assert_eq!(row.note.as_deref(), Some("软些,\n热的"));
            assert_eq!((rows[0].0, row.elder_name.as_deref(), row.phone), (2, Some("林某"), None));
        }
        let english = "external_id,received_at,area_code,Category,elder_name\r\n\r\n'1,2026-11-01,a,meal,b\r\n,,,,\r\n";
        let rows = rows(english).unwrap();
        assert_eq!((rows.len(), rows[0].0), (1, 3));
        assert_eq!(rows[0].1.clone().unwrap().request.external_id.as_deref(), Some("1"));
    }

    const HEADER: &str = "external_id,received_at,area_code,category,elder_name\n";

    #[test]
    fn a_file_that_is_none_says_why() {
        assert_eq!(rows(b"\xff\xff\xff\x00").unwrap_err(), TableError::Encoding);
        assert_eq!(rows("").unwrap_err(), TableError::Empty);
        assert_eq!(
            rows("姓名,电话\n").unwrap_err(),
            TableError::MissingColumns(
                "编号 (external_id), 受理时间 (received_at), 区域编码 (area_code), 类别 (category)".into()
            )
        );
        assert_eq!(rows("姓名,name\n").unwrap_err(), TableError::TwiceColumn("elder_name"));
        assert_eq!(rows(format!("{HEADER}1,2\n")).unwrap()[0].1.clone().unwrap_err(), "column_count");
    }
}
