//! The report of an import of people. Personal values are masked; the bad rows are told whole to the one who sent them.

use sanbao_platform::table::TableReport;
use serde::Serialize;
use utoipa::ToSchema;

/// How an import of people went. `total` is the sum of created, updated, unchanged, same, ended and failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonReport {
    /// The system that the file comes from.
    pub source: String,
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
    /// New people who may have a record already: they are proposed as pairs.
    pub perhaps_same: u64,
    /// The rest is as in every report.
    #[serde(flatten)]
    pub table: TableReport,
}
