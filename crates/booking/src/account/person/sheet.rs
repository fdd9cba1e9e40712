//! All that the page of one person shows, as the reader may see it.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle;
use sanbao_platform::on;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::open::{self, OpenView};
use super::state::PersonStepName;
use super::store::{load, relation};
use super::view::PersonView;
use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation::OrganisationKind;
use crate::account::policy::{self, AccountAction};
use crate::role::{ADMINISTRATOR, DISPATCHER};

/// Readings that are listed at most.
const READINGS_MAX: i64 = 20;

const READINGS: &str = "select a.occurred_at as at, c.display_name as account, o.name_zh as organisation
    from audit_shown s join audit a on a.shown = s.shown
    left join account c on c.id = a.actor left join organisation o on o.id = a.organisation
    where s.kind = 'person' and s.id = $1 order by a.occurred_at desc limit $2";

/// Somebody was shown the person.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(in crate::account) struct Reading {
    pub(in crate::account) at: DateTime<Utc>,
    /// The name of the account; none where a program or nobody logged in read.
    pub(in crate::account) account: Option<String>,
    /// The organisation for which it read.
    pub(in crate::account) organisation: Option<String>,
}

/// The page of one person.
pub(in crate::account) struct PersonSheet {
    pub(in crate::account) person: PersonView,
    /// Consults and visits that are not done, of all organisations.
    pub(in crate::account) open: Vec<OpenView>,
    /// Those of the reader's organisation that are over.
    pub(in crate::account) past: Vec<OpenView>,
    /// The steps that the reader may take.
    pub(in crate::account) actions: Vec<PersonStepName>,
    /// Whether the reader may see whole numbers of papers.
    pub(in crate::account) opens_papers: bool,
    /// Whether requests of the person may be asked for, of the service that has them.
    pub(in crate::account) asks_requests: bool,
    /// The persons who read it lately: for administrators alone.
    pub(in crate::account) readings: Option<Vec<Reading>>,
}

impl PersonSheet {
    /// The page of one person, for those who may read it.
    pub(in crate::account) async fn of(app: &App, ctx: &Ctx, id: PersonId) -> Result<Self, Problem> {
        let mut conn = app.deps.db.read().await?;
        let person = load(&mut conn, ctx, id, AccountAction::PersonRead).await?;
        let relation = relation(&mut conn, ctx, person.unseen()).await?;
        let actions = lifecycle::actions(person.unseen(), ctx, &relation);
        let opens_papers = policy::of(&ctx.actor, AccountAction::PersonNationalId, relation) == Decision::Allow;
        let person = PersonView::of(person, &ctx.shows, &app.deps.fields);
        let has = |role: &str| ctx.actor.roles.iter().any(|held| held == role);
        let agency = ctx.actor.kind == OrganisationKind::HomeCareAgency.as_str();
        let office = ctx.actor.kind == OrganisationKind::StreetOffice.as_str();
        let readings = if has(ADMINISTRATOR) { Some(readings(&mut conn, person.id).await?) } else { None };
        let own = ctx.actor.organisation;
        Ok(Self {
            open: open::of(&mut conn, person.id, own).await?,
            past: open::past(&mut conn, person.id, own).await?,
            actions,
            opens_papers,
            asks_requests: has(DISPATCHER) && (agency || office),
            readings,
            person,
        })
    }
}

async fn readings(conn: &mut Conn, person: PersonId) -> Result<Vec<Reading>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(READINGS).bind(person).bind(READINGS_MAX).fetch_all(c).await)?)
}
