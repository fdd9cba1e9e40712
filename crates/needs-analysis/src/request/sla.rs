//! By when the next thing must have happened, and how that stands: `on_track`, `at_risk`, `breached`; `paused` while the elder is
//! waited for.
//!
//! A working day is one of the notices of public holidays and make-up days (放假、调休); of a year whose notice is not out, Monday
//! to Friday.

use chrono::{DateTime, Datelike as _, Days, Duration, NaiveDate, NaiveTime, TimeZone as _, Utc, Weekday};
use sanbao_platform::workdays::{self, DayKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::category::{Category, Urgency};
use super::state::RequestStateName;
use crate::{ZONE, local_day};

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many minutes.
    Minutes(i64),
    /// Until the end of the local day.
    SameDay,
    /// Until the end of the n-th working day after.
    WorkingDays(u32),
}

/// The limits of one kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Targets {
    /// Until an agency has taken it (a complaint: until the first reply).
    pub accept: Limit,
    /// Until the service is done.
    pub serve: Limit,
}

/// All limits.
#[derive(Clone, Copy, Debug)]
pub struct SlaRules {
    /// Emergencies.
    pub emergency: Targets,
    /// Urgent requests.
    pub urgent: Targets,
    /// All others.
    pub normal: Targets,
    pub complaint: Targets,
    /// Until the elder was asked, after it was done.
    pub follow_up: Limit,
    /// A clock is at risk once less than this part of its time is left, in percent.
    pub at_risk_percent: i64,
}

/// The limits of this network.
pub const RULES: SlaRules = SlaRules {
    emergency: Targets { accept: Limit::Minutes(5), serve: Limit::Minutes(30) },
    urgent: Targets { accept: Limit::Minutes(30), serve: Limit::SameDay },
    normal: Targets { accept: Limit::Minutes(4 * 60), serve: Limit::WorkingDays(3) },
    complaint: Targets { accept: Limit::WorkingDays(1), serve: Limit::WorkingDays(13) },
    follow_up: Limit::WorkingDays(1),
    at_risk_percent: 25,
};
/// Grows with each change of the limits and of the days that are known: then all clocks are set anew.
pub const RULES_NUMBER: i64 = 1;

/// How a clock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlaStatus {
    /// The clock stands still: the elder is waited for.
    Paused,
    /// Enough time is left.
    OnTrack,
    /// Little time is left.
    AtRisk,
    /// Too late.
    Breached,
}

/// The step that a clock waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlaStage {
    /// That an agency takes it.
    Accept,
    /// That the service is done.
    Serve,
    /// That the elder is asked.
    FollowUp,
}

/// The running clock of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sla {
    /// The step that it waits for.
    pub stage: SlaStage,
    /// The moment by which the stage must be left.
    pub due_at: DateTime<Utc>,
    pub status: SlaStatus,
    /// When the clock goes on, while it stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<DateTime<Utc>>,
}

/// The clock of a request, whatever the time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlaClock {
    /// The step that it waits for.
    pub stage: SlaStage,
    /// The moment by which the stage must be left.
    pub due_at: DateTime<Utc>,
    /// From then on little time is left.
    pub risk_at: DateTime<Utc>,
}

/// The times in which a clock stands still because the elder is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Pause {
    /// Those that are over, of the clock that runs now.
    #[sqlx(rename = "paused_seconds")]
    pub seconds: i64,
    /// The one that is going on, or was the last.
    #[sqlx(rename = "paused_from")]
    pub from: Option<DateTime<Utc>>,
    /// It ends then by itself.
    #[sqlx(rename = "paused_until")]
    pub until: Option<DateTime<Utc>>,
}

impl Pause {
    /// When it ends, if it goes on at a moment.
    pub fn standing(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.until.filter(|until| now < *until)
    }

    /// All of it, with the rest of the one that goes on.
    fn whole(&self) -> Duration {
        let last = self.from.zip(self.until).map_or(Duration::zero(), |(from, until)| until - from);
        Duration::seconds(self.seconds) + last.max(Duration::zero())
    }

    /// The same once the clock goes on.
    #[must_use]
    pub fn ended(&self, at: DateTime<Utc>) -> Self {
        let until = self.until.map(|until| until.min(at));
        Self { seconds: Self { until, ..*self }.whole().num_seconds(), from: None, until: None }
    }

    /// The same with another pause that begins.
    #[must_use]
    pub fn begun(&self, at: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { from: Some(at), until: Some(until), ..self.ended(at) }
    }
}

/// The facts that a clock depends on.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    pub category: Category,
    pub urgency: Urgency,
    /// When it came in.
    pub received_at: DateTime<Utc>,
    pub state: RequestStateName,
    /// The moment of the step into this state.
    pub state_since: DateTime<Utc>,
    /// When an agency took it.
    pub accepted_at: Option<DateTime<Utc>>,
    pub pause: Pause,
}

impl Limit {
    /// The end of the limit that starts at `from`.
    pub fn end(self, from: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Minutes(n) => from + Duration::minutes(n),
            Self::SameDay => end_of(local_day(from)).unwrap_or(from),
            Self::WorkingDays(n) => {
                let mut day = local_day(from);
                let mut left = n;
                while left > 0 {
                    day = day.checked_add_days(Days::new(1)).unwrap_or(day);
                    left -= u32::from(is_worked(day));
                }
                end_of(day).unwrap_or(from)
            }
        }
    }

    /// The end of the limit that starts at `from`, as much later as the clock stood still. One of days ends with a day again, and one of
    /// working days with a working day.
    fn end_with(self, from: DateTime<Utc>, pause: Duration) -> DateTime<Utc> {
        let end = self.end(from) + pause;
        if pause.is_zero() {
            return end;
        }
        let mut day = local_day(end - Duration::microseconds(1));
        match self {
            Self::Minutes(_) => end,
            Self::SameDay => end_of(day).unwrap_or(end),
            Self::WorkingDays(_) => {
                while !is_worked(day) {
                    day = day.checked_add_days(Days::new(1)).unwrap_or(day);
                }
                end_of(day).unwrap_or(end)
            }
        }
    }
}

/// Whether the street's offices work on a day.
pub fn is_worked(day: NaiveDate) -> bool {
    let weekday = !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    workdays::kind_of(day).map_or(weekday, DayKind::is_worked)
}

/// The last moment of a local day: the next midnight.
fn end_of(day: NaiveDate) -> Option<DateTime<Utc>> {
    let next = day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN);
    ZONE.from_local_datetime(&next).earliest().map(|t| t.with_timezone(&Utc))
}

impl SlaRules {
    /// The clock that runs; `None` where nothing is waited for.
    pub fn clock(&self, request: &Timed) -> Option<SlaClock> {
        use RequestStateName as S;
        let targets = match (request.category, request.urgency) {
            (Category::Complaint, _) => self.complaint,
            (_, Urgency::Emergency) => self.emergency,
            (_, Urgency::Urgent) => self.urgent,
            (_, Urgency::Normal) => self.normal,
        };
        // A request that is done again starts anew.
        let from = if request.state == S::Reopened { request.state_since } else { request.received_at };
        let (stage, from, limit) = match request.state {
            S::Closed | S::Cancelled | S::Merged | S::FollowedUp => return None,
            S::Done => (SlaStage::FollowUp, request.state_since, self.follow_up),
            S::Received
            | S::Triaged
            | S::Dispatched
            | S::Accepted
            | S::Scheduled
            | S::InService
            | S::Rejected
            | S::NoShow
            | S::Escalated
            | S::Reopened => match request.accepted_at {
                Some(_) => (SlaStage::Serve, from, targets.serve),
                None => (SlaStage::Accept, from, targets.accept),
            },
        };
        let due_at = limit.end_with(from, request.pause.whole());
        let risk_at = due_at - Duration::seconds((due_at - from).num_seconds() * self.at_risk_percent / 100);
        Some(SlaClock { stage, due_at, risk_at })
    }
}

impl SlaClock {
    /// How it stands at a moment.
    pub fn at(self, now: DateTime<Utc>, pause: &Pause) -> Sla {
        let paused_until = pause.standing(now);
        let status = match paused_until {
            Some(_) => SlaStatus::Paused,
            None if now > self.due_at => SlaStatus::Breached,
            None if now > self.risk_at => SlaStatus::AtRisk,
            None => SlaStatus::OnTrack,
        };
        Sla { stage: self.stage, due_at: self.due_at, status, paused_until }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn timed(category: Category, urgency: Urgency, state: RequestStateName) -> Timed {
        // A Friday, 10:00 in Ningbo.
        let received_at = at("2026-11-20T02:00:00Z");
        Timed {
            category,
            urgency,
            received_at,
            state,
            state_since: received_at,
            accepted_at: None,
            pause: Pause::default(),
        }
    }

    #[test]
    fn each_kind_has_its_limits() {
        let taken = Some(at("2026-11-20T02:01:00Z"));
        for (category, urgency, accepted_at, due) in [
            (Category::Meal, Urgency::Emergency, None, "2026-11-20T02:05:00Z"),
            (Category::Meal, Urgency::Emergency, taken, "2026-11-20T02:30:00Z"),
            (Category::Meal, Urgency::Urgent, None, "2026-11-20T02:30:00Z"),
            (Category::Meal, Urgency::Urgent, taken, "2026-11-20T16:00:00Z"),
            (Category::Meal, Urgency::Normal, None, "2026-11-20T06:00:00Z"),
            // Monday, Tuesday, Wednesday: the end of Wednesday in Ningbo.
            (Category::Meal, Urgency::Normal, taken, "2026-11-25T16:00:00Z"),
            (Category::Complaint, Urgency::Normal, None, "2026-11-23T16:00:00Z"),
        ] {
            let request = Timed { accepted_at, ..timed(category, urgency, RequestStateName::Dispatched) };
            assert_eq!(RULES.clock(&request).unwrap().due_at, at(due), "{category:?} {urgency:?}");
        }
    }

    #[test]
    fn a_clock_goes_from_on_track_over_at_risk_to_breached_and_stops_at_the_end() {
        let request = timed(Category::Meal, Urgency::Normal, RequestStateName::Received);
        for (now, status) in [
            ("2026-11-20T02:00:00Z", SlaStatus::OnTrack),
            ("2026-11-20T05:00:00Z", SlaStatus::OnTrack),
            ("2026-11-20T05:00:01Z", SlaStatus::AtRisk),
            ("2026-11-20T06:00:00Z", SlaStatus::AtRisk),
            ("2026-11-20T06:00:01Z", SlaStatus::Breached),
        ] {
            assert_eq!(RULES.clock(&request).unwrap().at(at(now), &request.pause).status, status, "{now}");
        }
        for state in [
            RequestStateName::Closed,
            RequestStateName::Cancelled,
            RequestStateName::Merged,
            RequestStateName::FollowedUp,
        ] {
            assert_eq!(RULES.clock(&Timed { state, ..request }), None);
        }
        let done = Timed { state: RequestStateName::Done, state_since: at("2026-11-20T03:00:00Z"), ..request };
        assert_eq!(RULES.clock(&done).unwrap().stage, SlaStage::FollowUp);
    }

    #[test]
    fn a_holiday_is_no_working_day_and_a_make_up_day_is_one() {
        let due = |from: &str| Limit::WorkingDays(1).end(at(from));
        // The eve of the National Day of 2026 in Ningbo: the next working day is the 8th of October.
        assert_eq!(due("2026-09-30T02:00:00Z"), at("2026-10-08T16:00:00Z"));
        // Friday the 9th; Saturday the 10th is worked for the sake of the holiday.
        assert_eq!(due("2026-10-09T02:00:00Z"), at("2026-10-10T16:00:00Z"));
        // Nothing is known of 2030: Friday, then Monday.
        assert_eq!(due("2030-09-27T02:00:00Z"), at("2030-09-30T16:00:00Z"));
    }

    #[test]
    fn a_clock_stands_still_while_the_elder_is_waited_for() {
        let request = timed(Category::Meal, Urgency::Normal, RequestStateName::Dispatched);
        let pause = Pause::default().begun(at("2026-11-20T03:00:00Z"), at("2026-11-20T05:00:00Z"));
        let clock = |pause| RULES.clock(&Timed { pause, ..request }).unwrap();
        assert_eq!(clock(pause).due_at, at("2026-11-20T08:00:00Z"), "four hours and the two");
        let status = |now: &str, pause: Pause| clock(pause).at(at(now), &pause).status;
        assert_eq!(status("2026-11-20T04:59:59Z", pause), SlaStatus::Paused);
        assert_eq!(status("2026-11-20T05:00:00Z", pause), SlaStatus::OnTrack);
        assert_eq!(status("2026-11-20T08:00:01Z", pause), SlaStatus::Breached);
        // Ended after half an hour, and another one of an hour.
        let ended = pause.ended(at("2026-11-20T03:30:00Z"));
        assert_eq!(ended, Pause { seconds: 1_800, from: None, until: None });
        let again = ended.begun(at("2026-11-20T04:00:00Z"), at("2026-11-20T05:00:00Z"));
        assert_eq!(clock(again).due_at, at("2026-11-20T07:30:00Z"));
        assert_eq!(again.ended(at("2026-11-21T00:00:00Z")).seconds, 5_400, "it ended by itself before");
    }

    #[test]
    fn a_pause_of_a_limit_of_days_ends_with_a_working_day() {
        let taken = Some(at("2026-11-20T02:01:00Z"));
        let request =
            Timed { accepted_at: taken, ..timed(Category::Meal, Urgency::Normal, RequestStateName::Accepted) };
        let due = |days: i64| {
            let pause = Pause { seconds: days * 86_400, ..Pause::default() };
            RULES.clock(&Timed { pause, ..request }).unwrap().due_at
        };
        assert_eq!(due(0), at("2026-11-25T16:00:00Z"));
        assert_eq!(due(1), at("2026-11-26T16:00:00Z"));
        // The Saturday after becomes the Monday.
        assert_eq!(due(3), at("2026-11-30T16:00:00Z"));
    }

    #[test]
    fn all_clocks_are_set_anew_when_a_rule_or_a_known_day_changes() {
        let days = (2024..=2040).filter_map(workdays::notice).map(|n| (n.number, n.days.len())).collect::<Vec<_>>();
        insta::assert_debug_snapshot!((RULES_NUMBER, RULES, days));
    }
}
