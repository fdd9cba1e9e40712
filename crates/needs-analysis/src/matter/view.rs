//! The shapes in which callers see matters.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::history::Line;
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{Lifecycle as _, State as _, actions};
use sanbao_platform::text_enum::TextEnum as _;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::clock;
use super::id::MatterId;
use super::model::{Matter, MatterKind};
use super::policy::MatterStanding;
use super::state::{MatterStateName, MatterStepName};
use super::stays::Stay;
use super::store::ListedMatter;
use super::way::Ways;
use crate::area::{Area, Level};
use crate::door::DoorId;
use crate::request::RequestId;
use crate::request::sla::SlaStatus;

/// An area with which a matter lies, or to which it may go.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MatterPlace {
    #[schema(example = "330211001001")]
    pub area_code: String,
    pub level: Level,
    /// Its Chinese name.
    pub area_name: String,
}

/// A matter of an area.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MatterView {
    pub id: MatterId,
    /// Empty where it was about somebody of whom nothing is kept.
    pub title: String,
    pub kind: MatterKind,
    /// Where it is.
    #[schema(example = "330211001001-C1-G1-B1")]
    pub area_code: String,
    pub area_name: String,
    /// The name of the account that raised it.
    pub raised_by: Option<String>,
    pub raised_level: Level,
    pub raised_at: DateTime<Utc>,
    pub state: MatterStateName,
    /// Since when it lies where it lies.
    pub state_since: DateTime<Utc>,
    /// The area with which it lies, or lay at its end.
    pub lies_with: Option<MatterPlace>,
    /// The area to which it would be sent up.
    pub above: Option<MatterPlace>,
    /// By when it must have moved on; absent once it has ended.
    pub due_at: Option<DateTime<Utc>>,
    /// How that clock stands.
    pub status: Option<SlaStatus>,
    /// The last words: why it went up, what was answered.
    pub said: Option<String>,
    /// How often it was sent up.
    pub sent: i64,
    /// How often it was opened again.
    pub reopened: i64,
    pub door_id: Option<DoorId>,
    pub request_id: Option<RequestId>,
    pub person_id: Option<Uuid>,
    /// The steps that this caller may take next, what helps most first.
    pub legal: Vec<MatterStepName>,
    /// Grows with each change; also the entity tag.
    pub version: i64,
}

/// A step that was taken with a matter.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MatterLine {
    pub at: DateTime<Utc>,
    /// The account's name at that time; absent where no person took it.
    pub by: Option<String>,
    /// `create`, or the step.
    pub step: String,
    /// The level with which it lay from then on.
    pub level: Option<Level>,
    /// The reason, the answer or the remark.
    pub said: Option<String>,
}

/// A matter with its history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MatterDetail {
    #[serde(flatten)]
    pub matter: MatterView,
    /// The steps that were taken, the first step first.
    pub history: Vec<MatterLine>,
    /// No notice of holidays is known for the year of `due_at`: it counts Monday to Friday.
    pub due_guessed: bool,
}

impl From<&Area> for MatterPlace {
    fn from(area: &Area) -> Self {
        Self { area_code: area.code.to_string(), level: area.level, area_name: area.name_zh.clone() }
    }
}

/// The view of a matter for a caller who may see it.
pub async fn matter(conn: &mut Conn, ctx: &Ctx, listed: ListedMatter, ways: &mut Ways) -> Result<MatterView, DbError> {
    let ListedMatter { matter: m, area_name } = listed;
    let (way, levels) = (ways.of(conn, &m.area_code).await?, m.state.levels());
    let above = way.above(conn, levels.at, ways.on()).await?;
    let standing = MatterStanding::of(way.stands(&ctx.actor, levels), above.is_some(), m.state_since);
    let legal = actions(&m, ctx, &standing);
    let title = m.title.show(&ctx.shows, &m).title.clone();
    let said = m.said.show(&ctx.shows, &m).said.clone();
    Ok(MatterView {
        id: m.id,
        title,
        kind: m.kind,
        area_code: m.area_code.to_string(),
        area_name,
        raised_by: m.raiser.name,
        raised_level: levels.raised,
        raised_at: m.raised_at,
        state: m.state.name(),
        state_since: m.state_since,
        lies_with: way.holder(levels.at).map(Into::into),
        above: above.filter(|_| legal.contains(&MatterStepName::SendUp)).map(Into::into),
        due_at: m.due_at,
        status: m.due_at.map(|due| clock::status(m.state_since, due, ctx.now())),
        said,
        sent: m.sent,
        reopened: m.reopened,
        door_id: m.links.door,
        request_id: m.links.request,
        person_id: m.links.person,
        legal,
        version: m.version,
    })
}

/// The history as callers see it: each step that laid it with a level began a stay, and the latest of both belong together.
pub fn history(lines: Vec<Line>, mut stays: Vec<Stay>) -> Vec<MatterLine> {
    let began = |step: &str| {
        let step = MatterStepName::from_text(step);
        !matches!(step, Some(MatterStepName::Settle | MatterStepName::TakeBack))
    };
    let line = |line: Line| MatterLine {
        level: if began(&line.step) { stays.pop().map(|stay| stay.level) } else { None },
        at: line.at,
        by: line.actor_name,
        said: line.reason.or(line.note),
        step: line.step,
    };
    let mut told: Vec<MatterLine> = lines.into_iter().rev().map(line).collect();
    told.reverse();
    told
}

/// The words of the first line of a history and of every step.
pub fn step_words() -> impl Iterator<Item = &'static str> {
    [Matter::CREATED].into_iter().chain(MatterStepName::ALL.iter().map(|step| step.as_str()))
}
