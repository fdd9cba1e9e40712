//! By when the next thing must have happened, and how that stands: `on_track`, `at_risk`, `breached`.
//!
//! The limits are the product's defaults and an operator's to change. A working day is Monday to
//! Friday in the street's zone; public holidays are not known here and count as working days.

use chrono::{DateTime, Datelike as _, Days, Duration, NaiveDate, NaiveTime, TimeZone as _, Utc, Weekday};
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

impl Default for SlaRules {
    fn default() -> Self {
        Self {
            emergency: Targets { accept: Limit::Minutes(5), serve: Limit::Minutes(30) },
            urgent: Targets { accept: Limit::Minutes(30), serve: Limit::SameDay },
            normal: Targets { accept: Limit::Minutes(4 * 60), serve: Limit::WorkingDays(3) },
            complaint: Targets { accept: Limit::WorkingDays(1), serve: Limit::WorkingDays(13) },
            follow_up: Limit::WorkingDays(1),
            at_risk_percent: 25,
        }
    }
}

/// How a clock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlaStatus {
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
                    left -= u32::from(!matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
                }
                end_of(day).unwrap_or(from)
            }
        }
    }
}

/// The last moment of a local day: the next midnight.
fn end_of(day: NaiveDate) -> Option<DateTime<Utc>> {
    let next = day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN);
    ZONE.from_local_datetime(&next).earliest().map(|t| t.with_timezone(&Utc))
}

impl SlaRules {
    /// The clock that runs now; `None` where nothing is waited for.
    pub fn clock(&self, request: &Timed, now: DateTime<Utc>) -> Option<Sla> {
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
        let due_at = limit.end(from);
        let status = if now > due_at {
            SlaStatus::Breached
        } else if (due_at - now).num_seconds() * 100 < (due_at - from).num_seconds() * self.at_risk_percent {
            SlaStatus::AtRisk
        } else {
            SlaStatus::OnTrack
        };
        Some(Sla { stage, due_at, status })
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
        Timed { category, urgency, received_at, state, state_since: received_at, accepted_at: None }
    }

    #[test]
    fn each_kind_has_its_limits() {
        let rules = SlaRules::default();
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
            assert_eq!(rules.clock(&request, request.received_at).unwrap().due_at, at(due), "{category:?} {urgency:?}");
        }
    }

    #[test]
    fn a_clock_goes_from_on_track_over_at_risk_to_breached_and_stops_at_the_end() {
        let rules = SlaRules::default();
        let request = timed(Category::Meal, Urgency::Normal, RequestStateName::Received);
        for (now, status) in [
            ("2026-11-20T02:00:00Z", SlaStatus::OnTrack),
            ("2026-11-20T05:00:00Z", SlaStatus::OnTrack),
            ("2026-11-20T05:00:01Z", SlaStatus::AtRisk),
            ("2026-11-20T06:00:00Z", SlaStatus::AtRisk),
            ("2026-11-20T06:00:01Z", SlaStatus::Breached),
        ] {
            assert_eq!(rules.clock(&request, at(now)).unwrap().status, status, "{now}");
        }
        for state in [
            RequestStateName::Closed,
            RequestStateName::Cancelled,
            RequestStateName::Merged,
            RequestStateName::FollowedUp,
        ] {
            assert_eq!(rules.clock(&Timed { state, ..request }, at("2027-01-01T00:00:00Z")), None);
        }
        let done = Timed { state: RequestStateName::Done, state_since: at("2026-11-20T03:00:00Z"), ..request };
        assert_eq!(rules.clock(&done, at("2026-11-20T03:00:00Z")).unwrap().stage, SlaStage::FollowUp);
    }
}
