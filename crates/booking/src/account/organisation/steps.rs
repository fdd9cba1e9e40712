//! An organisation's way through its life: what closing it ends, and by whose order.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{By, Call, Change, Lifecycle, Order};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use uuid::Uuid;

use super::input::OrganisationClosing;
use super::model::{Organisation, OrganisationKind};
use super::state::{OrganisationState, OrganisationStep, OrganisationStepName};
use super::{events, store};
use crate::App;
use crate::account::policy::{self, AccountAction, AccountRelation};
use crate::account::{member, session};

/// Why the log-ins of a closed organisation's people have ended.
const CAUSE: &str = "organisation_closed";

/// How a caller stands to an organisation.
#[derive(Clone, Copy, Debug)]
pub struct OrganisationStance {
    relation: AccountRelation,
    /// Whether the caller's office made it, and may end it.
    may_end: bool,
}

impl OrganisationStance {
    /// How the caller's organisation stands to another. The office that made one ends it, also one that runs itself; another
    /// office only as long as nobody runs that.
    pub(in crate::account) async fn of(conn: &mut Conn, ctx: &Ctx, other: &Organisation) -> Result<Self, Problem> {
        let own = store::own(conn, ctx).await?;
        let relation = store::relation(conn, ctx, &own, other).await?;
        let ungoverned = other.kind == OrganisationKind::StreetOffice && relation != AccountRelation::Governed;
        let may_end = own.id != other.id && other.made_by == Some(own.id) && !ungoverned;
        Ok(Self { relation, may_end })
    }

    /// The decision for an action.
    pub(in crate::account) fn allows(self, ctx: &Ctx, action: AccountAction) -> Decision {
        let relation = match (action, self.relation) {
            (AccountAction::OrganisationEnd, _) if self.may_end => AccountRelation::Made,
            // Made, and not to be ended: as one of others that the office may know.
            (AccountAction::OrganisationEnd, AccountRelation::Made) => AccountRelation::Governed,
            (_, relation) => relation,
        };
        policy::of(&ctx.actor, action, relation)
    }
}

impl Lifecycle for Organisation {
    const NAME: &'static str = "organisation";
    const TOPIC: &'static str = "organisations";

    type App = App;
    type Id = OrganisationId;
    type State = OrganisationState;
    type Stance = OrganisationStance;
    type View = Self;

    fn id(&self) -> OrganisationId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &OrganisationState {
        &self.state
    }

    fn advanced(self, state: OrganisationState, _step: &OrganisationStep, _at: DateTime<Utc>) -> Self {
        Self { state, version: self.version + 1, ..self }
    }

    async fn find(conn: &mut Conn, id: OrganisationId) -> Result<Option<Self>, DbError> {
        store::find(conn, id).await
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        match before {
            Some(before) => store::set_state(tx, before.version, after).await,
            None => store::insert(tx, after).await.map(|()| true),
        }
    }

    async fn follow_up(tx: &mut Tx, by: &By<'_>, changes: &[Change<Self>]) -> Result<(), DbError> {
        let closed = changes.iter().filter(|change| matches!(change.step, Some(OrganisationStep::Close(_))));
        for change in closed {
            // The rows of the accounts are written first: a log-in that is just beginning has come before, and ends too.
            for account in member::unsettle(tx, change.after.id).await? {
                session::end_all(tx, account, by.at(), CAUSE).await?;
            }
        }
        Ok(())
    }

    fn events(by: &By<'_>, change: &Change<Self>) -> Result<Vec<NewEvent>, DbError> {
        events::of(by.at(), change)
    }

    fn audience(change: &Change<Self>) -> Vec<Uuid> {
        let organisation = &change.after;
        std::iter::once(organisation.id).chain(organisation.made_by).map(Uuid::from).collect()
    }

    async fn stance(&self, _: &App, conn: &mut Conn, ctx: &Ctx) -> Result<OrganisationStance, Problem> {
        OrganisationStance::of(conn, ctx, self).await
    }

    fn sees(ctx: &Ctx, stance: &OrganisationStance) -> Decision {
        stance.allows(ctx, AccountAction::OrganisationRead)
    }

    fn allows(ctx: &Ctx, stance: &OrganisationStance, step: OrganisationStepName) -> Decision {
        match step {
            OrganisationStepName::Close | OrganisationStepName::Reopen => {
                stance.allows(ctx, AccountAction::OrganisationEnd)
            }
        }
    }

    async fn view(_: &App, conn: &mut Conn, _: &Ctx, id: OrganisationId) -> Result<Self, Problem> {
        store::find(conn, id).await?.ok_or_else(Problem::not_found)
    }
}

/// A wish of the office that made the organisation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OrganisationOrder {
    /// End it.
    Close(OrganisationClosing),
    /// Let it go on.
    Reopen,
}

impl Order<Organisation> for OrganisationOrder {
    fn step(&self) -> OrganisationStepName {
        match self {
            Self::Close(_) => OrganisationStepName::Close,
            Self::Reopen => OrganisationStepName::Reopen,
        }
    }

    async fn prepare(
        &self,
        _: Call<'_, Organisation>,
        _: &mut Tx,
        _: &Organisation,
    ) -> Result<OrganisationStep, Problem> {
        Ok(match self {
            Self::Close(closing) => OrganisationStep::Close(closing.reason()?),
            Self::Reopen => OrganisationStep::Reopen,
        })
    }
}
