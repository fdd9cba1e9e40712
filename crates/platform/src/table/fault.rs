//! The faults of a row: each in both languages, and how a report shows it; personal values masked.

use crate::cn;
use crate::lang::Lang;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::read::Columns;

/// Bad cells that are told one by one; the rest is only counted.
pub const ERRORS_MAX: usize = 200;
/// Characters of a bad value that are shown at most.
const VALUE_CHARS_MAX: usize = 40;

/// How much of a personal value a report shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// The family name.
    Name,
    /// The first three and the last four digits.
    Phone,
    /// Six characters and the last four.
    Paper,
    /// Nothing of it.
    Whole,
}

/// The place of a row: its number as a spreadsheet counts rows, and its line in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowPlace {
    pub row: u64,
    pub line: u64,
}

impl From<u64> for RowPlace {
    fn from(row: u64) -> Self {
        Self { row, line: row }
    }
}

/// One bad cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowError {
    /// The row as a spreadsheet numbers it; the first of the file is 1.
    pub row: u64,
    /// The line of a text file, where it is another: cells above have line breaks in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column's field; empty when the whole row is meant.
    #[schema(example = "phone")]
    pub column: String,
    /// A stable code of the reason.
    #[schema(example = "phone_format")]
    pub code: String,
    /// The reason in the caller's language.
    pub reason: String,
    /// The text that stands there: masked where personal, cut, and harmless in a spreadsheet.
    pub value: Option<String>,
    #[serde(skip)]
    #[schema(ignore)]
    english: String,
}

/// The fault of one field, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub field: &'static str,
    /// A stable code.
    pub code: &'static str,
    pub zh: std::borrow::Cow<'static, str>,
    pub en: std::borrow::Cow<'static, str>,
}

impl Fault {
    /// A fault of a field, by a stable code, in Chinese and in English.
    pub const fn new(field: &'static str, code: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self { field, code, zh: std::borrow::Cow::Borrowed(zh), en: std::borrow::Cow::Borrowed(en) }
    }
}

/// The characters by which a spreadsheet takes a cell for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text that a spreadsheet does not take for a formula.
pub(super) fn harmless(text: &str) -> String {
    if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}

/// The text that was made [`harmless`].
pub(super) fn meant(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(text)
}

/// A bad value as it may be shown: personal fields masked, the rest cut.
fn shown(columns: &Columns, field: &str, value: &str) -> String {
    let value: String = value.chars().filter(|c| !c.is_control()).take(VALUE_CHARS_MAX).collect();
    let mask = columns.masks.iter().find(|(name, _)| *name == field).map(|(_, mask)| *mask);
    harmless(&match mask {
        Some(Mask::Name) => cn::mask_name(&value),
        Some(Mask::Phone) => cn::mask_phone(&value),
        Some(Mask::Paper) => cn::mask_resident_id(&value),
        Some(Mask::Whole) => "*".repeat(value.chars().count().min(8)),
        None => value,
    })
}

impl RowError {
    /// A fault of a row, with the value that stands there, as far as `columns` let it be shown.
    pub fn new(place: impl Into<RowPlace>, fault: Fault, value: Option<&str>, columns: &Columns) -> Self {
        let RowPlace { row, line } = place.into();
        Self {
            row,
            line: (line != row).then_some(line),
            column: fault.field.to_owned(),
            code: fault.code.to_owned(),
            reason: fault.zh.into_owned(),
            value: value.map(|v| shown(columns, fault.field, v)),
            english: fault.en.into_owned(),
        }
    }

    /// The same with its reason in a language.
    #[must_use]
    pub fn in_language(mut self, lang: Lang) -> Self {
        if lang == Lang::En && !self.english.is_empty() {
            self.english.clone_into(&mut self.reason);
        }
        self
    }
}

/// The fault of a row that is none, by the code that the reader gives.
pub fn whole_row(code: &'static str) -> Fault {
    match code {
        "column_count" => Fault::new("", code, "列数与表头不一致", "Another number of columns than the header has"),
        "quote_open" => Fault::new(
            "",
            code,
            "这一行有一个引号没有成对，这一行没有读取，后面的行照常读取",
            "A quotation mark on this line does not close; the line was not read, those behind it were",
        ),
        "quote_doubtful" => Fault::new(
            "",
            code,
            "引号里有换行，分不清是一格里的几行，还是几条记录。从这一行起，到引号合上的那一行，都没有读取；请让每条记录只占一行",
            "A quotation mark closes on a later line, and the lines between may be one cell, or rows; from this line to that one nothing was read. Put each row on one line",
        ),
        "sums" => Fault::new("", code, "这一行是合计，没有读取", "A row of sums; it was not read"),
        _ => Fault::new("", code, "这一行无法读取", "This row cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns {
        words: &[],
        spare: &[],
        needed: &[],
        digits: &[],
        masks: &[
            ("phone", Mask::Phone),
            ("national_id", Mask::Paper),
            ("elder_name", Mask::Name),
            ("address", Mask::Whole),
        ],
    };

    #[test]
    fn a_bad_value_is_masked_cut_and_no_formula() {
        for (column, value, told) in [
            ("phone", "1380013800012", "138******0012"),
            ("national_id", "110105194912310021", "110105********0021"),
            ("elder_name", "张建国\u{0}", "张**"),
            ("address", "某路 1 号", "******"),
            ("category", "=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("urgency", "+1", "'+1"),
            ("area_code", "<b>", "<b>"),
        ] {
            assert_eq!(shown(&COLUMNS, column, value), told);
        }
        assert_eq!(shown(&COLUMNS, "category", &"长".repeat(100)).chars().count(), VALUE_CHARS_MAX);
    }
}
