//! The part of a report that is the same for every file: how many rows were bad, what is wrong with them, and what was doubtful.

use serde::Serialize;
use utoipa::ToSchema;

use super::fault::{ERRORS_MAX, RowError};
use super::read::FileNotes;
use crate::lang::Lang;

/// The part of a report that is the same for every kind of file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TableReport {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Rows of the file, blank ones left out.
    pub total: u64,
    /// Bad rows.
    pub failed: u64,
    /// Rows that are none, such as a row of sums: each is told among the warnings.
    pub skipped: u64,
    /// Faults of bad rows in all.
    pub error_count: u64,
    /// The first of these.
    pub errors: Vec<RowError>,
    /// Doubts about rows that were taken, in all.
    pub warning_count: u64,
    /// The first of these.
    pub warnings: Vec<RowError>,
    /// The things about the file that its rows do not tell.
    pub notes: FileNotes,
    /// The bad rows as a CSV file to mend, with the reason behind each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl TableReport {
    /// Counts a bad row, and remembers what is wrong while there is room.
    pub fn bad(&mut self, errors: Vec<RowError>) {
        self.failed += 1;
        self.error_count += errors.len() as u64;
        let room = ERRORS_MAX.saturating_sub(self.errors.len());
        self.errors.extend(errors.into_iter().take(room));
    }

    /// Counts a row that is left out although nothing is wrong with it, and tells it.
    pub fn skip(&mut self, why: RowError) {
        self.skipped += 1;
        self.doubt(why);
    }

    /// Counts a doubt, and remembers it while there is room.
    pub fn doubt(&mut self, warning: RowError) {
        self.warning_count += 1;
        if self.warnings.len() < ERRORS_MAX {
            self.warnings.push(warning);
        }
    }

    /// The same with its reasons in a language.
    #[must_use]
    pub fn in_language(mut self, lang: Lang) -> Self {
        let told = |errors: Vec<RowError>| errors.into_iter().map(|error| error.in_language(lang)).collect();
        (self.errors, self.warnings) = (told(self.errors), told(self.warnings));
        self
    }
}
