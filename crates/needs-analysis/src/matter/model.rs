//! A matter as it is loaded.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::{Personal, Subject, Subjects};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::text_enum;
use uuid::Uuid;

use super::clock;
use super::id::MatterId;
use super::state::{Levels, MatterState, MatterStateName};
use crate::area::{AreaCode, Level};
use crate::door::DoorId;
use crate::request::RequestId;

text_enum! {
    /// The field of a matter.
    pub enum MatterKind {
        /// 安全隐患
        Safety = "safety",
        /// 环境
        Environment = "environment",
        /// 邻里
        Neighbours = "neighbours",
        /// 助老
        Elders = "elders",
        /// 设施
        Facility = "facility",
        /// 其他
        Other = "other",
    }
}

/// The words of the people who raised it; they may name somebody.
#[derive(Clone, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct MatterTitle {
    pub title: String,
}

/// The last words about it: why it went up, what was answered.
#[derive(Clone, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct MatterSaid {
    pub said: Option<String>,
}

/// The thing that a matter is about, where it is about one: none or one of these, and the person behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct MatterLinks {
    #[sqlx(rename = "door_id")]
    pub door: Option<DoorId>,
    #[sqlx(rename = "request_id")]
    pub request: Option<RequestId>,
    #[sqlx(rename = "person_id")]
    pub person: Option<Uuid>,
}

/// The account that raised a matter; none where nobody was logged in.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct MatterRaiser {
    #[sqlx(rename = "raised_by")]
    pub account: Option<Uuid>,
    /// Its name at that time.
    #[sqlx(rename = "raised_name")]
    pub name: Option<String>,
}

/// A matter of an area.
#[derive(Clone, Debug, PartialEq)]
pub struct Matter {
    pub id: MatterId,
    /// The organisation of the account that raised it.
    pub organisation: OrganisationId,
    /// Where it is.
    pub area_code: AreaCode,
    pub kind: MatterKind,
    pub title: Personal<MatterTitle>,
    pub said: Personal<MatterSaid>,
    pub links: MatterLinks,
    pub raiser: MatterRaiser,
    pub raised_at: DateTime<Utc>,
    pub state: MatterState,
    /// Since when it lies where it lies.
    pub state_since: DateTime<Utc>,
    /// By when it must have moved on; none once it has ended.
    pub due_at: Option<DateTime<Utc>>,
    /// How often it was sent up.
    pub sent: i64,
    /// How often it was opened again.
    pub reopened: i64,
    /// The number of its last stay with a level.
    pub stay: i64,
    /// Counts the changes; the `ETag`.
    pub version: i64,
}

/// A matter as it is stored.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct MatterRow {
    id: MatterId,
    #[sqlx(rename = "organisation_id")]
    organisation: OrganisationId,
    area_code: AreaCode,
    kind: MatterKind,
    #[sqlx(flatten)]
    title: Personal<MatterTitle>,
    #[sqlx(flatten)]
    said: Personal<MatterSaid>,
    #[sqlx(flatten)]
    links: MatterLinks,
    #[sqlx(flatten)]
    raiser: MatterRaiser,
    raised_level: Level,
    raised_at: DateTime<Utc>,
    state: MatterStateName,
    level: Level,
    state_since: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
    sent: i64,
    reopened: i64,
    stay: i64,
    version: i64,
}

/// A new matter whose fields are good.
#[derive(Clone, Debug)]
pub struct NewMatterFacts {
    pub organisation: OrganisationId,
    pub area_code: AreaCode,
    pub kind: MatterKind,
    pub title: String,
    pub links: MatterLinks,
    pub raiser: MatterRaiser,
    /// The level of the account that raises it.
    pub level: Level,
}

impl Subjects for Matter {
    fn subjects(&self) -> Vec<Subject> {
        let person = self.links.person.map(|person| Subject::new("person", person));
        [Subject::new("matter", self.id)].into_iter().chain(person).collect()
    }
}

impl Matter {
    /// A matter that lies with the level that raises it.
    pub fn raised(facts: NewMatterFacts, now: DateTime<Utc>) -> Self {
        let NewMatterFacts { organisation, area_code, kind, title, links, raiser, level } = facts;
        Self {
            id: MatterId::new(now),
            organisation,
            area_code,
            kind,
            title: MatterTitle { title }.into(),
            said: MatterSaid::default().into(),
            links,
            raiser,
            raised_at: now,
            state: MatterState::Open(Levels { raised: level, at: level }),
            state_since: now,
            due_at: Some(clock::due(level, kind, now)),
            sent: 0,
            reopened: 0,
            stay: 1,
            version: 1,
        }
    }
}

impl From<MatterRow> for Matter {
    fn from(row: MatterRow) -> Self {
        Self {
            id: row.id,
            organisation: row.organisation,
            area_code: row.area_code,
            kind: row.kind,
            title: row.title,
            said: row.said,
            links: row.links,
            raiser: row.raiser,
            raised_at: row.raised_at,
            state: MatterState::of(row.state, Levels { raised: row.raised_level, at: row.level }),
            state_since: row.state_since,
            due_at: row.due_at,
            sent: row.sent,
            reopened: row.reopened,
            stay: row.stay,
            version: row.version,
        }
    }
}
