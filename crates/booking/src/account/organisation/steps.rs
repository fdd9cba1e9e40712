//! An organisation's way through its life: what an edit or its end takes away, and by whose order.

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

use super::input::{OrganisationChange, OrganisationClosing};
use super::model::{Organisation, OrganisationKind};
use super::state::{OrganisationFacts, OrganisationState, OrganisationStep, OrganisationStepName};
use super::{events, store, territory};
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

    fn advanced(self, state: OrganisationState, step: &OrganisationStep, _at: DateTime<Utc>) -> Self {
        let next = Self { state, version: self.version + 1, ..self };
        let OrganisationStep::Edit(facts) = step else { return next };
        let OrganisationFacts { name_zh, name_en, phone, area_code } = facts.as_ref().clone();
        Self { name_zh, name_en, phone, area_code, ..next }
    }

    async fn find(conn: &mut Conn, id: OrganisationId) -> Result<Option<Self>, DbError> {
        store::find(conn, id).await
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        match before {
            Some(before) => store::update(tx, before.version, after).await,
            None => store::insert(tx, after).await.map(|()| true),
        }
    }

    async fn follow_up(tx: &mut Tx, by: &By<'_>, changes: &[Change<Self>]) -> Result<(), DbError> {
        for change in changes.iter().filter(|change| has_moved(change)) {
            member::confine(tx, &change.after, by.at()).await?;
        }
        let closed = changes.iter().filter(|change| matches!(change.step, Some(OrganisationStep::Close(_))));
        for change in closed {
            // The rows of the accounts are written first: a log-in that is just beginning has come before, and ends too.
            for account in member::unsettle(tx, change.after.id).await? {
                // Those who began elsewhere go on there.
                if member::home_of(tx, account).await? == Some(change.after.id) {
                    session::end_all(tx, account, by.at(), CAUSE).await?;
                } else {
                    session::end_in(tx, account, change.after.id, by.at(), CAUSE).await?;
                }
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
            OrganisationStepName::Edit => stance.allows(ctx, AccountAction::OrganisationUpdate),
            OrganisationStepName::Close | OrganisationStepName::Reopen => {
                stance.allows(ctx, AccountAction::OrganisationEnd)
            }
        }
    }

    async fn view(_: &App, conn: &mut Conn, _: &Ctx, id: OrganisationId) -> Result<Self, Problem> {
        store::find(conn, id).await?.ok_or_else(Problem::not_found)
    }
}

/// Whether it lies in another area since.
fn has_moved(change: &Change<Organisation>) -> bool {
    change.before.as_ref().is_some_and(|before| before.area_code != change.after.area_code)
}

/// A wish about an organisation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OrganisationOrder {
    /// Change what is known of it.
    Edit(OrganisationChange),
    /// End it.
    Close(OrganisationClosing),
    /// Let it go on.
    Reopen,
}

impl Order<Organisation> for OrganisationOrder {
    fn step(&self) -> OrganisationStepName {
        match self {
            Self::Edit(_) => OrganisationStepName::Edit,
            Self::Close(_) => OrganisationStepName::Close,
            Self::Reopen => OrganisationStepName::Reopen,
        }
    }

    async fn prepare(
        &self,
        call: Call<'_, Organisation>,
        tx: &mut Tx,
        organisation: &Organisation,
    ) -> Result<OrganisationStep, Problem> {
        Ok(match self {
            Self::Edit(change) => OrganisationStep::Edit(Box::new(edited(call, tx, organisation, change).await?)),
            Self::Close(closing) => OrganisationStep::Close(closing.reason()?),
            Self::Reopen => OrganisationStep::Reopen,
        })
    }
}

/// The facts that a change leads to, once it is found that the caller may give them.
async fn edited(
    call: Call<'_, Organisation>,
    tx: &mut Tx,
    organisation: &Organisation,
    change: &OrganisationChange,
) -> Result<OrganisationFacts, Problem> {
    let facts = change.parse(organisation, call.app.deps.dialling_code.as_ref())?;
    let own = store::own(tx, call.ctx).await?;
    if facts.area_code != organisation.area_code {
        territory::of_edited(tx, call.ctx, &own, organisation, facts.area_code.as_deref()).await?;
    }
    if facts.name_zh != organisation.name_zh && !change.same_name {
        alone(tx, call.ctx, &own, organisation, &facts.name_zh).await?;
    }
    Ok(facts)
}

/// Refuses a name that another organisation has within the reach of the caller's office, or of the office that made the
/// caller's organisation. Two of one name are allowed to an order that says so.
pub(super) async fn alone(
    conn: &mut Conn,
    ctx: &Ctx,
    own: &Organisation,
    named: &Organisation,
    name: &str,
) -> Result<(), Problem> {
    let maker = match own.made_by {
        Some(maker) if own.kind != OrganisationKind::StreetOffice => store::find(conn, maker).await?,
        _ => None,
    };
    let office = maker.as_ref().unwrap_or(own);
    if store::namesakes(conn, office, own.day(ctx.now()), name, named.id).await? == 0 {
        return Ok(());
    }
    let (zh, en) = (
        "已有同名的机构。如果确实是另一家，请勾选“是另一家同名机构”再保存",
        "There is an organisation of this name. If you mean another one, tick “another one of this name” and save again",
    );
    Err(Problem::field("/same_name", zh, en))
}
