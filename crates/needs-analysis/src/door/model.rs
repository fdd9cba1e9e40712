//! Rounds and doors as they are loaded.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use sanbao_platform::audit::{Personal, Subject, Subjects};
use sanbao_platform::db::DbError;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::text_enum;
use uuid::Uuid;

use super::id::{DoorId, RoundId};
use super::state::{Before, DoorState, DoorStateName};
use crate::area::AreaCode;
use crate::request::{RequestId, RequestStateName};

text_enum! {
    /// Why doors are knocked on.
    pub enum RoundReason {
        /// 日常走访: the usual words for it.
        Routine = "routine",
        /// 寒潮低温: the usual words for it.
        Cold = "cold",
        /// 高温: the usual words for it.
        Heat = "heat",
        /// 台风暴雨: the usual words for it.
        Storm = "storm",
    }
}

/// A round of door knocks: in which area, why, and on which days.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Round {
    pub id: RoundId,
    /// The organisation that made it.
    #[sqlx(rename = "organisation_id")]
    pub organisation: OrganisationId,
    pub title: String,
    pub reason: RoundReason,
    /// The area that its doors lie in.
    pub area_code: AreaCode,
    pub starts_on: NaiveDate,
    /// The last day.
    pub ends_on: NaiveDate,
    pub created_at: DateTime<Utc>,
}

/// The elder behind a door.
#[derive(Clone, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct DoorElder {
    /// Empty where the list names the address alone.
    #[sqlx(rename = "elder_name")]
    pub name: String,
    pub phone: Option<String>,
    pub address: Option<String>,
    /// A word for the one who knocks.
    pub remark: Option<String>,
}

impl DoorElder {
    /// Whether anything still says which door it is: an erased person's says nothing.
    pub fn is_told(&self) -> bool {
        !self.name.is_empty() || self.address.is_some()
    }
}

/// A door of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Door {
    pub id: DoorId,
    pub round: RoundId,
    /// The organisation whose list it is of.
    pub organisation: Option<OrganisationId>,
    /// The smallest area that is known: the stair or the grid.
    pub area_code: AreaCode,
    pub elder: Personal<DoorElder>,
    /// The person of the network, once known.
    pub person_id: Option<Uuid>,
    pub state: DoorState,
    /// The moment of what was seen.
    pub state_since: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    /// Counts the changes; the `ETag`.
    pub version: i64,
}

/// A door as it is stored.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct DoorRow {
    pub(super) id: DoorId,
    #[sqlx(rename = "round_id")]
    round: RoundId,
    #[sqlx(rename = "organisation_id")]
    organisation: Option<OrganisationId>,
    area_code: AreaCode,
    #[sqlx(flatten)]
    elder: Personal<DoorElder>,
    person_id: Option<Uuid>,
    state: DoorStateName,
    state_since: DateTime<Utc>,
    missed: i64,
    undo_state: Option<DoorStateName>,
    undo_missed: Option<i64>,
    request_id: Option<RequestId>,
    created_at: DateTime<Utc>,
    version: i64,
}

/// A door with the names that go with it.
#[derive(Clone, Debug)]
pub struct ListedDoor {
    pub door: Door,
    pub round: Round,
    /// The area's Chinese name.
    pub area_name: String,
    /// Where the request stands that was made for it.
    pub request_state: Option<RequestStateName>,
}

impl Subjects for Door {
    fn subjects(&self) -> Vec<Subject> {
        let person = self.person_id.map(|person| Subject::new("person", person));
        [Subject::new("door", self.id)].into_iter().chain(person).collect()
    }
}

impl Door {
    /// A door that nobody has been to, the `nth` of those that are added at once: lists keep their order.
    pub fn new(round: &Round, area_code: AreaCode, elder: DoorElder, now: DateTime<Utc>, nth: usize) -> Self {
        Self {
            id: DoorId::new(now + Duration::milliseconds(i64::try_from(nth).unwrap_or(0))),
            round: round.id,
            organisation: Some(round.organisation),
            area_code,
            elder: elder.into(),
            person_id: None,
            state: DoorState::Open,
            state_since: now,
            created_at: now,
            version: 1,
        }
    }
}

impl TryFrom<DoorRow> for Door {
    type Error = DbError;

    fn try_from(row: DoorRow) -> Result<Self, DbError> {
        let undo = row.undo_state.zip(row.undo_missed).map(|(state, missed)| Before { state, missed });
        let lacks = || DbError::BadRow {
            table: "door",
            column: "request_id",
            row: row.id.to_string(),
            cause: "needed where help is".to_owned(),
        };
        let state = match row.state {
            DoorStateName::Open => DoorState::Open,
            DoorStateName::Well => DoorState::Well { undo },
            DoorStateName::NotMet => DoorState::NotMet { missed: row.missed, undo },
            DoorStateName::Help => DoorState::Help { request: row.request_id.ok_or_else(lacks)?, undo },
        };
        Ok(Self {
            id: row.id,
            round: row.round,
            organisation: row.organisation,
            area_code: row.area_code,
            elder: row.elder,
            person_id: row.person_id,
            state,
            state_since: row.state_since,
            created_at: row.created_at,
            version: row.version,
        })
    }
}
