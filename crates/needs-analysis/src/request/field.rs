//! The single fields of a request, read and checked: what is wrong with each, and what is kept of one that cannot be read.

use chrono::{DateTime, Utc};
use sanbao_platform::cn::{DiallingCode, Phone, ResidentId, is_none_yet, is_rounded};
use sanbao_platform::invisible::without_invisible;
use sanbao_platform::table::{Fault, when};

use super::input::{NOTE_CHARS_MAX, WORD_CHARS_MAX, parse_moment};
use crate::area::AreaCode;
use crate::local_day;

/// The faults of a request, and the doubts about what is kept although it cannot be read.
#[derive(Default)]
pub(super) struct Faults(pub(super) Vec<Fault>, pub(super) Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, field: &'static str, code: &'static str, zh: &'static str, en: &'static str) {
        self.0.push(Fault::new(field, code, zh, en));
    }

    pub(super) fn warn(&mut self, field: &'static str, code: &'static str, zh: &'static str, en: &'static str) {
        self.1.push(Fault::new(field, code, zh, en));
    }

    /// A trimmed text without control characters (a note may have line breaks); nothing when empty.
    pub(super) fn text(&mut self, field: &'static str, text: Option<&String>, chars_max: usize) -> Option<String> {
        let text = without_invisible(text?);
        let text = Some(text.trim()).filter(|t| !t.is_empty())?;
        if text.chars().count() > chars_max {
            self.add(field, "too_long", "内容太长", "Too long");
            return None;
        }
        let breaks = field == "note";
        if text.chars().any(|c| c.is_control() && !(breaks && matches!(c, '\n' | '\r' | '\t'))) {
            self.add(field, "control_characters", "含有不可见的控制字符", "It holds control characters");
            return None;
        }
        Some(text.to_owned())
    }

    pub(super) fn required<T>(&mut self, field: &'static str, value: Option<T>) -> Option<T> {
        // A field that is there but wrong has its own fault already.
        if value.is_none() && !self.0.iter().any(|f| f.field == field) {
            self.add(field, "required", "必填", "This field is required");
        }
        value
    }

    pub(super) fn moment(&mut self, field: &'static str, text: Option<&String>) -> Option<DateTime<Utc>> {
        let text = self.text(field, text, WORD_CHARS_MAX)?;
        let moment = parse_moment(&text);
        if moment.is_none() && when::is_serial(&text) {
            let zh = "日期被表格软件变成了数字，请把该列设为日期或文本后重新填写";
            self.add(
                field,
                "time_serial",
                zh,
                "A spreadsheet has made a number of this date: make its column a date or text",
            );
        } else if moment.is_none() {
            self.add(
                field,
                "time_format",
                "时间格式不对，例如 2026-11-23 14:30",
                "Not a time; write it as 2026-11-23 14:30",
            );
        }
        moment
    }
}

pub(super) fn external_id(f: &mut Faults, text: Option<&String>, file: bool) -> Option<String> {
    let id = f.text("external_id", text, WORD_CHARS_MAX);
    if file && id.as_deref().is_some_and(is_rounded) {
        let zh = "编号被表格软件当成数字截断了，请把该列设为文本后重新填写";
        f.add("external_id", "id_rounded", zh, "A spreadsheet has rounded this number: make its column text");
        return None;
    }
    if file { f.required("external_id", id) } else { id }
}

pub(super) fn area_code(f: &mut Faults, text: Option<&String>) -> Option<AreaCode> {
    let text = f.text("area_code", text, WORD_CHARS_MAX)?;
    if is_rounded(&text) {
        let zh = "区域编码被表格软件当成数字截断了，请把该列设为文本后重新填写";
        f.add("area_code", "area_rounded", zh, "A spreadsheet has rounded this code: make its column text");
        return None;
    }
    let code = AreaCode::parse(text.strip_suffix(".0").unwrap_or(&text)).ok();
    if code.is_none() {
        f.add("area_code", "area_unknown", "没有这个区域", "There is no such area");
    }
    code
}

/// The signs between two telephones in one cell.
const BETWEEN_PHONES: [char; 8] = [',', '，', '、', ';', '；', '/', '|', '\n'];

/// A telephone, and of a file the text that holds others or is none that can be called.
pub(super) fn phone(
    f: &mut Faults,
    text: Option<&String>,
    own: Option<&DiallingCode>,
    file: bool,
) -> (Option<String>, Option<String>) {
    let text = text.map(|text| text.replace(['\n', '\r'], "、"));
    let Some(text) = f.text("phone", text.as_ref(), WORD_CHARS_MAX) else { return (None, None) };
    let read = |text: &str| Phone::parse(text, own).map(|phone| phone.as_str().to_owned());
    let error = match read(&text) {
        Ok(phone) => return (Some(phone), None),
        Err(error) => error,
    };
    let (zh, en) = error.advice();
    if !file {
        f.add("phone", error.code(), zh, en);
        return (None, None);
    }
    if is_none_yet(&text) {
        return (None, None);
    }
    let found = text.split(BETWEEN_PHONES).find_map(|part| read(part).ok());
    if found.is_none() {
        f.warn("phone", error.code(), zh, en);
    }
    (found, Some(text))
}

/// The note with the text of a telephone below it, as far as there is room.
pub(super) fn with_text(note: Option<String>, phone: Option<String>) -> Option<String> {
    let Some(phone) = phone.map(|text| format!("电话：{text}")) else { return note };
    let both = note.map_or_else(|| phone.clone(), |note| format!("{note}\n{phone}"));
    Some(both.chars().take(NOTE_CHARS_MAX).collect())
}

/// A resident id, and of a file the text that is none.
pub(super) fn national_id(
    f: &mut Faults,
    text: Option<&String>,
    now: DateTime<Utc>,
    file: bool,
) -> (Option<ResidentId>, Option<String>) {
    let Some(text) = f.text("national_id", text, WORD_CHARS_MAX) else { return (None, None) };
    match ResidentId::parse(&text, local_day(now)) {
        Ok(id) => (Some(id), None),
        Err(_) if file && is_none_yet(&text) => (None, None),
        Err(e) => {
            let (zh, en) = e.advice();
            if file {
                f.warn("national_id", e.code(), zh, en);
                return (None, Some(text));
            }
            f.add("national_id", e.code(), zh, en);
            (None, None)
        }
    }
}
