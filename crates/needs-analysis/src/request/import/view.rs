//! The report of an import: counts, and the first bad rows with their reasons; personal values masked.

use chrono::{DateTime, Utc};
use sanbao_platform::cn;
use sanbao_platform::lang::Lang;
use sanbao_platform::typed_id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::request::input::Fault;

typed_id!(
    /// An import of one file.
    ImportId
);

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
    pub(super) english: &'static str,
}

/// How an import went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The import; absent for a dry run, of which nothing is kept.
    pub id: Option<ImportId>,
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// The system the file comes from.
    pub source: String,
    pub file_name: Option<String>,
    pub started_at: DateTime<Utc>,
    /// When it ended; absent while it runs, or when it was killed and can be run again.
    pub finished_at: Option<DateTime<Utc>>,
    /// Rows of the file.
    pub total: i64,
    /// Rows looked at.
    pub done: i64,
    /// New requests.
    pub created: i64,
    /// Known requests that were brought up to date.
    pub updated: i64,
    /// Known requests that were as in the file.
    pub unchanged: i64,
    /// Bad rows.
    pub failed: i64,
    /// Good rows whose category the table lacks: their words are kept under `other`.
    pub other: i64,
    /// Changed rows of requests that are closed, cancelled or merged: these were left as they are.
    pub ended: i64,
    /// Bad cells, and rows that were left, in all.
    pub error_count: i64,
    /// The first of these.
    pub errors: Vec<RowError>,
}

/// A text that a spreadsheet does not take for a formula.
pub fn harmless(text: &str) -> String {
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
}

impl Report {
    /// Before the first row.
    pub(super) fn start(
        id: Option<ImportId>,
        source: &str,
        file_name: Option<String>,
        total: i64,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            dry_run: id.is_none(),
            source: source.to_owned(),
            file_name,
            started_at: now,
            finished_at: None,
            total,
            done: 0,
            created: 0,
            updated: 0,
            unchanged: 0,
            failed: 0,
            other: 0,
            ended: 0,
            error_count: 0,
            errors: Vec::new(),
        }
    }

    /// Counts a bad row and remembers its cells while there is room.
    pub(super) fn bad(&mut self, errors: Vec<RowError>) {
        self.failed += 1;
        self.remember(errors);
    }

    /// Counts a changed row that was left, and remembers why while there is room.
    pub(super) fn ended(&mut self, row: u64, fault: Fault) {
        self.ended += 1;
        self.remember(vec![RowError::new(row, fault, None)]);
    }

    fn remember(&mut self, errors: Vec<RowError>) {
        self.error_count += i64::try_from(errors.len()).unwrap_or(0);
        let room = ERRORS_MAX.saturating_sub(self.errors.len());
        self.errors.extend(errors.into_iter().take(room));
    }

    /// The same with its reasons in a language.
    #[must_use]
    pub fn in_language(mut self, lang: Lang) -> Self {
        if lang == Lang::En {
            for error in self.errors.iter_mut().filter(|e| !e.english.is_empty()) {
                error.english.clone_into(&mut error.reason);
            }
        }
        self
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
