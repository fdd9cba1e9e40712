//! Proposals and answers, read and checked.

use chrono::{Days, NaiveDate};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::moment::Day;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::policy::AffiliationSide;
use crate::account::input::{Fields, Wrong, line};

/// Characters of an agreement's number at most.
pub(in crate::account) const NUMBER_CHARS_MAX: usize = 60;
/// Characters of a reason at most.
pub(in crate::account) const WORDS_CHARS_MAX: usize = 500;
/// How far back an agreement may begin, and how far ahead it may end, in days: ten years.
const DAYS_MAX: u64 = 3_653;

/// An agreement that is proposed to another organisation.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"with": "01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02", "number": "镇医合 2026-017", "valid_from": "2026-12-01",
    "valid_until": "2028-11-30"}))]
pub struct NewAffiliation {
    /// The other organisation: a hospital or health centre, where a care home proposes; a care home that has invited it, where one
    /// of those does.
    pub with: OrganisationId,
    /// The number on the paper (协议编号), up to 60 characters.
    pub number: String,
    /// The first day on which it counts, in the hospital's zone.
    #[schema(value_type = chrono::NaiveDate)]
    pub valid_from: Day,
    /// The last day on which it counts.
    #[schema(value_type = chrono::NaiveDate)]
    pub valid_until: Day,
    /// Whether the care home books the hospital's hours at once: the hospital's word, so that a care home leaves it out.
    #[serde(default)]
    pub books_at_once: Option<bool>,
}

/// A proposal that was checked.
#[derive(Clone, Debug)]
pub(super) struct AffiliationProposal {
    pub(super) number: String,
    pub(super) valid_from: NaiveDate,
    pub(super) valid_until: NaiveDate,
    pub(super) books_at_once: bool,
}

/// The hospital's word about its hours; of a care home none is taken.
fn of_hospital(said: Option<bool>, side: AffiliationSide) -> Result<Option<bool>, Wrong> {
    match (said, side) {
        (Some(_), AffiliationSide::Inviting) => {
            Err(Wrong::new("是否允许直接约定由医院决定", "Whether hours are booked at once is the hospital's word"))
        }
        (said, _) => Ok(said),
    }
}

/// The days of an agreement, if they are in their order, not over, and not too far away.
fn days(from: NaiveDate, until: NaiveDate, today: NaiveDate) -> (Result<NaiveDate, Wrong>, Result<NaiveDate, Wrong>) {
    let first = today.checked_sub_days(Days::new(DAYS_MAX)).is_some_and(|earliest| from >= earliest);
    let last = today.checked_add_days(Days::new(DAYS_MAX)).is_some_and(|latest| until <= latest);
    let begins = first.then_some(from).ok_or(Wrong::new("最早为十年前", "Ten years ago at the earliest"));
    let ends = if until < from {
        Err(Wrong::new("到期日期要不早于生效日期", "Not before the first day"))
    } else if until < today {
        Err(Wrong::new("这一天已经过去", "This day is over"))
    } else {
        last.then_some(until).ok_or(Wrong::new("最晚为十年后", "Ten years from now at the latest"))
    };
    (begins, ends)
}

impl NewAffiliation {
    /// The proposal of one side, checked; `today` is the hospital's.
    pub(super) fn checked(&self, side: AffiliationSide, today: NaiveDate) -> Result<AffiliationProposal, Problem> {
        let mut fields = Fields::default();
        let number = fields.take("/number", line(&self.number, NUMBER_CHARS_MAX));
        let (from, until) = days(*self.valid_from, *self.valid_until, today);
        let (from, until) = (fields.take("/valid_from", from), fields.take("/valid_until", until));
        let at_once = fields.take("/books_at_once", of_hospital(self.books_at_once, side));
        let proposal = number.zip(from).zip(until).zip(at_once);
        fields.finish(proposal.map(|(((number, valid_from), valid_until), at_once)| AffiliationProposal {
            number,
            valid_from,
            valid_until,
            books_at_once: at_once.unwrap_or(false),
        }))
    }
}

/// The answer of the side to which an agreement was proposed: yes.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"books_at_once": true}))]
pub struct AffiliationAcceptance {
    /// Whether the care home books the hospital's hours at once: said by the hospital alone; left out, what the proposal says stands.
    #[serde(default)]
    pub books_at_once: Option<bool>,
}

impl AffiliationAcceptance {
    /// The hospital's word, where it has said one.
    pub(super) fn checked(&self, side: AffiliationSide) -> Result<Option<bool>, Problem> {
        let mut fields = Fields::default();
        let said = fields.take("/books_at_once", of_hospital(self.books_at_once, side));
        fields.finish(said)
    }
}

/// The hospital's word about its hours.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"books_at_once": false}))]
pub struct AffiliationChange {
    /// Whether the care home books them at once from now on.
    pub books_at_once: bool,
}

/// Why an agreement is declined, or ended before its last day.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "合作内容有变，另签新协议"}))]
pub struct AffiliationRefusal {
    /// In people's words, up to 500 characters; the other side reads it.
    pub reason: String,
}

impl AffiliationRefusal {
    /// The trimmed reason.
    pub(super) fn checked(&self) -> Result<String, Problem> {
        let mut fields = Fields::default();
        let reason = fields.take("/reason", line(&self.reason, WORDS_CHARS_MAX));
        fields.finish(reason)
    }
}
