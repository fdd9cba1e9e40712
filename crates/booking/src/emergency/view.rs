//! The shapes in which callers see openings, and the record that one opens.

use chrono::{DateTime, Utc};
use sanbao_platform::http::Ctx;
use sanbao_platform::policy::Decision;
use serde::Serialize;
use utoipa::ToSchema;

use super::id::EmergencyAccessId;
use super::model::{EmergencyAccess, EmergencyOutcome, Sign};
use super::policy::{EmergencyAction, EmergencyRelation};
use crate::account::person::PersonView;
use crate::consult::{ConsultRecord, OrganisationName};

/// The outcome of a try. It names nobody: each record is read by its own audited call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct EmergencyOpened {
    pub(super) outcome: EmergencyOutcome,
    /// The openings of the one human that was found; none otherwise. A human whom two organisations have registered has two records.
    pub(super) accesses: Vec<EmergencyAccessId>,
    /// From when on they open nothing.
    pub(super) ends_at: Option<DateTime<Utc>>,
}

impl EmergencyOpened {
    /// The outcome of what was written down.
    pub(super) fn of(written: &[EmergencyAccess]) -> Self {
        let outcome = written.first().map_or(EmergencyOutcome::Nobody, |access| access.outcome);
        let opened = written.iter().filter(|access| access.outcome == EmergencyOutcome::Opened);
        let ends_at = written.iter().filter_map(|access| access.ends_at).min();
        Self { outcome, accesses: opened.map(|access| access.id).collect(), ends_at }
    }
}

/// An opening, or a try that opened none.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct EmergencyAccessView {
    pub(super) id: EmergencyAccessId,
    /// The name of the account that opened it.
    pub(super) account_name: String,
    /// For which it was opened.
    pub(super) organisation: OrganisationName,
    /// The kind of number that was typed.
    pub(super) sign: Sign,
    pub(super) outcome: EmergencyOutcome,
    /// Whose record it is: for those who review it, and as long as it is open.
    pub(super) person_name: Option<String>,
    /// Why it was opened.
    pub(super) reason: String,
    pub(super) opened_at: DateTime<Utc>,
    /// From when on it opens nothing.
    pub(super) ends_at: Option<DateTime<Utc>>,
    /// Whether it opens the record now, to the account that opened it.
    pub(super) running: bool,
    pub(super) reviewed_by_name: Option<String>,
    pub(super) reviewed_at: Option<DateTime<Utc>>,
    /// The reviewer's finding.
    pub(super) remark: Option<String>,
    /// Whether the caller may review it now.
    pub(super) may_review: bool,
    /// Counts its changes; the `ETag`.
    pub(super) version: i64,
}

impl EmergencyAccessView {
    /// The opening as the caller sees it now.
    pub(super) fn of(access: &EmergencyAccess, ctx: &Ctx) -> Self {
        let words = access.words.show(&ctx.shows, access);
        let over = access.relation(&ctx.actor, ctx.now()) == EmergencyRelation::Over;
        let may_review = access.decide(ctx, EmergencyAction::Review) == Decision::Allow;
        Self {
            id: access.id,
            account_name: access.account_name.clone(),
            organisation: OrganisationName {
                id: access.organisation_id,
                name_zh: access.organisation_zh.clone(),
                name_en: access.organisation_en.clone(),
            },
            sign: access.sign,
            outcome: access.outcome,
            person_name: words.person_name.clone().filter(|_| !over),
            reason: words.reason.clone(),
            opened_at: access.opened_at,
            ends_at: access.ends_at,
            running: access.is_running(ctx.now()),
            reviewed_by_name: access.reviewed_by_name.clone(),
            reviewed_at: access.reviewed_at,
            remark: words.remark.clone(),
            may_review: may_review && access.reviewed_at.is_none(),
            version: access.version,
        }
    }
}

/// The record that an opening opens: the person, masked as everywhere, and the case and opinion of each consult.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EmergencyRecord {
    /// The opening by which it is read.
    pub(super) access: EmergencyAccessView,
    pub(super) person: PersonView,
    /// The person's consults, the newest first; drafts are the inviting side's alone.
    pub(super) consults: Vec<ConsultRecord>,
    /// Whether there are older ones.
    pub(super) more: bool,
}
