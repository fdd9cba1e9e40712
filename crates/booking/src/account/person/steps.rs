//! Somebody has died or left, and that it was wrong: what it closes, and who is told.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{self, By, Call, Change, Lifecycle, Order};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use uuid::Uuid;

use super::input::{PersonEnding, PersonReturn};
use super::model::Person;
use super::state::{Departure, PersonState, PersonStep, PersonStepName};
use super::view::{EndedView, PersonView};
use super::{events, open, store};
use crate::account::id::PersonId;
use crate::account::organisation;
use crate::account::policy::{self, AccountAction, AccountRelation};
use crate::{App, consult, visit};

impl Lifecycle for Person {
    const NAME: &'static str = "person";
    const TOPIC: &'static str = "persons";

    type App = App;
    type Id = PersonId;
    type State = PersonState;
    type Stance = AccountRelation;
    type View = EndedView;

    fn id(&self) -> PersonId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &PersonState {
        &self.state
    }

    fn advanced(self, state: PersonState, _step: &PersonStep, _at: DateTime<Utc>) -> Self {
        Self { state, version: self.version + 1, ..self }
    }

    async fn find(conn: &mut Conn, id: PersonId) -> Result<Option<Self>, DbError> {
        Ok(store::find(conn, id).await?.map(sanbao_platform::audit::Personal::into_unseen))
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        match before {
            Some(before) => store::set_state(tx, before.version, after).await,
            None => store::insert(tx, after).await,
        }
    }

    async fn follow_up(_: &mut Tx, _: &By<'_>, _: &[Change<Self>]) -> Result<(), DbError> {
        Ok(())
    }

    fn events(by: &By<'_>, change: &Change<Self>) -> Result<Vec<NewEvent>, DbError> {
        events::of(by.at(), change)
    }

    fn audience(change: &Change<Self>) -> Vec<Uuid> {
        let person = &change.after;
        person.organisation_id.iter().chain(&person.registered_by).map(|id| Uuid::from(*id)).collect()
    }

    async fn stance(&self, _: &App, conn: &mut Conn, ctx: &Ctx) -> Result<AccountRelation, Problem> {
        store::relation(conn, ctx, self).await
    }

    fn sees(ctx: &Ctx, relation: &AccountRelation) -> Decision {
        policy::of(&ctx.actor, AccountAction::PersonRead, *relation)
    }

    fn allows(ctx: &Ctx, relation: &AccountRelation, step: PersonStepName) -> Decision {
        match step {
            PersonStepName::End | PersonStepName::Restore => {
                policy::of(&ctx.actor, AccountAction::PersonUpdate, *relation)
            }
        }
    }

    async fn view(app: &App, conn: &mut Conn, ctx: &Ctx, id: PersonId) -> Result<EndedView, Problem> {
        let person = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
        let person = PersonView::of(person, &ctx.shows, &app.deps.fields);
        let open = open::of(conn, person.id, ctx.actor.organisation).await?;
        Ok(EndedView { person, open })
    }
}

/// A wish of those who may correct the record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PersonOrder {
    /// Somebody has died, or has left.
    End(PersonEnding),
    /// That was wrong.
    Restore(PersonReturn),
}

impl Order<Person> for PersonOrder {
    fn step(&self) -> PersonStepName {
        match self {
            Self::End(_) => PersonStepName::End,
            Self::Restore(_) => PersonStepName::Restore,
        }
    }

    async fn prepare(&self, call: Call<'_, Person>, tx: &mut Tx, person: &Person) -> Result<PersonStep, Problem> {
        Ok(match self {
            Self::End(ending) => {
                let today = organisation::own(tx, call.ctx).await?.day(call.ctx.now());
                let departure = ending.checked(person.birth_date, today)?;
                close(tx, call.ctx, person.id, &departure).await?;
                PersonStep::End(departure)
            }
            Self::Restore(back) => PersonStep::Restore(back.checked()?),
        })
    }
}

/// Calls off what has not begun. A consult that is being held or written up, and a visit where somebody is, stay open for
/// people to end.
async fn close(tx: &mut Tx, ctx: &Ctx, person: PersonId, departure: &Departure) -> Result<(), Problem> {
    let (by, words) = (By::Person(ctx), departure.closing_words());
    for consult in consult::not_begun_of(tx, person).await? {
        lifecycle::advance(tx, &by, consult, consult::called_off(&words)).await?;
    }
    for visit in visit::not_begun_of(tx, person).await? {
        lifecycle::advance(tx, &by, visit, visit::called_off(ctx.now(), &words)).await?;
    }
    Ok(())
}
