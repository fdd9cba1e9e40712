//! The shapes in which callers see a draft.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::Disclosure;
use serde::Serialize;
use utoipa::ToSchema;

use super::input::DraftParts;
use super::model::{ConsultDraft, DraftTold};
use crate::consult::id::ConsultDraftId;

/// A draft of the caller's.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConsultDraftView {
    pub id: ConsultDraftId,
    /// The resident's name, where one is chosen.
    pub resident_name: Option<String>,
    /// All that is written so far.
    pub parts: DraftParts,
    /// When it was changed last.
    pub changed_at: DateTime<Utc>,
    /// Counts the changes; the `ETag`.
    pub version: i64,
}

impl ConsultDraftView {
    /// The draft as it is shown to its writer.
    pub(super) fn of(draft: &ConsultDraft, shows: &Disclosure) -> Self {
        let (id, changed_at, version) = (draft.id, draft.changed_at, draft.version);
        let DraftTold { resident_name, parts } = draft.told.show(shows, draft).clone();
        Self { id, resident_name, parts, changed_at, version }
    }
}

/// A draft that is kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConsultDraftKept {
    pub id: ConsultDraftId,
    /// When it was kept.
    pub changed_at: DateTime<Utc>,
    /// Counts the changes; the `ETag`.
    pub version: i64,
}
