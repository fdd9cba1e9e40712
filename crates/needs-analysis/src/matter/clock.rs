//! By when a level must have moved a matter on, and how that stands. Pure.
//!
//! The limits are the product's: the nearer to people a level is, the sooner it knows whether it can settle something. A danger
//! waits nowhere. A day is a working day by the notices of holidays; of a year without one, Monday to Friday.

use chrono::{DateTime, Datelike as _, Days, Duration, NaiveDate, Utc, Weekday};
use sanbao_platform::moment;
use sanbao_platform::workdays::{self, DayKind};

use super::model::MatterKind;
use crate::area::Level;
use crate::request::sla::SlaStatus;
use crate::{ZONE, local_day};

/// A clock is at risk once less than this part of its time is left, in percent.
const AT_RISK_PERCENT: i64 = 25;
/// So long after its end a matter can be opened again, in days.
pub const REOPEN_DAYS: i64 = 30;

/// The working days that a level has.
pub fn limit_days(level: Level, kind: MatterKind) -> u32 {
    match (kind, level) {
        (MatterKind::Safety, _) | (_, Level::Building) => 1,
        (_, Level::Grid) => 2,
        (_, Level::Compound) => 3,
        (_, Level::Community) => 5,
        (_, Level::Street) => 7,
    }
}

/// The moment by which a level that has a matter since `from` must have moved it on: the end of the last working day that it has.
pub fn due(level: Level, kind: MatterKind, from: DateTime<Utc>) -> DateTime<Utc> {
    let mut day = local_day(from);
    let mut left = limit_days(level, kind);
    while left > 0 {
        day = day + Days::new(1);
        left -= u32::from(is_worked(day));
    }
    moment::begins(day + Days::new(1), ZONE).unwrap_or(from)
}

/// How a clock stands that runs since `since`.
pub fn status(since: DateTime<Utc>, due: DateTime<Utc>, now: DateTime<Utc>) -> SlaStatus {
    if now > due {
        SlaStatus::Breached
    } else if (due - now).num_seconds() * 100 < (due - since).num_seconds() * AT_RISK_PERCENT {
        SlaStatus::AtRisk
    } else {
        SlaStatus::OnTrack
    }
}

/// Until when something that has ended can be opened again.
pub fn reopen_until(ended: DateTime<Utc>) -> DateTime<Utc> {
    ended + Duration::days(REOPEN_DAYS)
}

/// Whether a clock was reckoned without the notice of a year that it runs into.
pub fn is_guessed(since: DateTime<Utc>, due: DateTime<Utc>) -> bool {
    [since, due].into_iter().any(|at| workdays::kind_of(local_day(at)).is_none())
}

/// The month of a moment in the street's zone: 2026-11.
pub fn month(at: DateTime<Utc>) -> String {
    local_day(at).format("%Y-%m").to_string()
}

fn is_worked(day: NaiveDate) -> bool {
    let usual = || !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    workdays::kind_of(day).map_or_else(usual, DayKind::is_worked)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn each_level_has_its_working_days_and_a_danger_waits_nowhere() {
        // A Friday, 10:00 in Ningbo: the weekend does not count.
        let from = at("2026-11-20T02:00:00Z");
        for (level, until) in [
            (Level::Building, "2026-11-23T16:00:00Z"),
            (Level::Grid, "2026-11-24T16:00:00Z"),
            (Level::Compound, "2026-11-25T16:00:00Z"),
            (Level::Community, "2026-11-27T16:00:00Z"),
            (Level::Street, "2026-12-01T16:00:00Z"),
        ] {
            assert_eq!(due(level, MatterKind::Facility, from), at(until), "{level}");
            assert_eq!(due(level, MatterKind::Safety, from), at("2026-11-23T16:00:00Z"), "{level}");
        }
    }

    #[test]
    fn holidays_do_not_count_and_days_made_up_for_do() {
        // The days of National Day 2026 are 1 to 7 October; Saturday the 10th is worked for it.
        let grid = |from| due(Level::Grid, MatterKind::Other, at(from));
        assert_eq!(grid("2026-09-30T02:00:00Z"), at("2026-10-09T16:00:00Z"));
        assert_eq!(grid("2026-10-08T02:00:00Z"), at("2026-10-10T16:00:00Z"));
        assert!(!is_guessed(at("2026-10-08T02:00:00Z"), at("2026-10-10T16:00:00Z")));
        assert!(is_guessed(
            at("2026-12-31T02:00:00Z"),
            due(Level::Grid, MatterKind::Other, at("2026-12-31T02:00:00Z"))
        ));
    }

    #[test]
    fn a_clock_goes_from_on_track_over_at_risk_to_breached() {
        let (since, due) = (at("2026-11-23T00:00:00Z"), at("2026-11-27T00:00:00Z"));
        for (now, expected) in [
            ("2026-11-23T00:00:00Z", SlaStatus::OnTrack),
            ("2026-11-26T00:00:00Z", SlaStatus::OnTrack),
            ("2026-11-26T00:00:01Z", SlaStatus::AtRisk),
            ("2026-11-27T00:00:00Z", SlaStatus::AtRisk),
            ("2026-11-27T00:00:01Z", SlaStatus::Breached),
        ] {
            assert_eq!(status(since, due, at(now)), expected, "{now}");
        }
        assert_eq!(month(at("2026-11-30T16:00:00Z")), "2026-12", "midnight in Ningbo");
    }
}
