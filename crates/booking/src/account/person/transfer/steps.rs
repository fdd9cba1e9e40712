//! A transfer's way: asked for, answered by the side that has the record, or taken back.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{self, By, Call, Change, Lifecycle, Order};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::{CONFLICT, Problem};
use serde::Serialize;
use uuid::Uuid;

use super::input::TransferRefusal;
use super::model::{Transfer, TransferId};
use super::policy::{self, TransferAction};
use super::side::{self, TransferStance};
use super::state::{Handover, TransferState, TransferStep, TransferStepName};
use super::view::TransferView;
use super::{TOPIC, store};
use crate::App;
use crate::account::person::join::{Both, carry};
use crate::account::person::model::Person;
use crate::account::person::sharing::{self, SharingScope};
use crate::account::person::state::PersonState;
use crate::account::person::store as persons;
use crate::account::problems::PERSON_ENDED;
use crate::role;

impl Lifecycle for Transfer {
    const NAME: &'static str = "transfer";
    const CREATED: &'static str = "ask";
    const TOPIC: &'static str = TOPIC;

    type App = App;
    type Id = TransferId;
    type State = TransferState;
    type Stance = TransferStance;
    type View = TransferView;

    fn id(&self) -> TransferId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &TransferState {
        &self.state
    }

    fn advanced(self, state: TransferState, _: &TransferStep, at: DateTime<Utc>) -> Self {
        Self { state, decided_at: Some(at), version: self.version + 1, ..self }
    }

    async fn find(conn: &mut Conn, id: TransferId) -> Result<Option<Self>, DbError> {
        store::find(conn, id).await
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        match before {
            Some(before) => store::update(tx, before.version, after).await,
            None => store::insert(tx, after).await,
        }
    }

    // Those who have the record hear of it; a change is of concern to them as well.
    async fn follow_up(tx: &mut Tx, _: &By<'_>, changes: &[Change<Self>]) -> Result<(), DbError> {
        for change in changes {
            for person in store::held(tx, &change.after).await? {
                let person = person.unseen();
                if let Some(organisation) = person.organisation_id.or(person.registered_by) {
                    tx.touch(TOPIC, organisation);
                }
            }
        }
        Ok(())
    }

    // Others hear of the person who was handed over: that is the person's event.
    fn events(_: &By<'_>, _: &Change<Self>) -> Result<Vec<NewEvent>, DbError> {
        Ok(Vec::new())
    }

    fn audience(change: &Change<Self>) -> Vec<Uuid> {
        let after = &change.after;
        let from = after.handover().and_then(|handover| handover.from);
        [after.to_organisation, from, after.decided_by()].into_iter().flatten().map(Uuid::from).collect()
    }

    async fn stance(&self, _: &App, conn: &mut Conn, ctx: &Ctx) -> Result<TransferStance, Problem> {
        side::of(conn, ctx, self).await
    }

    fn sees(ctx: &Ctx, stance: &TransferStance) -> Decision {
        allowed(ctx, stance, TransferAction::Read)
    }

    fn allows(ctx: &Ctx, stance: &TransferStance, step: TransferStepName) -> Decision {
        allowed(ctx, stance, TransferAction::of(step))
    }

    // Somebody who has died or left goes nowhere.
    fn timely(_: &Ctx, stance: &TransferStance, step: TransferStepName) -> bool {
        let here = stance.person.as_ref().is_none_or(|person| person.unseen().state == PersonState::Registered);
        step != TransferStepName::Accept || here
    }

    async fn view(_: &App, conn: &mut Conn, ctx: &Ctx, id: TransferId) -> Result<TransferView, Problem> {
        let transfer = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
        TransferView::of(conn, ctx, transfer).await
    }
}

/// The policy's answer for the caller.
pub(super) fn allowed(ctx: &Ctx, stance: &TransferStance, action: TransferAction) -> Decision {
    Decision::over(role::held(&ctx.actor), |role| policy::decide(role, action, stance.relation))
}

/// A wish of one of the two sides.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TransferOrder {
    /// Hand the person over.
    Accept,
    /// Refuse to.
    Decline(TransferRefusal),
    /// Ask for the person no more.
    Withdraw,
}

impl Order<Transfer> for TransferOrder {
    fn step(&self) -> TransferStepName {
        match self {
            Self::Accept => TransferStepName::Accept,
            Self::Decline(_) => TransferStepName::Decline,
            Self::Withdraw => TransferStepName::Withdraw,
        }
    }

    async fn prepare(
        &self,
        call: Call<'_, Transfer>,
        tx: &mut Tx,
        transfer: &Transfer,
    ) -> Result<TransferStep, Problem> {
        let by = call.ctx.actor.organisation;
        Ok(match self {
            Self::Accept => TransferStep::Accept(hand_over(call, tx, transfer).await?),
            Self::Decline(refusal) => TransferStep::Decline { by, reason: refusal.checked()? },
            Self::Withdraw => TransferStep::Withdraw,
        })
    }
}

/// Refuses to move somebody who has died or left.
pub(super) fn require_here(person: &Person) -> Result<(), Problem> {
    if person.state == PersonState::Registered { Ok(()) } else { Err(Problem::new(&PERSON_ENDED)) }
}

/// Lets the record of the caller's side lead on to that of the side that has asked; others who have asked get nobody.
async fn hand_over(call: Call<'_, Transfer>, tx: &mut Tx, transfer: &Transfer) -> Result<Handover, Problem> {
    let (ctx, changed) = (call.ctx, || Problem::new(&CONFLICT));
    let held = side::of(tx, ctx, transfer).await?.person.map(Personal::into_unseen).ok_or_else(changed)?;
    let asker = persons::find(tx, transfer.person_id).await?.map(Personal::into_unseen).ok_or_else(changed)?;
    if asker.organisation_id != transfer.to_organisation || asker.id == held.id {
        // The record that asks was handed on itself.
        return Err(changed());
    }
    require_here(&held)?;
    require_here(&asker)?;
    sharing::require_not_withdrawn(tx, held.id, SharingScope::HandOver).await?;
    let handover =
        Handover { by: ctx.actor.organisation, from: held.organisation_id.or(held.registered_by), held: held.id };
    let both = Both { survivor: asker, other: held };
    carry(tx, ctx, &call.app.deps.fields, both, transfer.id).await?;
    for other in store::others(tx, transfer).await? {
        lifecycle::advance(tx, &By::Person(ctx), other, TransferStep::Overtake { by: handover.by }).await?;
    }
    Ok(handover)
}
