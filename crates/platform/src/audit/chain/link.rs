//! The link of a row: a hash of the link before it and of everything that stands in the row.

use std::fmt;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::{ColumnIndex, Decode, FromRow, Type};
use uuid::Uuid;

use crate::crypto::hex;

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

/// Everything of a row that is linked.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct Content {
    pub(super) id: Uuid,
    pub(super) occurred_at: DateTime<Utc>,
    actor: Option<Uuid>,
    organisation: Option<Uuid>,
    action: String,
    resource_kind: String,
    resource_id: Option<Uuid>,
    request_id: String,
    outcome: String,
    pub(super) shown: Option<Uuid>,
    times: i64,
    address: Option<String>,
}

/// A row with the place and the link that it was given.
#[derive(Clone, Debug)]
pub(super) struct Linked {
    pub(super) position: i64,
    pub(super) link: Option<Link>,
    /// `None` where a column holds what no row is written with.
    pub(super) content: Option<Content>,
}

impl<'r, R> FromRow<'r, R> for Linked
where
    R: sqlx::Row,
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
    Content: FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let link: Option<Vec<u8>> = row.try_get("link")?;
        let link = link.and_then(|bytes| Link::of(&bytes));
        Ok(Self { position: row.try_get("position")?, link, content: Content::from_row(row).ok() })
    }
}

impl Link {
    /// The beginning of a service's chain: a chain of another does not go on from it.
    pub(super) fn first(service: &str) -> Self {
        Self(Sha256::digest(format!("sanbao audit chain v1 {service}")).into())
    }

    /// The link in a column.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The link of the row behind the one with this.
    pub(super) fn next(self, row: &Content) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(row.id);
        // Microseconds: what both engines keep.
        hash.update(row.occurred_at.timestamp_micros().to_be_bytes());
        for id in [row.actor, row.organisation, row.resource_id, row.shown] {
            hash.update([u8::from(id.is_some())]);
            hash.update(id.unwrap_or_default());
        }
        let address = row.address.as_deref();
        for text in [&row.action, &row.resource_kind, &row.request_id, &row.outcome, address.unwrap_or_default()] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.update([u8::from(address.is_some())]);
        hash.update(row.times.to_be_bytes());
        Self(hash.finalize().into())
    }
}
