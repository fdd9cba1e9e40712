//! The faults of a row: each in both languages, and how a report shows it; personal values masked.

use crate::cn;
use crate::lang::Lang;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Bad cells that are told one by one; the rest is only counted.
pub const ERRORS_MAX: usize = 200;
/// Characters of a bad value that are shown at most.
const VALUE_CHARS_MAX: usize = 40;

/// One bad cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowError {
    /// The line in the file; the header is line 1.
    pub row: u64,
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
    english: &'static str,
}

/// The fault of one field, and how to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub field: &'static str,
    /// A stable code.
    pub code: &'static str,
    pub zh: &'static str,
    pub en: &'static str,
}

impl Fault {
    /// A fault of a field, by a stable code, in Chinese and in English.
    pub const fn new(field: &'static str, code: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self { field, code, zh, en }
    }
}

/// A text that a spreadsheet does not take for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// A bad value as it may be shown: personal fields masked, the rest cut.
fn shown(column: &str, value: &str) -> String {
    let value: String = value.chars().filter(|c| !c.is_control()).take(VALUE_CHARS_MAX).collect();
    harmless(&match column {
        "elder_name" => cn::mask_name(&value),
        "phone" => cn::mask_phone(&value),
        "national_id" => cn::mask_resident_id(&value),
        "address" | "note" => "*".repeat(value.chars().count().min(8)),
        _ => value,
    })
}

impl RowError {
    /// A bad cell.
    pub fn new(row: u64, fault: Fault, value: Option<&str>) -> Self {
        Self {
            row,
            column: fault.field.to_owned(),
            code: fault.code.to_owned(),
            reason: fault.zh.to_owned(),
            value: value.map(|v| shown(fault.field, v)),
            english: fault.en,
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
        _ => Fault::new("", code, "这一行无法读取", "This row cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(shown(column, value), told);
        }
        assert_eq!(shown("category", &"长".repeat(100)).chars().count(), VALUE_CHARS_MAX);
    }
}
