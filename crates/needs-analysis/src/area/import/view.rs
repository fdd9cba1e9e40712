//! The report of an import of areas.

use sanbao_platform::lang::Lang;
use serde::Serialize;
use utoipa::ToSchema;

use super::plan::COLUMNS;

use sanbao_platform::table::{ERRORS_MAX, Fault, FileNotes, RowError, RowPlace};

/// How an import of areas went. `total` is the sum of created, updated, unchanged, failed and skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AreaReport {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Rows of the file, blank ones left out.
    pub total: u64,
    /// New areas.
    pub created: u64,
    /// Known areas that have another name or place since.
    pub updated: u64,
    /// Of these, the ones that lie in another area since.
    pub moved: u64,
    /// Known areas that were as in the file.
    pub unchanged: u64,
    /// Bad rows.
    pub failed: u64,
    /// Rows of sums, which are no areas.
    pub skipped: u64,
    /// Bad cells in all.
    pub error_count: u64,
    /// The first of these, in the order of the lines.
    pub errors: Vec<RowError>,
    /// The things about the file that its rows do not tell.
    pub notes: FileNotes,
}

impl AreaReport {
    /// Counts a bad row and remembers what is wrong while there is room.
    pub(super) fn bad(&mut self, row: impl Into<RowPlace>, fault: Fault, value: Option<&str>) {
        self.failed += 1;
        self.error_count += 1;
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(RowError::new(row, fault, value, &COLUMNS));
        }
    }

    /// The same with its reasons in a language.
    #[must_use]
    pub(super) fn in_language(mut self, lang: Lang) -> Self {
        self.errors.sort_by_key(|error| error.row);
        self.errors = self.errors.into_iter().map(|error| error.in_language(lang)).collect();
        self
    }
}
