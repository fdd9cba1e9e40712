//! The file.

use chrono::{DateTime, Utc};
use sanbao_platform::db::copy::ToldRow;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account::id::PersonId;

/// All that booking keeps of a person, as one organisation answers for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonExportView {
    pub person_id: PersonId,
    pub made_at: DateTime<Utc>,
    /// The organisation that gives it.
    pub given_by: String,
    /// Whether papers stand here with their whole numbers: where the caller may see these. Else they are masked.
    pub papers_whole: bool,
    /// A section each for papers, care facts and tables; the last one names those who have consults or visits that are not told here.
    pub sections: Vec<ExportedSection>,
}

/// A part of the file.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedSection {
    /// The name of the table, or `papers`, `care`, `unreadable_texts`, `drafts`, `elsewhere`.
    pub name: &'static str,
    /// Its rows, with the names of the columns.
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<ToldRow>,
    /// There are more than 10,000 rows, and these are not all.
    pub cut: bool,
}
