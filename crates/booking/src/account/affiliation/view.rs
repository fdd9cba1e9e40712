//! An agreement as each side of it sees it.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::db::Conn;
use sanbao_platform::history;
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{self, Lifecycle as _};
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum;
use serde::Serialize;
use utoipa::ToSchema;

use super::ENDING_DAYS;
use super::model::OrganisationAffiliation;
use super::policy::AffiliationSide;
use super::state::{AffiliationState, AffiliationStateName, AffiliationStepName};
use super::steps::AffiliationStance;
use crate::account::id::AffiliationId;
use crate::consult::{self, OrganisationName};

text_enum! {
    /// Where an agreement stands on a day, by its state and its days.
    pub enum AffiliationStanding {
        /// 等待答复
        Proposed = "proposed",
        /// 已过期，未答复: its last day is over, and nobody has answered.
        Lapsed = "lapsed",
        /// 尚未生效
        Coming = "coming",
        /// 生效中
        InForce = "in_force",
        /// 即将到期: it counts, and its last day is one of the next 30.
        Ending = "ending",
        /// 已到期
        Over = "over",
        /// 未同意
        Declined = "declined",
        /// 已撤回
        Withdrawn = "withdrawn",
        /// 已结束
        Ended = "ended",
    }
}

impl AffiliationStanding {
    /// The standing of a state on a day, with the first and the last day on which it counts.
    fn of(state: &AffiliationState, (from, until): (NaiveDate, NaiveDate), today: NaiveDate) -> Self {
        match state {
            AffiliationState::Proposed if until < today => Self::Lapsed,
            AffiliationState::Proposed => Self::Proposed,
            AffiliationState::Active if until < today => Self::Over,
            AffiliationState::Active if today < from => Self::Coming,
            AffiliationState::Active if (until - today).num_days() <= ENDING_DAYS => Self::Ending,
            AffiliationState::Active => Self::InForce,
            AffiliationState::Declined { .. } => Self::Declined,
            AffiliationState::Withdrawn => Self::Withdrawn,
            AffiliationState::Ended { .. } => Self::Ended,
        }
    }
}

/// An agreement in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AffiliationLine {
    pub id: AffiliationId,
    /// The side on which the caller's organisation stands.
    pub side: AffiliationSide,
    /// The care home that invites.
    pub inviting: OrganisationName,
    /// The hospital that is invited.
    pub invited: OrganisationName,
    /// The number on the paper (协议编号).
    pub number: String,
    /// The first day on which it counts, in the hospital's zone.
    pub valid_from: NaiveDate,
    /// The last day on which it counts.
    pub valid_until: NaiveDate,
    /// Whether the care home books the hospital's hours without waiting for an answer.
    pub books_at_once: bool,
    /// The side that has proposed it.
    pub proposed_by: AffiliationSide,
    pub proposed_at: DateTime<Utc>,
    pub state: AffiliationStateName,
    /// Where it stands today.
    pub standing: AffiliationStanding,
    /// Days until its last one, of one that is about to end.
    pub days_left: Option<i64>,
    /// When it was answered, taken back or ended.
    pub decided_at: Option<DateTime<Utc>>,
    /// The side that has ended it.
    pub ended_by: Option<AffiliationSide>,
    /// Why it was declined or ended.
    pub reason: Option<String>,
    /// The steps that the caller may take now.
    pub actions: Vec<AffiliationStepName>,
    /// Counts its changes; the `ETag`.
    pub version: i64,
}

/// A step that was taken with an agreement.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AffiliationStepTaken {
    pub at: DateTime<Utc>,
    /// The account that took it.
    pub actor_name: Option<String>,
    /// The side of that account.
    pub side: Option<AffiliationSide>,
    /// The step's name; `propose` for the first.
    pub action: String,
    /// `at_once` or `asked_for`, where the step says how hours are booked from then on.
    pub note: Option<String>,
    pub reason: Option<String>,
}

/// An agreement with what belongs to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AffiliationView {
    #[serde(flatten)]
    pub line: AffiliationLine,
    /// Consults between the two that are booked or in session: they stay, also when it ends.
    pub booked: i64,
    /// Consults between the two that wait for an answer, a time or an opinion: they go on as well.
    pub waiting: i64,
    /// The steps that were taken, the oldest first.
    pub history: Vec<AffiliationStepTaken>,
}

fn named(id: OrganisationId, zh: &str, en: &str) -> OrganisationName {
    OrganisationName { id, name_zh: zh.to_owned(), name_en: en.to_owned() }
}

impl AffiliationLine {
    /// The agreement as the caller sees it; 404 for somebody of neither side.
    pub(super) fn of(ctx: &Ctx, a: &OrganisationAffiliation) -> Result<Self, Problem> {
        let side = a.side(ctx.actor.organisation).ok_or_else(Problem::not_found)?;
        let today = a.day(ctx.now());
        let standing = AffiliationStanding::of(&a.state, (a.valid_from, a.valid_until), today);
        let days_left = (standing == AffiliationStanding::Ending).then(|| (a.valid_until - today).num_days());
        Ok(Self {
            id: a.id,
            side,
            inviting: named(a.inviting_id, &a.inviting_zh, &a.inviting_en),
            invited: named(a.invited_id, &a.invited_zh, &a.invited_en),
            number: a.number.clone(),
            valid_from: a.valid_from,
            valid_until: a.valid_until,
            books_at_once: a.books_at_once,
            proposed_by: a.proposed_by,
            proposed_at: a.proposed_at,
            state: lifecycle::State::name(&a.state),
            standing,
            days_left,
            decided_at: a.decided_at,
            ended_by: a.state.ended_by(),
            reason: a.state.reason().map(str::to_owned),
            actions: lifecycle::actions(a, ctx, &AffiliationStance::of(ctx, a)),
            version: a.version,
        })
    }

    /// The other side.
    pub(in crate::account) fn other(&self) -> &OrganisationName {
        if self.side == AffiliationSide::Inviting { &self.invited } else { &self.inviting }
    }
}

impl AffiliationView {
    /// The agreement as the caller sees it, with its history and what is open between the two.
    pub(super) async fn of(conn: &mut Conn, ctx: &Ctx, a: &OrganisationAffiliation) -> Result<Self, Problem> {
        let line = AffiliationLine::of(ctx, a)?;
        let (booked, waiting) = consult::open_between(conn, a.inviting_id, a.invited_id).await?;
        let taken = history::of(conn, OrganisationAffiliation::NAME, a.id).await?.into_unseen();
        let of_side = |id: uuid::Uuid| a.side(OrganisationId(id));
        let taken = taken.into_iter().map(|line| AffiliationStepTaken {
            at: line.at,
            actor_name: line.actor_name,
            side: line.organisation.and_then(of_side),
            action: line.step,
            note: line.note,
            reason: line.reason,
        });
        Ok(Self { line, booked, waiting, history: taken.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agreement_counts_from_its_first_day_to_its_last_and_is_about_to_end_for_thirty() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap_or_default();
        let days = (day("2026-03-01"), day("2026-12-31"));
        for (today, standing) in [
            ("2026-02-28", AffiliationStanding::Coming),
            ("2026-03-01", AffiliationStanding::InForce),
            ("2026-11-30", AffiliationStanding::InForce),
            ("2026-12-01", AffiliationStanding::Ending),
            ("2026-12-31", AffiliationStanding::Ending),
            ("2027-01-01", AffiliationStanding::Over),
        ] {
            assert_eq!(AffiliationStanding::of(&AffiliationState::Active, days, day(today)), standing, "{today}");
            let unanswered = AffiliationStanding::of(&AffiliationState::Proposed, days, day(today));
            assert_eq!(unanswered == AffiliationStanding::Lapsed, standing == AffiliationStanding::Over, "{today}");
            assert_eq!(
                AffiliationStanding::of(&AffiliationState::Withdrawn, days, day(today)),
                AffiliationStanding::Withdrawn
            );
        }
    }
}
