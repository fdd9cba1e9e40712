//! The facts that are known of a caregiver.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::skill::Skill;
use crate::account::input::Sex;
use crate::calendar::week::WeeklyHours;

/// The facts that are written down of a caregiver; nothing, as long as nobody wrote any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub sex: Option<Sex>,
    /// Languages and dialects, as people say them.
    pub languages: Option<String>,
    /// The code of the area that the caregiver lives in.
    pub home_area: Option<String>,
    /// Each skill with its last day, if it has one.
    pub skills: BTreeMap<Skill, Option<NaiveDate>>,
    /// Counts the changes; 0 as long as there is none.
    pub version: i64,
}

/// The part by which a plan is held against a caregiver.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// Each skill with its last day; empty where nobody wrote any down.
    pub skills: BTreeMap<Skill, Option<NaiveDate>>,
    /// None of the days for which nobody painted a week; those without hours have a line that says so.
    pub hours: Vec<WeeklyHours>,
}
