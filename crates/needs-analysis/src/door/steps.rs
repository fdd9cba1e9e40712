//! A door's life as a whole: a step's rows and permission, and how a person orders it.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::lifecycle::{By, Call, Change, Lifecycle, Order, State as _, advance, create};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::{CONFLICT, Problem};
use serde::Serialize;
use uuid::Uuid;

use super::id::DoorId;
use super::input::{HelpBody, SeenBody};
use super::model::Door;
use super::policy::DoorStanding;
use super::state::{DoorState, DoorStep, DoorStepName};
use super::store;
use super::view::{self, DoorView};
use crate::request::input::{self, NewRequest};
use crate::request::model::Request;
use crate::request::step::{RequestStep, RequestStepName, Said};
use crate::request::{RequestId, store as requests};
use crate::texts::TEXTS;
use crate::{App, area, local_day};

/// The source of requests that were made at a door.
pub const SOURCE_DOOR: &str = "door";
/// The reason on a request whose press was taken back.
const UNDONE: &str = "敲门时误报，已撤销";

impl Lifecycle for Door {
    const NAME: &'static str = "door";
    const TOPIC: &'static str = "doors";

    type App = App;
    type Id = DoorId;
    type State = DoorState;
    type Stance = DoorStanding;
    type View = DoorView;

    fn id(&self) -> DoorId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &DoorState {
        &self.state
    }

    fn advanced(self, state: DoorState, _: &DoorStep, at: DateTime<Utc>) -> Self {
        Self { state, state_since: at, version: self.version + 1, ..self }
    }

    async fn find(conn: &mut Conn, id: DoorId) -> Result<Option<Self>, DbError> {
        store::find(conn, id).await
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        store::write(tx, before, after).await
    }

    async fn follow_up(_: &mut Tx, _: &By<'_>, _: &[Change<Self>]) -> Result<(), DbError> {
        Ok(())
    }

    fn events(_: &By<'_>, _: &Change<Self>) -> Result<Vec<NewEvent>, DbError> {
        Ok(Vec::new())
    }

    fn audience(change: &Change<Self>) -> Vec<Uuid> {
        vec![change.after.area_code.live_key()]
    }

    async fn stance(&self, _: &App, conn: &mut Conn, ctx: &Ctx) -> Result<DoorStanding, Problem> {
        let in_scope = area::scope(conn, &ctx.actor, &self.area_code, local_day(ctx.now())).await?;
        Ok(DoorStanding::of(in_scope, self.state_since))
    }

    fn sees(ctx: &Ctx, stance: &DoorStanding) -> Decision {
        stance.allows(ctx)
    }

    fn allows(ctx: &Ctx, stance: &DoorStanding, _: DoorStepName) -> Decision {
        stance.allows(ctx)
    }

    fn timely(ctx: &Ctx, stance: &DoorStanding, step: DoorStepName) -> bool {
        stance.timely(ctx, step)
    }

    async fn view(app: &App, conn: &mut Conn, ctx: &Ctx, id: DoorId) -> Result<DoorView, Problem> {
        let listed = store::one(conn, id).await?.ok_or_else(Problem::not_found)?;
        let standing = listed.door.stance(app, conn, ctx).await?;
        Ok(view::door(listed, ctx, standing))
    }
}

/// A person's word about a door.
#[derive(Debug, Serialize)]
pub enum DoorOrder {
    Well(SeenBody),
    NotMet(SeenBody),
    Help(HelpBody),
    Undo,
}

impl Order<Door> for DoorOrder {
    fn step(&self) -> DoorStepName {
        match self {
            Self::Well(_) => DoorStepName::Well,
            Self::NotMet(_) => DoorStepName::NotMet,
            Self::Help(_) => DoorStepName::Help,
            Self::Undo => DoorStepName::Undo,
        }
    }

    async fn prepare(&self, call: Call<'_, Door>, tx: &mut Tx, door: &Door) -> Result<DoorStep, Problem> {
        Ok(match self {
            Self::Well(body) => DoorStep::Well { note: body.checked()? },
            Self::NotMet(body) => DoorStep::NotMet { note: body.checked()? },
            Self::Help(body) => {
                let note = body.checked()?.2;
                DoorStep::Help { request: Box::pin(ask(call, tx, door, body)).await?, note }
            }
            Self::Undo => {
                Box::pin(take_back(call, tx, door)).await?;
                DoorStep::Undo
            }
        })
    }
}

/// Makes the request for a door at which help is needed, as one that is taken down by telephone is made.
async fn ask(call: Call<'_, Door>, tx: &mut Tx, door: &Door, body: &HelpBody) -> Result<RequestId, Problem> {
    let (urgency, category, note) = body.checked()?;
    let (ctx, elder) = (call.ctx, door.elder.unseen());
    // Somebody stands at this door: what is not known of it does not keep help away.
    let name = Some(elder.name.clone()).filter(|name| !name.is_empty()).or_else(|| elder.address.clone());
    let name = name.unwrap_or_else(|| TEXTS.get(Lang::Zh, "door-nobody"));
    let raw = NewRequest {
        area_code: Some(door.area_code.to_string()),
        category: Some(category.as_str().to_owned()),
        urgency: Some(urgency.as_str().to_owned()),
        elder_name: Some(name.chars().take(input::NAME_CHARS_MAX).collect()),
        phone: elder.phone.clone(),
        address: elder.address.clone(),
        note,
        ..NewRequest::default()
    };
    let rules = input::Rules { now: ctx.now(), own: call.app.deps.dialling_code.as_ref(), file: false };
    let draft = input::parse(&raw, rules).map_err(|faults| input::invalid(&faults))?;
    let mut request = Request::from_draft(draft, ctx.actor.organisation, SOURCE_DOOR, &call.app.deps.fields, ctx.now());
    request.details.person_id = door.person_id;
    let id = request.id;
    create(tx, &By::Person(ctx), request).await?;
    Ok(id)
}

/// Takes a press back while there is time; a request that was made by it is called off if nobody has begun with it.
async fn take_back(call: Call<'_, Door>, tx: &mut Tx, door: &Door) -> Result<(), Problem> {
    if !DoorStanding::of(true, door.state_since).timely(call.ctx, DoorStepName::Undo) {
        return Err(Problem::new(&CONFLICT)
            .detail("已超过 10 分钟，不能撤销，请联系上级", "Ten minutes are over: ask the level above"));
    }
    let Some(id) = door.state.request() else { return Ok(()) };
    let Some(request) = requests::find(tx, id).await? else { return Ok(()) };
    if request.state.name() != crate::request::RequestStateName::Received
        || !request.legal().contains(&RequestStepName::Cancel)
    {
        return Err(Problem::new(&CONFLICT).detail(
            "求助已经有人在处理，不能撤销，请直接联系街道",
            "Somebody has begun with the request already: call the street office",
        ));
    }
    let said = Said { reason: Some(UNDONE.to_owned()), note: None };
    advance(tx, &By::Person(call.ctx), request, RequestStep::Cancel(said)).await?;
    Ok(())
}
