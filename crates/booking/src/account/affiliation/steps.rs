//! An agreement's way: proposed by one side, answered by the other, changed by the hospital, ended by either.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{By, Call, Change, Lifecycle, Order};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use uuid::Uuid;

use super::input::{AffiliationAcceptance, AffiliationChange, AffiliationRefusal};
use super::model::OrganisationAffiliation;
use super::policy::{self, AffiliationAction, AffiliationRelation, AffiliationSide};
use super::state::{AffiliationState, AffiliationStep, AffiliationStepName};
use super::store;
use super::view::AffiliationView;
use crate::App;
use crate::account::id::AffiliationId;
use crate::account::organisation::{self, OrganisationState};
use crate::account::problems::{AFFILIATION_OVER, AFFILIATION_OVERLAPS, PARTNER_CLOSED};
use crate::role;

/// How a caller stands to an agreement, today.
#[derive(Clone, Copy, Debug)]
pub struct AffiliationStance {
    relation: AffiliationRelation,
    /// Whether its last day is over.
    is_over: bool,
}

impl AffiliationStance {
    /// How the caller's organisation stands to it.
    pub(super) fn of(ctx: &Ctx, a: &OrganisationAffiliation) -> Self {
        let side = a.side(ctx.actor.organisation);
        let relation = side.map_or(AffiliationRelation::Foreign, |side| AffiliationRelation::of(side, a.proposed_by));
        Self { relation, is_over: a.valid_until < a.day(ctx.now()) }
    }

    /// The policy's answer.
    pub(super) fn allows(self, ctx: &Ctx, action: AffiliationAction) -> Decision {
        Decision::over(role::held(&ctx.actor), |role| policy::decide(role, action, self.relation))
    }
}

/// Whether a step is of use after the last day, too.
fn outlives(step: AffiliationStepName) -> bool {
    matches!(step, AffiliationStepName::Decline | AffiliationStepName::Withdraw)
}

impl Lifecycle for OrganisationAffiliation {
    const NAME: &'static str = "affiliation";
    const CREATED: &'static str = "propose";
    const TOPIC: &'static str = "affiliations";

    type App = App;
    type Id = AffiliationId;
    type State = AffiliationState;
    type Stance = AffiliationStance;
    type View = AffiliationView;

    fn id(&self) -> AffiliationId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &AffiliationState {
        &self.state
    }

    fn advanced(self, state: AffiliationState, step: &AffiliationStep, at: DateTime<Utc>) -> Self {
        let (books_at_once, decided_at) = match step {
            AffiliationStep::Accept { books_at_once } => (*books_at_once, Some(at)),
            AffiliationStep::Change { books_at_once } => (*books_at_once, self.decided_at),
            AffiliationStep::Decline { .. } | AffiliationStep::Withdraw | AffiliationStep::End { .. } => {
                (self.books_at_once, Some(at))
            }
        };
        Self { state, books_at_once, decided_at, version: self.version + 1, ..self }
    }

    async fn find(conn: &mut Conn, id: AffiliationId) -> Result<Option<Self>, DbError> {
        store::find(conn, id).await
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        match before {
            Some(before) => store::update(tx, before.version, after).await,
            None => store::insert(tx, after).await,
        }
    }

    // What is booked by then stays, whatever becomes of the agreement.
    async fn follow_up(_: &mut Tx, _: &By<'_>, _: &[Change<Self>]) -> Result<(), DbError> {
        Ok(())
    }

    // Agreements are of no concern to other services.
    fn events(_: &By<'_>, _: &Change<Self>) -> Result<Vec<NewEvent>, DbError> {
        Ok(Vec::new())
    }

    fn audience(change: &Change<Self>) -> Vec<Uuid> {
        vec![change.after.inviting_id.into(), change.after.invited_id.into()]
    }

    async fn stance(&self, _: &App, _: &mut Conn, ctx: &Ctx) -> Result<AffiliationStance, Problem> {
        Ok(AffiliationStance::of(ctx, self))
    }

    fn sees(ctx: &Ctx, stance: &AffiliationStance) -> Decision {
        stance.allows(ctx, AffiliationAction::Read)
    }

    fn allows(ctx: &Ctx, stance: &AffiliationStance, step: AffiliationStepName) -> Decision {
        stance.allows(ctx, AffiliationAction::of(step))
    }

    fn timely(_: &Ctx, stance: &AffiliationStance, step: AffiliationStepName) -> bool {
        !stance.is_over || outlives(step)
    }

    async fn view(_: &App, conn: &mut Conn, ctx: &Ctx, id: AffiliationId) -> Result<AffiliationView, Problem> {
        let found = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
        AffiliationView::of(conn, ctx, &found).await
    }
}

/// A wish of an administrator of one of the two sides.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AffiliationOrder {
    /// Agree.
    Accept(AffiliationAcceptance),
    /// Not agree.
    Decline(AffiliationRefusal),
    /// Take the own proposal back.
    Withdraw,
    /// Say whether the hospital's hours are booked at once.
    Change(AffiliationChange),
    /// End it.
    End(AffiliationRefusal),
}

impl Order<OrganisationAffiliation> for AffiliationOrder {
    fn step(&self) -> AffiliationStepName {
        match self {
            Self::Accept(_) => AffiliationStepName::Accept,
            Self::Decline(_) => AffiliationStepName::Decline,
            Self::Withdraw => AffiliationStepName::Withdraw,
            Self::Change(_) => AffiliationStepName::Change,
            Self::End(_) => AffiliationStepName::End,
        }
    }

    async fn prepare(
        &self,
        call: Call<'_, OrganisationAffiliation>,
        tx: &mut Tx,
        affiliation: &OrganisationAffiliation,
    ) -> Result<AffiliationStep, Problem> {
        if AffiliationStance::of(call.ctx, affiliation).is_over && !outlives(self.step()) {
            return Err(Problem::new(&AFFILIATION_OVER));
        }
        let side = affiliation.side(call.ctx.actor.organisation).ok_or_else(Problem::not_found)?;
        Ok(match self {
            Self::Accept(answer) => accepted(tx, affiliation, side, answer).await?,
            Self::Decline(refusal) => AffiliationStep::Decline { reason: refusal.checked()? },
            Self::Withdraw => AffiliationStep::Withdraw,
            Self::Change(change) => AffiliationStep::Change { books_at_once: change.books_at_once },
            Self::End(refusal) => AffiliationStep::End { by: side, reason: refusal.checked()? },
        })
    }
}

/// The agreement as it comes into force: with the hospital's word about its hours, beside none that counts on the same days, and with
/// another side that takes part still.
async fn accepted(
    tx: &mut Tx,
    affiliation: &OrganisationAffiliation,
    side: AffiliationSide,
    answer: &AffiliationAcceptance,
) -> Result<AffiliationStep, Problem> {
    let said = answer.checked(side)?;
    let other = if side == AffiliationSide::Inviting { affiliation.invited_id } else { affiliation.inviting_id };
    let found = organisation::find(tx, other).await?;
    if found.is_none_or(|other| other.state != OrganisationState::Open) {
        return Err(Problem::new(&PARTNER_CLOSED));
    }
    if store::overlaps(tx, affiliation).await? {
        return Err(Problem::new(&AFFILIATION_OVERLAPS));
    }
    Ok(AffiliationStep::Accept { books_at_once: said.unwrap_or(affiliation.books_at_once) })
}
