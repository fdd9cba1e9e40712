//! A consent's way: given, and withdrawn.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{By, Call, Change, Lifecycle, Order};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use uuid::Uuid;

use super::model::{SharingConsent, SharingConsentId};
use super::state::{SharingState, SharingStep, SharingStepName};
use super::store;
use super::view::SharingConsentView;
use crate::App;
use crate::account::person::store as persons;
use crate::account::policy::{self, AccountAction, AccountRelation};

impl Lifecycle for SharingConsent {
    const NAME: &'static str = "sharing_consent";
    const CREATED: &'static str = "give";
    const TOPIC: &'static str = "persons";

    type App = App;
    type Id = SharingConsentId;
    type State = SharingState;
    type Stance = AccountRelation;
    type View = SharingConsentView;

    fn id(&self) -> SharingConsentId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &SharingState {
        &self.state
    }

    fn advanced(self, state: SharingState, _: &SharingStep, _: DateTime<Utc>) -> Self {
        Self { state, version: self.version + 1, ..self }
    }

    async fn find(conn: &mut Conn, id: SharingConsentId) -> Result<Option<Self>, DbError> {
        store::find(conn, id).await
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        match before {
            Some(before) => store::update(tx, before.version, after).await,
            None => store::insert(tx, after).await,
        }
    }

    async fn follow_up(_: &mut Tx, _: &By<'_>, _: &[Change<Self>]) -> Result<(), DbError> {
        Ok(())
    }

    // Other services share nothing by it.
    fn events(_: &By<'_>, _: &Change<Self>) -> Result<Vec<NewEvent>, DbError> {
        Ok(Vec::new())
    }

    fn audience(_: &Change<Self>) -> Vec<Uuid> {
        Vec::new()
    }

    async fn stance(&self, _: &App, conn: &mut Conn, ctx: &Ctx) -> Result<AccountRelation, Problem> {
        persons::relation_to_record(conn, ctx, self.person_id).await
    }

    fn sees(ctx: &Ctx, relation: &AccountRelation) -> Decision {
        policy::of(&ctx.actor, AccountAction::PersonRead, *relation)
    }

    fn allows(ctx: &Ctx, relation: &AccountRelation, step: SharingStepName) -> Decision {
        match step {
            SharingStepName::Withdraw => policy::of(&ctx.actor, AccountAction::PersonUpdate, *relation),
        }
    }

    async fn view(_: &App, conn: &mut Conn, ctx: &Ctx, id: SharingConsentId) -> Result<SharingConsentView, Problem> {
        let consent = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
        let relation = persons::relation_to_record(conn, ctx, consent.person_id).await?;
        Ok(SharingConsentView::of(consent, relation, ctx))
    }
}

/// A wish of those who may correct the record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SharingOrder {
    /// Take the consent back.
    Withdraw,
}

impl Order<SharingConsent> for SharingOrder {
    fn step(&self) -> SharingStepName {
        match self {
            Self::Withdraw => SharingStepName::Withdraw,
        }
    }

    async fn prepare(
        &self,
        call: Call<'_, SharingConsent>,
        _: &mut Tx,
        _: &SharingConsent,
    ) -> Result<SharingStep, Problem> {
        Ok(match self {
            Self::Withdraw => SharingStep::Withdraw { at: call.ctx.now() },
        })
    }
}
