//! A doctor's times at every change of the clocks from 2020 to 2040, in all zones.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, Days, Duration, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _, Timelike as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

use super::offer::{holds, offered};
use crate::calendar::Interval;
use crate::calendar::week::{WeeklyHours, covers};

const SLOT_MINUTES: i64 = 45;
/// The clocks of all zones go by whole steps of this length from UTC.
const STEP_MINUTES: i64 = 15;

/// Seconds that the clocks of a zone are before UTC.
fn offset(zone: Tz, at: DateTime<Utc>) -> i32 {
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

/// The moments at which the clocks of a zone change. No two changes lie within ten days of each other.
fn changes(zone: Tz) -> Vec<DateTime<Utc>> {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let (mut before, end) = (at("2020-01-01T00:00:00Z"), at("2041-01-01T00:00:00Z"));
    let mut changes = Vec::new();
    while before < end {
        let after = before + Duration::days(10);
        let (mut low, mut high) = (before, after);
        while offset(zone, low) != offset(zone, high) && high - low > Duration::minutes(1) {
            let middle = low + Duration::minutes((high - low).num_minutes() / 2);
            if offset(zone, middle) == offset(zone, low) { low = middle } else { high = middle }
        }
        if offset(zone, low) != offset(zone, high) {
            changes.push(high);
        }
        before = after;
    }
    changes
}

/// The changes of all zones, those that are alike once, each with a zone that has it. Found once for both tests.
static CHANGES: LazyLock<Vec<(Tz, DateTime<Utc>)>> = LazyLock::new(all_changes);

fn all_changes() -> Vec<(Tz, DateTime<Utc>)> {
    let mut all = BTreeMap::new();
    for zone in TZ_VARIANTS {
        for at in changes(zone) {
            all.entry((at, offset(zone, at - Duration::minutes(1)), offset(zone, at))).or_insert(zone);
        }
    }
    all.into_iter().map(|((at, ..), zone)| (zone, at)).collect()
}

fn all_day() -> Vec<WeeklyHours> {
    let line = |weekday| WeeklyHours {
        weekday,
        start_minute: 0,
        end_minute: 24 * 60,
        slot_minutes: 45,
        valid_from: "2019-01-01".parse().unwrap(),
        valid_to: None,
    };
    (1..=7).map(line).collect()
}

/// The same as is offered, found by looking at the clocks from one step to the next.
fn by_the_clocks(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Interval> {
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
    let (mut shown, mut slots, mut free_from) = (BTreeSet::<NaiveDateTime>::new(), Vec::new(), from);
    let mut at = from - Duration::hours(12);
    while at < to {
        let is_first = shown.insert(local(at));
        let minute = i64::from(local(at).num_seconds_from_midnight() / 60);
        let slot = Interval::of_minutes(at, SLOT_MINUTES).unwrap();
        // The clocks may stand on the next day before a slot is over that began late on a day with an hour less.
        let midnight = (local(at).date() + Days::new(1)).and_time(NaiveTime::MIN);
        let fits = local(slot.ends_at() - Duration::minutes(STEP_MINUTES)) < midnight;
        if at >= free_from && is_first && minute % SLOT_MINUTES == 0 && fits {
            free_from = slot.ends_at();
            slots.push(slot);
        }
        at += Duration::minutes(STEP_MINUTES);
    }
    slots
}

#[test]
fn at_every_change_of_the_clocks_no_time_is_offered_twice_or_in_a_gap_and_each_is_as_long_as_it_says() {
    let (hours, changes) = (all_day(), &*CHANGES);
    assert!(changes.len() > 1_000, "{}", changes.len());
    for &(zone, change) in changes {
        let day = (change - Duration::minutes(1)).with_timezone(&zone).date_naive();
        let begins = zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest();
        let Some(from) = begins.map(|at| at.with_timezone(&Utc)) else { continue };
        let to = from + Duration::hours(30);
        let slots = offered(&hours, &[], zone, from, to);
        assert_eq!(slots, by_the_clocks(zone, from, to), "{zone} {change}");
        for slot in &slots {
            assert!(holds(&hours, &[], zone, *slot), "{zone} {slot:?}");
        }
    }
}

#[test]
fn a_stretch_over_a_change_of_the_clocks_is_as_long_as_the_clocks_say() {
    for &(zone, change) in &*CHANGES {
        let (from, to) = (change - Duration::minutes(30), change + Duration::hours(4));
        let midnight = from.with_timezone(&zone).date_naive().and_time(NaiveTime::MIN);
        let ends = to.with_timezone(&zone).naive_local() - midnight;
        let stretch = vec![(0, i32::try_from(ends.num_minutes()).unwrap())];
        let whole = Interval::new(from, to).unwrap();
        let longer = Interval::new(from, to + Duration::minutes(1)).unwrap();
        assert!(covers(stretch.clone(), zone, whole), "{zone} {change}");
        assert!(!covers(stretch, zone, longer), "{zone} {change}");
    }
}
