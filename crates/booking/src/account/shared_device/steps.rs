//! A shared device's way through its life, by order of those who run its organisation.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{By, Call, Change, Lifecycle, Order, StepAnswer, seen};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use uuid::Uuid;

use super::input::{NewQuantity, SharedDeviceName};
use super::model::{ClosedDevice, SharedDevice};
use super::state::{DeviceStep, DeviceStepName, SharedDeviceState};
use super::store;
use crate::App;
use crate::account::id::SharedDeviceId;
use crate::account::organisation::{self, OrganisationStance};
use crate::account::policy::AccountAction;
use crate::calendar::capacity;

impl Lifecycle for SharedDevice {
    const NAME: &'static str = "shared_device";
    const TOPIC: &'static str = "shared_devices";

    type App = App;
    type Id = SharedDeviceId;
    type State = SharedDeviceState;
    type Stance = OrganisationStance;
    type View = Self;

    fn id(&self) -> SharedDeviceId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &SharedDeviceState {
        &self.state
    }

    fn advanced(self, state: SharedDeviceState, step: &DeviceStep, _at: DateTime<Utc>) -> Self {
        let name = match step {
            DeviceStep::Rename(name) => name.clone(),
            DeviceStep::Resize(_) | DeviceStep::Close | DeviceStep::Reopen => self.name,
        };
        let quantity = if let DeviceStep::Resize(quantity) = step { quantity.number() } else { self.quantity };
        Self { name, quantity, state, version: self.version + 1, ..self }
    }

    async fn find(conn: &mut Conn, id: SharedDeviceId) -> Result<Option<Self>, DbError> {
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

    // Devices are of no concern to other services.
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

    fn allows(ctx: &Ctx, stance: &OrganisationStance, _: DeviceStepName) -> Decision {
        stance.allows(ctx, AccountAction::LocationUpdate)
    }

    async fn view(_: &App, conn: &mut Conn, _: &Ctx, id: SharedDeviceId) -> Result<Self, Problem> {
        store::find(conn, id).await?.ok_or_else(Problem::not_found)
    }
}

/// A wish of those who run the organisation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DeviceOrder {
    /// Give it another name.
    Rename(SharedDeviceName),
    /// There are so many of it.
    Resize(NewQuantity),
    /// Take it out of use.
    Close,
    /// Take it into use again.
    Reopen,
}

impl Order<SharedDevice> for DeviceOrder {
    fn step(&self) -> DeviceStepName {
        match self {
            Self::Rename(_) => DeviceStepName::Rename,
            Self::Resize(_) => DeviceStepName::Resize,
            Self::Close => DeviceStepName::Close,
            Self::Reopen => DeviceStepName::Reopen,
        }
    }

    async fn prepare(
        &self,
        call: Call<'_, SharedDevice>,
        tx: &mut Tx,
        device: &SharedDevice,
    ) -> Result<DeviceStep, Problem> {
        Ok(match self {
            Self::Rename(new) => DeviceStep::Rename(new.name()?),
            Self::Resize(wanted) => {
                let number = wanted.read()?;
                if let Err(error) = capacity::set(tx, call.ctx.now(), device.id.0, number).await {
                    let own = organisation::find(tx, device.organisation_id).await?.ok_or_else(Problem::not_found)?;
                    return Err(error.problem(own.zone()));
                }
                DeviceStep::Resize(number.into())
            }
            Self::Close => DeviceStep::Close,
            Self::Reopen => DeviceStep::Reopen,
        })
    }

    async fn answer(
        &self,
        call: Call<'_, SharedDevice>,
        tx: &mut Tx,
        after: SharedDevice,
    ) -> Result<StepAnswer, Problem> {
        match self {
            Self::Close => {
                let needed_by = store::needed_by(tx, &after).await?;
                StepAnswer::ok(after.version, &ClosedDevice { device: after, needed_by })
            }
            _ => seen(call, tx, after).await,
        }
    }
}
