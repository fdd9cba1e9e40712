//! The file.

use chrono::{DateTime, Utc};
use sanbao_platform::db::copy::ToldRow;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Whose file.
#[derive(Clone, Copy, Debug, serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// The person of the network.
    pub person: Uuid,
}

/// All that this service keeps of a person, as far as the caller may give it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestsExport {
    /// Whose it is: the record to which the one that was asked for leads on.
    pub person_id: Uuid,
    pub made_at: DateTime<Utc>,
    /// The person as this service knows them: area, year of birth, sex.
    #[schema(value_type = Vec<Object>)]
    pub elder: Vec<ToldRow>,
    /// Their requests, the newest first.
    pub items: Vec<ExportedRequest>,
    /// The doors of rounds at which they were looked for, the newest first, as far as they are the caller's to give.
    pub doors: Vec<ExportedDoor>,
    /// The matters that are about them, the newest first, as far as they are the caller's to give.
    pub matters: Vec<ExportedMatter>,
    /// How many requests of theirs the caller may not give: those of other areas or agencies.
    pub others: usize,
    /// There are more than 1,000 requests, and these are not all.
    pub cut: bool,
}

/// A request with all that is kept of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedRequest {
    pub id: Uuid,
    /// Its columns.
    #[schema(value_type = Object)]
    pub request: ToldRow,
    /// The resident id that stands on it, masked.
    pub national_id: Option<String>,
    /// The steps that were taken with it.
    #[schema(value_type = Vec<Object>)]
    pub history: Vec<ToldRow>,
    /// The accounts that have read it.
    #[schema(value_type = Vec<Object>)]
    pub read_by: Vec<ToldRow>,
    /// The accounts that have changed it.
    #[schema(value_type = Vec<Object>)]
    pub changed_by: Vec<ToldRow>,
    /// The events by which the other services were told.
    #[schema(value_type = Vec<Object>)]
    pub told: Vec<ToldRow>,
    /// The joins of records by which it came to this person.
    #[schema(value_type = Vec<Object>)]
    pub moved: Vec<ToldRow>,
    /// One of these lists is longer than 1,000 rows, and not whole.
    pub cut: bool,
}

/// A door at which a person was looked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedDoor {
    /// Its columns.
    #[schema(value_type = Object)]
    pub door: ToldRow,
    /// The steps that were taken there.
    #[schema(value_type = Vec<Object>)]
    pub history: Vec<ToldRow>,
}

/// A matter that is about a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedMatter {
    /// Its columns.
    #[schema(value_type = Object)]
    pub matter: ToldRow,
    /// The steps that were taken with it.
    #[schema(value_type = Vec<Object>)]
    pub history: Vec<ToldRow>,
}
