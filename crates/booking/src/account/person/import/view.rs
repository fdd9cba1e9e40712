//! The report of an import of people. Personal values are masked; the bad rows are told whole to the one who sent them.

use sanbao_platform::lang::Lang;
use sanbao_platform::table::{ERRORS_MAX, FileNotes, RowError};
use serde::Serialize;
use utoipa::ToSchema;

/// How an import of people went. `total` is the sum of created, updated, unchanged, same, ended and failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonReport {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The system that the file comes from.
    pub source: String,
    /// Rows of the file, blank ones left out.
    pub total: u64,
    /// New people.
    pub created: u64,
    /// Known people who were brought up to date.
    pub updated: u64,
    /// Known people of whom nothing had to be changed.
    pub unchanged: u64,
    /// Rows of somebody who stands further up in the file: one record was made.
    pub same: u64,
    /// Rows of somebody who has died or left, or whom the caller may not correct any more: the record was left as it is.
    pub ended: u64,
    /// Bad rows.
    pub failed: u64,
    /// New people who may have a record already: they are proposed as pairs.
    pub perhaps_same: u64,
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

impl PersonReport {
    /// Counts a bad row, and remembers what is wrong while there is room.
    pub(super) fn bad(&mut self, errors: Vec<RowError>) {
        self.failed += 1;
        self.error_count += errors.len() as u64;
        let room = ERRORS_MAX.saturating_sub(self.errors.len());
        self.errors.extend(errors.into_iter().take(room));
    }

    /// Counts a doubt, and remembers it while there is room.
    pub(super) fn doubt(&mut self, warning: RowError) {
        self.warning_count += 1;
        if self.warnings.len() < ERRORS_MAX {
            self.warnings.push(warning);
        }
    }

    /// The same with its reasons in a language.
    #[must_use]
    pub(super) fn in_language(mut self, lang: Lang) -> Self {
        let told = |errors: Vec<RowError>| errors.into_iter().map(|error| error.in_language(lang)).collect();
        (self.errors, self.warnings) = (told(self.errors), told(self.warnings));
        self
    }
}
