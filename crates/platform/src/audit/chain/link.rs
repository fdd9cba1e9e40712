//! The link of a row: a hash of the link before it and of everything that stands in the row.

use std::fmt;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::crypto::hex;
use crate::db::DbError;

/// Bytes of a link (SHA-256).
pub const LINK_BYTES: usize = 32;

/// The link of a row, or what a chain begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Link([u8; LINK_BYTES]);

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// A row of the log, with the place that it has.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: Uuid,
    occurred_at: DateTime<Utc>,
    actor: Option<Uuid>,
    organisation: Option<Uuid>,
    action: String,
    resource_kind: String,
    resource_id: Option<Uuid>,
    request_id: String,
    outcome: String,
    pub(super) shown: Option<Uuid>,
    times: i64,
    pub(super) position: Option<i64>,
    pub(super) link: Option<Vec<u8>>,
}

impl Link {
    /// What the chain of a service begins with: a chain of another does not go on from it.
    pub(super) fn first(service: &str) -> Self {
        Self(Sha256::digest(format!("sanbao audit chain v1 {service}")).into())
    }

    /// The link in a column.
    pub(super) fn of(bytes: &[u8], position: i64) -> Result<Self, DbError> {
        bytes.try_into().map(Self).map_err(|_| DbError::BadRow {
            table: "audit",
            column: "link",
            row: position.to_string(),
            cause: format!("{} bytes, not {LINK_BYTES}", bytes.len()),
        })
    }

    /// The link of the row behind the one with this.
    pub(super) fn next(self, row: &Row) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(row.id);
        // Microseconds: what both engines keep.
        hash.update(row.occurred_at.timestamp_micros().to_be_bytes());
        for id in [row.actor, row.organisation, row.resource_id, row.shown] {
            hash.update([u8::from(id.is_some())]);
            hash.update(id.unwrap_or_default());
        }
        for text in [&row.action, &row.resource_kind, &row.request_id, &row.outcome] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.update(row.times.to_be_bytes());
        Self(hash.finalize().into())
    }
}
