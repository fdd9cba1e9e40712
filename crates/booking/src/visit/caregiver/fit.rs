//! Whether a caregiver fits a visit, as far as anything is known of her: words for the one who plans, never a refusal.

use chrono_tz::Tz;
use sanbao_platform::text_enum;

use super::model::Knowledge;
use super::skill::asked;
use crate::calendar::Interval;
use crate::calendar::week;

text_enum! {
    /// Something about a plan that its dispatcher should know.
    pub enum Misfit {
        /// None of the skills that this kind of help asks for is written down, though others are.
        SkillMissing = "skill_missing",
        /// The skill is written down, and its last day is before the visit.
        SkillExpired = "skill_expired",
        /// The time lies outside the weekly hours.
        OutsideHours = "outside_hours",
    }
}

/// The doubts about a caregiver at a time, for a kind of help. Where nothing was written down there is no doubt.
pub fn misfits(known: &Knowledge, zone: Tz, service_type: &str, time: Interval) -> Vec<Misfit> {
    let day = time.starts_at().with_timezone(&zone).date_naive();
    let asked = asked(service_type);
    let held: Vec<_> = asked.iter().filter_map(|skill| known.skills.get(skill)).collect();
    let skill = if asked.is_empty() || known.skills.is_empty() {
        None
    } else if held.is_empty() {
        Some(Misfit::SkillMissing)
    } else {
        held.iter().all(|until| until.is_some_and(|last| last < day)).then_some(Misfit::SkillExpired)
    };
    let outside = week::misses(&known.hours, zone, time);
    skill.into_iter().chain(outside.then_some(Misfit::OutsideHours)).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use chrono::NaiveDate;

    use super::super::skill::Skill;
    use super::*;
    use crate::calendar::week::WeeklyHours;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// A Tuesday, 9 to 10 in the morning.
    fn visit() -> Interval {
        Interval::of_minutes("2026-11-24T01:00:00Z".parse().unwrap(), 60).unwrap()
    }

    fn doubts(known: &Knowledge, service: &str) -> Vec<Misfit> {
        misfits(known, chrono_tz::Asia::Shanghai, service, visit())
    }

    fn skilled(skills: &[(Skill, Option<&str>)]) -> Knowledge {
        let skills = skills.iter().map(|(skill, until)| (*skill, until.map(date))).collect();
        Knowledge { skills, hours: Vec::new() }
    }

    #[test]
    fn a_skill_is_missed_only_where_skills_are_known_and_asked_for() {
        assert_eq!(doubts(&Knowledge::default(), "bath"), [], "nothing is known");
        let cook = skilled(&[(Skill::Meals, None)]);
        assert_eq!(doubts(&cook, "bath"), [Misfit::SkillMissing]);
        assert_eq!(doubts(&cook, "meal"), []);
        assert_eq!(doubts(&cook, "visit"), [], "asks for nothing special");
        assert_eq!(doubts(&cook, "never heard of"), []);
        assert_eq!(doubts(&skilled(&[(Skill::Rehabilitation, None)]), "nursing"), [], "one of them is enough");
    }

    #[test]
    fn a_skill_holds_up_to_its_last_day() {
        assert_eq!(doubts(&skilled(&[(Skill::Bathing, Some("2026-11-24"))]), "bath"), []);
        assert_eq!(doubts(&skilled(&[(Skill::Bathing, Some("2026-11-23"))]), "bath"), [Misfit::SkillExpired]);
        let one_of_two = skilled(&[(Skill::Nursing, Some("2026-01-01")), (Skill::Rehabilitation, None)]);
        assert_eq!(doubts(&one_of_two, "nursing"), []);
    }

    #[test]
    fn a_time_lies_within_the_hours_or_not() {
        let hours = |weekday, start_minute, end_minute| {
            let (valid_from, valid_to) = (date("2026-01-01"), None);
            let line = WeeklyHours { weekday, start_minute, end_minute, slot_minutes: 0, valid_from, valid_to };
            Knowledge { hours: vec![line], ..Knowledge::default() }
        };
        assert_eq!(doubts(&hours(2, 540, 600), "bath"), []);
        assert_eq!(doubts(&hours(2, 540, 590), "bath"), [Misfit::OutsideHours]);
        assert_eq!(doubts(&hours(1, 0, 1440), "bath"), [Misfit::OutsideHours], "another weekday");
    }

    #[test]
    fn days_without_hours_are_other_than_days_of_which_nothing_is_known() {
        let off = |from, to: Option<&str>| {
            let hours = vec![WeeklyHours::none((date(from), to.map(date)))];
            Knowledge { hours, ..Knowledge::default() }
        };
        assert_eq!(doubts(&off("2026-11-24", None), "bath"), [Misfit::OutsideHours]);
        assert_eq!(doubts(&off("2026-11-25", None), "bath"), [], "it is of later days");
        assert_eq!(doubts(&off("2026-11-01", Some("2026-11-23")), "bath"), [], "it has ended");
    }

    #[test]
    fn a_night_lies_within_the_hours_of_both_its_days() {
        let night = |evening: i32, morning: i32| {
            let line = |weekday, start_minute, end_minute| {
                let (valid_from, valid_to) = (date("2026-01-01"), None);
                WeeklyHours { weekday, start_minute, end_minute, slot_minutes: 0, valid_from, valid_to }
            };
            // Sundays up to midnight, and Mondays from there on.
            let hours = vec![line(7, evening, 1440), line(1, 0, morning)];
            Knowledge { hours, ..Knowledge::default() }
        };
        // A Sunday from 22:00 on, and after midnight.
        let whole = Interval::of_minutes("2026-11-22T14:00:00Z".parse().unwrap(), 480).unwrap();
        let late = Interval::of_minutes("2026-11-22T16:00:00Z".parse().unwrap(), 60).unwrap();
        let of = |known: &Knowledge, time| misfits(known, chrono_tz::Asia::Shanghai, "bath", time);
        assert_eq!((of(&night(1320, 360), whole), of(&night(1320, 360), late)), (vec![], vec![]));
        assert_eq!(of(&night(1320, 359), whole), [Misfit::OutsideHours], "the morning ends before");
        assert_eq!(of(&night(1321, 360), whole), [Misfit::OutsideHours], "the evening begins later");
        assert_eq!(of(&night(1320, 59), late), [Misfit::OutsideHours]);
    }
}
