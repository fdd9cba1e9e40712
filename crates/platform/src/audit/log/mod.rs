//! The audit log as administrators read it: an organisation's own rows, found by account, action, thing and day; as a list, as a
//! page and as a file. Each service shows its own rows; the permission is asked by the service before any of this.

mod file;
mod page;
mod query;
mod store;

use std::collections::HashMap;

use axum::response::Response;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::Db;
use crate::http::{Ctx, Page};
use crate::problem::Problem;

pub use file::FILE_ROWS_MAX;
pub use page::{AuditPlace, told};
pub use query::AuditQuery;

/// Something that happened, as an administrator of the organisation sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditEvent {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    /// The account that did it; absent for a log-in, whose account is the thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Uuid>,
    /// Its name, where this service knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// The step, such as `consult.accept`; or the operation that showed somebody, such as `GET /v1/consults/{id}`.
    pub action: String,
    /// The kind of thing it was done to, or of what was shown.
    pub kind: String,
    /// That thing. A refusal names none, because what is refused may not be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thing: Option<Uuid>,
    /// How many people and things the answer has shown.
    pub shown: i64,
    /// `done`, `refused`, or another word for why not.
    pub outcome: String,
    /// How many times, where one row counts several.
    pub times: i64,
    /// The address that the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The id of the request, which is in the process's log too.
    pub request_id: String,
}

/// A reader of the own organisation's rows, whom the service has asked its policy about.
#[derive(Debug)]
pub struct AuditReader<'a> {
    pub db: &'a Db,
    pub ctx: &'a Ctx,
    /// The zone of the days that are asked for and of the times that are shown.
    pub zone: Tz,
    /// The names of the organisation's accounts, as far as the service knows them.
    pub names: HashMap<Uuid, String>,
}

impl AuditReader<'_> {
    /// A page of rows, the newest first.
    pub async fn list(&self, query: &AuditQuery) -> Result<Page<AuditEvent>, Problem> {
        let limit = query.paging().limit()?;
        let rows = self.rows(query, limit + 1).await?;
        Ok(Page::of(rows, limit, |event: &AuditEvent| event.id))
    }

    async fn rows(&self, query: &AuditQuery, limit: i64) -> Result<Vec<AuditEvent>, Problem> {
        let filter = query.filter(self.zone)?;
        let mut conn = self.db.read().await?;
        let rows = store::list(&mut conn, self.ctx.actor.organisation, &filter, limit).await?;
        Ok(rows.into_iter().map(|row| row.seen(&self.names)).collect())
    }

    /// The same as a file, after a proof of who asks; the export itself is written to the log.
    pub async fn export(&self, query: &AuditQuery) -> Result<Response, Problem> {
        file::export(self, query).await
    }
}
