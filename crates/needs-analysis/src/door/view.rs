//! The shapes in which callers see doors and rounds.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{State as _, actions};
use serde::Serialize;
use utoipa::ToSchema;

use super::id::{DoorId, RoundId};
use super::model::{ListedDoor, Round, RoundReason};
use super::policy::DoorStanding;
use super::state::{DoorStateName, DoorStepName, MISSED_RAISED};
use super::store::{CountedArea, CountedRound, DoorNumbers};
use crate::request::{RequestId, RequestStateName};

/// A door of a round, with the elder behind it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DoorView {
    pub id: DoorId,
    pub round_id: RoundId,
    /// The round's title.
    pub round: String,
    pub reason: RoundReason,
    /// The round's last day.
    pub ends_on: NaiveDate,
    #[schema(example = "330211001001-C1-G1-B1")]
    pub area_code: String,
    pub area_name: String,
    /// Empty where the list names the address alone.
    pub elder_name: String,
    pub phone: Option<String>,
    pub address: Option<String>,
    /// A word for the one who knocks.
    pub remark: Option<String>,
    pub state: DoorStateName,
    pub state_since: DateTime<Utc>,
    /// How often in a row nobody was met.
    pub missed: i64,
    /// Nobody was met twice: the level above looks.
    pub raised: bool,
    /// The request that was made for it.
    pub request_id: Option<RequestId>,
    /// Where that stands.
    pub request_state: Option<RequestStateName>,
    /// Until when the last press can be taken back; absent when there is none that can.
    pub undo_until: Option<DateTime<Utc>>,
    /// The steps that this caller may take next.
    pub legal: Vec<DoorStepName>,
    /// Grows with each change; also the entity tag.
    pub version: i64,
}

/// A round of door knocks, and how far it has come within the caller's areas.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RoundView {
    pub id: RoundId,
    pub title: String,
    pub reason: RoundReason,
    #[schema(example = "330211001001")]
    pub area_code: String,
    pub starts_on: NaiveDate,
    /// The last day.
    pub ends_on: NaiveDate,
    #[serde(flatten)]
    pub counts: DoorCounts,
}

/// Doors by what was seen.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct DoorCounts {
    /// All of them.
    pub doors: i64,
    /// Nobody has been there yet.
    pub open: i64,
    pub well: i64,
    pub not_met: i64,
    /// Of those, the ones at which nobody was met at least twice.
    pub raised: i64,
    pub help: i64,
}

/// An area of a round.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RoundArea {
    #[schema(example = "330211001001-C1")]
    pub area_code: String,
    pub area_name: String,
    #[serde(flatten)]
    pub counts: DoorCounts,
}

/// A round with its areas.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RoundDetail {
    #[serde(flatten)]
    pub round: RoundView,
    /// The areas directly below the caller's own, as far as they have doors.
    pub areas: Vec<RoundArea>,
}

/// The view of a door for somebody who may see it.
pub fn door(listed: ListedDoor, ctx: &Ctx, standing: DoorStanding) -> DoorView {
    let ListedDoor { door: d, round, area_name, request_state } = listed;
    let legal = actions(&d, ctx, &standing);
    let elder = d.elder.show(&ctx.shows, &d).clone();
    let missed = d.state.missed();
    DoorView {
        id: d.id,
        round_id: d.round,
        round: round.title,
        reason: round.reason,
        ends_on: round.ends_on,
        area_code: d.area_code.to_string(),
        area_name,
        elder_name: elder.name,
        phone: elder.phone,
        address: elder.address,
        remark: elder.remark,
        state: d.state.name(),
        state_since: d.state_since,
        missed,
        raised: missed >= MISSED_RAISED,
        request_id: d.state.request(),
        request_state,
        undo_until: legal.contains(&DoorStepName::Undo).then_some(standing.undo_until),
        legal,
        version: d.version,
    }
}

/// The view of a round.
pub fn round(of: &Round, counts: DoorNumbers) -> RoundView {
    RoundView {
        id: of.id,
        title: of.title.clone(),
        reason: of.reason,
        area_code: of.area_code.to_string(),
        starts_on: of.starts_on,
        ends_on: of.ends_on,
        counts: counts.into(),
    }
}

impl From<DoorNumbers> for DoorCounts {
    fn from(of: DoorNumbers) -> Self {
        let DoorNumbers { doors, open, well, not_met, raised, help } = of;
        Self { doors, open, well, not_met, raised, help }
    }
}

impl From<CountedRound> for RoundView {
    fn from(of: CountedRound) -> Self {
        round(&of.round, of.counts)
    }
}

impl From<CountedArea> for RoundArea {
    fn from(of: CountedArea) -> Self {
        Self { area_code: of.area_code.to_string(), area_name: of.area_name, counts: of.counts.into() }
    }
}

impl std::iter::Sum for DoorNumbers {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            doors: a.doors + b.doors,
            open: a.open + b.open,
            well: a.well + b.well,
            not_met: a.not_met + b.not_met,
            raised: a.raised + b.raised,
            help: a.help + b.help,
        })
    }
}
