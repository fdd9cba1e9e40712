//! The bodies by which somebody writes down what is known of a caregiver.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sanbao_platform::db::Conn;
use sanbao_platform::moment::Day;
use sanbao_platform::problem::{FieldError, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::model::Profile;
use super::skill::Skill;
use crate::account::area;
use crate::account::input::Sex;
use crate::calendar::week::{self, WeekStretch, WeeklyHours};

/// The longest text about languages, in characters.
pub(super) const LANGUAGES_CHARS_MAX: usize = 100;

/// All that is known of a caregiver, in the place of what was.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"skills": ["bathing", "first_aid"], "valid_until": {"first_aid": "2027-06-30"}, "languages": "宁波话、普通话"}))]
pub struct CaregiverBody {
    #[serde(default)]
    pub sex: Option<Sex>,
    /// Languages and dialects, up to 100 characters.
    #[serde(default)]
    pub languages: Option<String>,
    /// The code of the area that the caregiver lives in, any that the network knows.
    #[serde(default)]
    pub home_area: Option<String>,
    /// The skills, in any order.
    #[serde(default)]
    pub skills: Vec<Skill>,
    /// The last day of those skills that have one.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, NaiveDate>)]
    pub valid_until: BTreeMap<Skill, Day>,
}

impl CaregiverBody {
    /// The facts, which follow those of a version.
    pub(super) async fn checked(self, conn: &mut Conn, version: i64) -> Result<Profile, Problem> {
        let mut errors = Vec::new();
        let filled = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let (languages, home_area) = (filled(self.languages), filled(self.home_area));
        if languages.as_ref().is_some_and(|text| text.chars().count() > LANGUAGES_CHARS_MAX) {
            errors.push(FieldError::new("/languages", "最多 100 字", "At most 100 characters"));
        }
        if let Some(code) = &home_area
            && area::named(conn, code).await?.is_none()
        {
            errors.push(FieldError::new("/home_area", "没有这个区域", "There is no such area"));
        }
        for skill in self.valid_until.keys().filter(|skill| !self.skills.contains(skill)) {
            let place = format!("/valid_until/{}", skill.as_str());
            errors.push(FieldError::new(place, "请先勾选这一项技能", "Tick this skill first"));
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let until = |skill: &Skill| self.valid_until.get(skill).map(|day| **day);
        let skills = self.skills.iter().map(|skill| (*skill, until(skill))).collect();
        Ok(Profile { sex: self.sex, languages, home_area, skills, version: version + 1 })
    }
}

/// A caregiver's week as somebody paints it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaregiverWeek {
    /// The first day it holds.
    #[schema(value_type = NaiveDate)]
    pub valid_from: Day,
    /// Last day, itself included.
    #[serde(default)]
    #[schema(value_type = Option<NaiveDate>)]
    pub valid_to: Option<Day>,
    /// Its stretches; none where the caregiver does not work in these days.
    pub week: Vec<WeekStretch>,
}

impl CaregiverWeek {
    pub(super) fn days(&self) -> (NaiveDate, Option<NaiveDate>) {
        (*self.valid_from, self.valid_to.map(|day| *day))
    }

    pub(super) fn checked(&self) -> Result<Vec<WeeklyHours>, Problem> {
        let mut errors = Vec::new();
        let mut hours = week::painted(&self.week, self.days(), 0, &mut errors);
        if self.week.is_empty() {
            hours.push(WeeklyHours::none(self.days()));
        }
        if errors.is_empty() { Ok(hours) } else { Err(Problem::invalid(errors)) }
    }
}
