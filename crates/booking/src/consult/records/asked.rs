//! The form of the records, as it is filled in and as it is understood.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use sanbao_platform::http::PageMarker;
use sanbao_platform::moment::{Day, begins};
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum::TextEnum as _;
use serde::Deserialize;

use crate::account::PersonId;
use crate::consult::id::ConsultId;
use crate::consult::input::Checks;
use crate::consult::state::ConsultStateName;

/// How far ahead a consult may lie, in days, where no last day is given.
const AHEAD_DAYS: i64 = 3660;

/// Characters of a name that is looked for.
pub(in crate::consult) const TYPED_CHARS_MAX: usize = 60;

/// The form as it comes. An empty field asks for nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::consult) struct RecordForm {
    /// A name, its pinyin or initials.
    pub(in crate::consult) person: String,
    /// The same of a doctor.
    pub(in crate::consult) doctor: String,
    pub(in crate::consult) state: String,
    /// The first day, such as 2026-11-23.
    pub(in crate::consult) from: String,
    /// The last day.
    pub(in crate::consult) until: String,
    /// The id of the one person whose consults are wanted; a name is not asked for then.
    pub(in crate::consult) resident: String,
    /// The `next` of the page before.
    pub(in crate::consult) after: String,
}

/// The same, understood.
#[derive(Debug)]
pub(in crate::consult) struct RecordQuery {
    pub(in crate::consult) person: String,
    pub(in crate::consult) doctor: String,
    pub(in crate::consult) resident: Option<PersonId>,
    pub(in crate::consult) state: Option<ConsultStateName>,
    pub(in crate::consult) from: DateTime<Utc>,
    /// The first moment that is left out.
    pub(in crate::consult) until: DateTime<Utc>,
    pub(in crate::consult) after: Option<(DateTime<Utc>, ConsultId)>,
}

fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn day(checks: &mut Checks, field: &str, text: &str) -> Option<NaiveDate> {
    let text = given(text)?;
    let day = text.parse().ok().and_then(Day::new).map(|day| *day);
    if day.is_none() {
        checks.error(field, "日期不对，应像 2026-11-23", "Not a day, as 2026-11-23");
    }
    day
}

impl RecordForm {
    /// Whether nothing is looked for.
    pub(in crate::consult) fn is_plain(&self) -> bool {
        given(&self.resident).is_none() && self.asks_for_one()
    }

    /// Whether nothing but one person's consults is looked for.
    pub(in crate::consult) fn asks_for_one(&self) -> bool {
        let others = [&self.person, &self.doctor, &self.state, &self.from, &self.until, &self.after];
        others.iter().all(|text| given(text).is_none())
    }

    /// The form understood, or every fault in it.
    pub(in crate::consult) fn asked(&self, zone: Tz, now: DateTime<Utc>) -> Result<RecordQuery, Problem> {
        let mut checks = Checks::default();
        let (mut person, mut doctor) = (self.person.clone(), self.doctor.clone());
        checks.optional_text("person", &mut person, TYPED_CHARS_MAX);
        checks.optional_text("doctor", &mut doctor, TYPED_CHARS_MAX);
        let state = given(&self.state).and_then(ConsultStateName::from_text);
        if given(&self.state).is_some() && state.is_none() {
            checks.error("state", "没有这个状态，请从列表里选", "There is no such state; choose one of the list");
        }
        let resident = given(&self.resident).and_then(|id| id.parse().ok()).map(PersonId);
        if given(&self.resident).is_some() && resident.is_none() {
            checks.error("resident", "没有这个人", "There is no such person");
        }
        let (first, last) = (day(&mut checks, "from", &self.from), day(&mut checks, "until", &self.until));
        if first.zip(last).is_some_and(|(first, last)| last < first) {
            checks.error("until", "结束的日期早于开始的日期", "The last day is before the first");
        }
        checks.done()?;
        let after = given(&self.after).map(PageMarker::decode).transpose()?;
        let end = last.and_then(|day| day.checked_add_days(Days::new(1)));
        Ok(RecordQuery {
            person,
            doctor,
            resident,
            state,
            from: first.and_then(|day| begins(day, zone)).unwrap_or(DateTime::UNIX_EPOCH),
            until: end.and_then(|day| begins(day, zone)).unwrap_or(now + chrono::Duration::days(AHEAD_DAYS)),
            after,
        })
    }
}
