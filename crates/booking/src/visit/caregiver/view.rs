//! The shapes in which callers see what is known of a caregiver.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use sanbao_platform::moment::Day;
use serde::Serialize;
use utoipa::ToSchema;

use super::fit::Misfit;
use super::model::Profile;
use super::skill::Skill;
use crate::account::AccountId;
use crate::account::input::Sex;
use crate::calendar::Interval;
use crate::calendar::week::{self, WeeklyHours, clock};
use crate::visit::agency::Caregiver;

/// A caregiver with all that is known of her or him.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CaregiverView {
    pub id: AccountId,
    pub name: String,
    pub sex: Option<Sex>,
    /// Languages and dialects.
    pub languages: Option<String>,
    /// The code of the area that the caregiver lives in.
    pub home_area: Option<String>,
    pub skills: Vec<Skill>,
    /// The last day of those skills that have one.
    #[schema(value_type = std::collections::HashMap<String, NaiveDate>)]
    pub valid_until: BTreeMap<Skill, Day>,
    /// Counts the changes; the entity tag. 0: nobody has written anything.
    pub version: i64,
}

impl CaregiverView {
    pub(super) fn of(caregiver: Caregiver, profile: Profile) -> Self {
        let valid_until =
            profile.skills.iter().filter_map(|(skill, day)| Some((*skill, Day::known((*day)?)))).collect();
        Self {
            id: caregiver.id,
            name: caregiver.name,
            sex: profile.sex,
            languages: profile.languages,
            home_area: profile.home_area,
            skills: profile.skills.into_keys().collect(),
            valid_until,
            version: profile.version,
        }
    }
}

/// A caregiver of the list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CaregiverLine {
    pub id: AccountId,
    pub name: String,
    /// The skills that hold today.
    pub skills: Vec<Skill>,
    /// Whether it is known when the caregiver works, today or later.
    pub has_hours: bool,
}

/// The doubts about a plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FitView {
    /// None where it fits, or where nothing is known.
    pub doubts: Vec<Misfit>,
}

/// One stretch of one weekday, in the agency's zone.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CaregiverHoursLine {
    /// ISO 8601: Monday is 1, Sunday 7.
    pub weekday: i32,
    /// Local time, `HH:MM`.
    pub start: String,
    /// Local time, `HH:MM`; `24:00` is midnight.
    pub end: String,
    /// The first day it holds.
    pub valid_from: NaiveDate,
    /// Last day, itself included.
    pub valid_to: Option<NaiveDate>,
}

/// A planned visit that lies outside the hours.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct PlannedOutside {
    pub starts_at: DateTime<Utc>,
    /// Up to, and without.
    pub ends_at: DateTime<Utc>,
}

/// A caregiver's weekly hours.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CaregiverHours {
    /// The agency's IANA zone, which all local times are in.
    pub time_zone: String,
    pub weekly: Vec<CaregiverHoursLine>,
    /// Visits ahead that are planned where these hours have no time, in the days for which somebody has painted a week. They
    /// stay planned.
    pub outside: Vec<PlannedOutside>,
}

impl CaregiverHours {
    pub(super) fn of(zone: Tz, hours: &[WeeklyHours], planned: Vec<Interval>) -> Self {
        let line = |h: &WeeklyHours| CaregiverHoursLine {
            weekday: h.weekday,
            start: clock(h.start_minute),
            end: clock(h.end_minute),
            valid_from: h.valid_from,
            valid_to: h.valid_to,
        };
        let lies_outside = |time: &Interval| week::misses(hours, zone, *time);
        let outside = planned.into_iter().filter(lies_outside);
        Self {
            time_zone: zone.name().to_owned(),
            weekly: hours.iter().filter(|h| h.is_stretch()).map(line).collect(),
            outside: outside.map(|t| PlannedOutside { starts_at: t.starts_at(), ends_at: t.ends_at() }).collect(),
        }
    }
}
