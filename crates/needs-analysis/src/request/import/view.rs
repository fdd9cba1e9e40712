//! The report of an import: counts, and the first bad rows with their reasons; personal values masked.

use chrono::{DateTime, Utc};
use sanbao_platform::lang::Lang;
use sanbao_platform::typed_id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::TABLE;
use crate::request::state::RequestStateName;

use sanbao_platform::table::{ERRORS_MAX, Fault, FileNotes, RowError};

typed_id!(
    /// An import of one file.
    ImportId
);

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
    /// Doubtful cells of rows that were taken, in all: their texts are kept as they stand.
    pub warning_count: i64,
    /// The first of these.
    pub warnings: Vec<RowError>,
    /// The things about the file that its rows do not tell.
    pub notes: FileNotes,
    /// The bad rows as a CSV file to mend, with the reason behind each; told once, in the answer to the import alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
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
            warning_count: 0,
            warnings: Vec::new(),
            notes: FileNotes::default(),
            mend: None,
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
        self.remember(vec![RowError::new(row, fault, None, &TABLE)]);
    }

    /// Counts the doubts about a row that was taken, and remembers them while there is room.
    pub(super) fn doubt(&mut self, warnings: Vec<RowError>) {
        self.warning_count += i64::try_from(warnings.len()).unwrap_or(0);
        let room = ERRORS_MAX.saturating_sub(self.warnings.len());
        self.warnings.extend(warnings.into_iter().take(room));
    }

    fn remember(&mut self, errors: Vec<RowError>) {
        self.error_count += i64::try_from(errors.len()).unwrap_or(0);
        let room = ERRORS_MAX.saturating_sub(self.errors.len());
        self.errors.extend(errors.into_iter().take(room));
    }

    /// The same with its reasons in a language.
    #[must_use]
    pub fn in_language(mut self, lang: Lang) -> Self {
        let told = |errors: Vec<RowError>| errors.into_iter().map(|error| error.in_language(lang)).collect();
        (self.errors, self.warnings) = (told(self.errors), told(self.warnings));
        self
    }
}

/// The fault of a changed row whose request takes nothing any more.
pub(super) fn ended(state: RequestStateName) -> Fault {
    let (code, zh, en) = match state {
        RequestStateName::Cancelled => {
            ("request_cancelled", "工单已取消，没有按文件改动", "The request is cancelled and was left as it is")
        }
        RequestStateName::Merged => {
            ("request_merged", "工单已并入另一条，没有按文件改动", "The request was merged and was left as it is")
        }
        _ => ("request_closed", "工单已办结，没有按文件改动", "The request is closed and was left as it is"),
    };
    Fault::new("external_id", code, zh, en)
}
