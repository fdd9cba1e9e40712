//! The report of an import of accounts, and the links, which are told once.

use sanbao_platform::table::TableReport;
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
    /// New accounts.
    pub created: u64,
    /// Of these, doctors who were registered with title, licence and specialty.
    pub doctors: u64,
    /// Accounts that were there already: they were left as they are.
    pub unchanged: u64,
    /// The links of the new accounts, told once; none in a rehearsal.
    pub links: Vec<ImportedLink>,
    /// The rest is as in every report.
    #[serde(flatten)]
    pub table: TableReport,
}
