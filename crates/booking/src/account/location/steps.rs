//! A room's way through its life, by order of those who run its organisation.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{By, Call, Change, Lifecycle, Order};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use uuid::Uuid;

use super::input::{LocationCapacity, LocationName};
use super::model::Location;
use super::state::{LocationState, LocationStep, LocationStepName};
use super::store;
use crate::App;
use crate::account::id::LocationId;
use crate::account::organisation::{self, OrganisationStance};
use crate::account::policy::AccountAction;
use crate::calendar::capacity;

impl Lifecycle for Location {
    const NAME: &'static str = "location";
    const TOPIC: &'static str = "locations";

    type App = App;
    type Id = LocationId;
    type State = LocationState;
    type Stance = OrganisationStance;
    type View = Self;

    fn id(&self) -> LocationId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &LocationState {
        &self.state
    }

    fn advanced(self, state: LocationState, step: &LocationStep, _at: DateTime<Utc>) -> Self {
        let name = match step {
            LocationStep::Rename(name) => name.clone(),
            LocationStep::Resize(_) | LocationStep::Close | LocationStep::Reopen => self.name,
        };
        let capacity = if let LocationStep::Resize(capacity) = step { capacity.number() } else { self.capacity };
        Self { name, capacity, state, version: self.version + 1, ..self }
    }

    async fn find(conn: &mut Conn, id: LocationId) -> Result<Option<Self>, DbError> {
        store::find(conn, id).await
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        match before {
            Some(before) => store::update(tx, before.version, after).await,
            None => store::insert(tx, after).await.map(|()| true),
        }
    }

    async fn follow_up(_: &mut Tx, _: &By<'_>, _: &[Change<Self>]) -> Result<(), DbError> {
        Ok(())
    }

    // Rooms are of no concern to other services.
    fn events(_: &By<'_>, _: &Change<Self>) -> Result<Vec<NewEvent>, DbError> {
        Ok(Vec::new())
    }

    fn audience(change: &Change<Self>) -> Vec<Uuid> {
        vec![change.after.organisation_id.into()]
    }

    async fn stance(&self, _: &App, conn: &mut Conn, ctx: &Ctx) -> Result<OrganisationStance, Problem> {
        let organisation = organisation::find(conn, self.organisation_id).await?.ok_or_else(Problem::not_found)?;
        OrganisationStance::of(conn, ctx, &organisation).await
    }

    fn sees(ctx: &Ctx, stance: &OrganisationStance) -> Decision {
        stance.allows(ctx, AccountAction::LocationList)
    }

    fn allows(ctx: &Ctx, stance: &OrganisationStance, _: LocationStepName) -> Decision {
        stance.allows(ctx, AccountAction::LocationUpdate)
    }

    async fn view(_: &App, conn: &mut Conn, _: &Ctx, id: LocationId) -> Result<Self, Problem> {
        store::find(conn, id).await?.ok_or_else(Problem::not_found)
    }
}

/// A wish of those who run the organisation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LocationOrder {
    /// Give it another name.
    Rename(LocationName),
    /// Let so many consults be in it at once.
    Resize(LocationCapacity),
    /// Take it out of use.
    Close,
    /// Take it into use again.
    Reopen,
}

impl Order<Location> for LocationOrder {
    fn step(&self) -> LocationStepName {
        match self {
            Self::Rename(_) => LocationStepName::Rename,
            Self::Resize(_) => LocationStepName::Resize,
            Self::Close => LocationStepName::Close,
            Self::Reopen => LocationStepName::Reopen,
        }
    }

    async fn prepare(&self, call: Call<'_, Location>, tx: &mut Tx, room: &Location) -> Result<LocationStep, Problem> {
        Ok(match self {
            Self::Rename(new) => LocationStep::Rename(new.name()?),
            Self::Resize(wanted) => {
                let number = wanted.read()?;
                if let Err(error) = capacity::set(tx, call.ctx.now(), room.id.0, number).await {
                    let own = organisation::find(tx, room.organisation_id).await?.ok_or_else(Problem::not_found)?;
                    return Err(error.problem(own.zone()));
                }
                LocationStep::Resize(number.into())
            }
            Self::Close => LocationStep::Close,
            Self::Reopen => LocationStep::Reopen,
        })
    }
}
