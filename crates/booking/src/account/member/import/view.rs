//! The report of an import of accounts, and the links, which are told once.

use sanbao_platform::lang::Lang;
use sanbao_platform::table::{ERRORS_MAX, FileNotes, RowError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::account::id::AccountId;
use crate::account::member::link::AccountLink;

/// A new account with the link by which its owner chooses a password.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImportedLink {
    /// The line in the file.
    pub row: u64,
    pub id: AccountId,
    /// The name that its owner types.
    pub login: String,
    /// The name that others see.
    pub display_name: String,
    /// Told once.
    pub link: AccountLink,
}

/// How an import of accounts went. `total` is the sum of created, unchanged and failed.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct AccountReport {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Rows of the file, blank ones left out.
    pub total: u64,
    /// New accounts.
    pub created: u64,
    /// Of these, doctors who were registered with title, licence and specialty.
    pub doctors: u64,
    /// Accounts that were there already: they were left as they are.
    pub unchanged: u64,
    /// Bad rows.
    pub failed: u64,
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
    /// The links of the new accounts, told once; none in a rehearsal.
    pub links: Vec<ImportedLink>,
    /// The bad rows as a CSV file to mend, with the reason behind each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl AccountReport {
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
