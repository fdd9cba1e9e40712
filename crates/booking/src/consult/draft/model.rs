//! A draft as it is kept.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::{Personal, Subject, Subjects};

use super::input::DraftParts;
use crate::account::PersonId;
use crate::consult::id::ConsultDraftId;

/// The audit log's word for what a draft is.
pub(super) const KIND: &str = "consult_draft";

/// The words of a draft, and the name of the resident whom it is about.
#[derive(Clone, Debug)]
pub(in crate::consult) struct DraftTold {
    pub(in crate::consult) resident_name: Option<String>,
    pub(in crate::consult) parts: DraftParts,
}

/// One draft.
#[derive(Debug)]
pub(in crate::consult) struct ConsultDraft {
    pub(in crate::consult) id: ConsultDraftId,
    /// The resident, as long as they are one of the writer's care home.
    pub(in crate::consult) resident_id: Option<PersonId>,
    pub(in crate::consult) told: Personal<DraftTold>,
    pub(in crate::consult) changed_at: DateTime<Utc>,
    /// Counts the changes.
    pub(in crate::consult) version: i64,
}

impl Subjects for ConsultDraft {
    fn subjects(&self) -> Vec<Subject> {
        let person = self.resident_id.map(|resident| Subject::new("person", resident));
        [Subject::new(KIND, self.id)].into_iter().chain(person).collect()
    }
}
