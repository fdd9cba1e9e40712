//! All that the page of one person shows, as the reader may see it.

use chrono::{DateTime, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle;
use sanbao_platform::on;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::open::{self, OpenView};
use super::state::{PersonStateName, PersonStepName};
use super::store::{find, load_related};
use super::view::PersonView;
use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation::OrganisationKind;
use crate::account::policy::{self, AccountAction, AccountRelation};
use crate::role::{ADMINISTRATOR, DISPATCHER};

/// Readings that are listed at most.
const READINGS_MAX: i64 = 20;

// Those who are asked to hand somebody over see the record that asks: that they were asked tells that they have the person, and
// their side of it is read by nobody else.
const READINGS: &str = "select a.occurred_at as at, c.display_name as account, o.name_zh as organisation
    from audit_shown s join audit a on a.shown = s.shown
    left join account c on c.id = a.actor left join organisation o on o.id = a.organisation
    where s.kind = 'person' and s.id = $1
        and (a.organisation = $3 or not exists (select 1 from audit_shown t where t.shown = s.shown and t.kind = 'transfer'))
    order by a.occurred_at desc limit $2";

/// Somebody was shown the person.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(in crate::account) struct Reading {
    pub(in crate::account) at: DateTime<Utc>,
    /// The name of the account; none where a program or nobody logged in read.
    pub(in crate::account) account: Option<String>,
    /// The organisation for which it read.
    pub(in crate::account) organisation: Option<String>,
}

/// How the reader's organisation has the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account) enum PersonStanding {
    /// It has handed the person over: the record is as it had it, and nothing is done to it but to hold it.
    Former,
    /// The reader may ask that the person be handed over, or let the person go home.
    Movable,
    /// Neither.
    Known,
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
    pub(in crate::account) standing: PersonStanding,
    /// Whether the reader may take all of it as a file.
    pub(in crate::account) exports: bool,
    /// Whether the reader may hold the record, and erase the person.
    pub(in crate::account) keeps: Decision,
    /// Whether requests of the person may be asked for, of the service that has them.
    pub(in crate::account) asks_requests: bool,
    /// The persons who read it lately: for administrators alone.
    pub(in crate::account) readings: Option<Vec<Reading>>,
}

impl PersonSheet {
    /// The page of one person, for those who may read it.
    pub(in crate::account) async fn of(app: &App, ctx: &Ctx, id: PersonId) -> Result<Self, Problem> {
        let mut conn = app.deps.db.read().await?;
        let (person, relation) = load_related(&mut conn, ctx, id, AccountAction::PersonRead).await?;
        let actions = lifecycle::actions(person.unseen(), ctx, &relation);
        let opens_papers = policy::of(&ctx.actor, AccountAction::PersonNationalId, relation) == Decision::Allow;
        let person = PersonView::of(person, &ctx.shows, &app.deps.fields);
        let exports = policy::of(&ctx.actor, AccountAction::PersonExport, relation) == Decision::Allow;
        let keeps = policy::of(&ctx.actor, AccountAction::PersonHold, relation);
        let readings =
            if has(&ctx.actor, ADMINISTRATOR) { Some(readings(&mut conn, ctx, person.id).await?) } else { None };
        let former = relation == AccountRelation::Former;
        let updates = !former && policy::of(&ctx.actor, AccountAction::PersonUpdate, relation) == Decision::Allow;
        let (open, past) = lists(&mut conn, ctx, person.id, former).await?;
        Ok(Self {
            open,
            past,
            actions,
            opens_papers,
            standing: if former {
                PersonStanding::Former
            } else if updates && relation == AccountRelation::Own && person.state == PersonStateName::Registered {
                PersonStanding::Movable
            } else {
                PersonStanding::Known
            },
            exports,
            keeps,
            asks_requests: asks_requests(&ctx.actor) && !former,
            readings,
            person,
        })
    }
}

fn has(actor: &Actor, role: &str) -> bool {
    actor.roles.iter().any(|held| held == role)
}

/// Whether somebody may ask for the requests of people, of the service that has them.
pub(in crate::account) fn asks_requests(actor: &Actor) -> bool {
    let kinds = [OrganisationKind::HomeCareAgency, OrganisationKind::StreetOffice];
    has(actor, DISPATCHER) && kinds.iter().any(|kind| actor.kind == kind.as_str())
}

/// The things of a person that are not done, and those that are. Of somebody who was handed over only the own ones are
/// told, those that went on under the living record among them.
async fn lists(
    conn: &mut Conn,
    ctx: &Ctx,
    person: PersonId,
    former: bool,
) -> Result<(Vec<OpenView>, Vec<OpenView>), Problem> {
    let own = ctx.actor.organisation;
    if !former {
        return Ok((open::of(conn, person, own).await?, open::past(conn, person, own).await?));
    }
    let living = find(conn, person).await?.ok_or_else(Problem::not_found)?.unseen().id;
    let mut open = open::of(conn, living, own).await?;
    open.retain(|item| item.id.is_some());
    let mut past = open::past(conn, living, own).await?;
    past.extend(open::past(conn, person, own).await?);
    Ok((open, past))
}

async fn readings(conn: &mut Conn, ctx: &Ctx, person: PersonId) -> Result<Vec<Reading>, DbError> {
    let own = ctx.actor.organisation;
    Ok(on!(conn, |c| sqlx::query_as(READINGS).bind(person).bind(READINGS_MAX).bind(own).fetch_all(c).await)?)
}
