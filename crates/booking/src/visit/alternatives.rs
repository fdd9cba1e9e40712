//! The times that are free when a wanted one is taken: other caregivers then, this caregiver near then.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::problem::Problem;
use serde::Serialize;

use super::agency::{Agency, Caregiver};
use super::config::VisitConfig;
use super::input::ScheduleBody;
use super::model::Visit;
use super::state::Slot;
use super::store;
use crate::App;
use crate::account::AccountId;
use crate::calendar::{self, Interval, SLOT_TAKEN};

/// Alternatives of each kind, at most.
const ALTERNATIVES_MAX: usize = 3;
/// Caregivers whose calendars are looked at, at most.
const CANDIDATES_MAX: usize = 20;
/// Starts are offered this many minutes apart.
const STEP_MINUTES: i64 = 15;
/// Half days to either side that are searched; as few as give enough.
const HALF_DAYS_MAX: i64 = 4;

/// The faults that stand in the way, and what is free instead, by the agency's own calendar alone.
///
/// An elder may have something with others: another agency's visit, a consult. That a time does not go cannot be kept
/// from the agency. With whom, for what, from when or until when it is taken can, and is: of the same wish the answer is
/// the same, whatever others have. So a time that is offered may be refused in its turn.
#[derive(Clone, Debug, Serialize)]
pub struct Alternatives {
    /// Whose calendar is taken by the agency itself: `caregiver`, `elder`, or both; nobody's where others have the time.
    pub blocked: Vec<&'static str>,
    /// Caregivers who are free at the wanted time.
    pub caregivers: Vec<Caregiver>,
    /// Times near the wanted one at which the agency has nothing with the caregiver and the elder.
    pub times: Vec<Interval>,
}

/// The 409 that says so.
pub async fn problem(app: &App, visit: &Visit, wanted: &ScheduleBody) -> Problem {
    let (now, limits) = (app.deps.clock.now(), &app.config.visit);
    let found = async {
        // A colleague who was faster by a moment is seen by a writer alone. Nobody holds two connections at a time.
        let mut latest = app.deps.db.begin().await?;
        let agency = Agency::find(&mut latest, visit.agency).await?.ok_or_else(Problem::not_found)?;
        let slot = Slot { caregiver: wanted.caregiver, interval: wanted.interval(now, limits)? };
        let own = own_at(&mut latest, now, &agency, visit, slot).await?;
        drop(latest);
        let mut conn = app.deps.db.read().await?;
        Ok::<_, Problem>(find(&mut conn, now, limits, &agency, visit, slot, own).await?)
    };
    match found.await {
        Ok(alternatives) => {
            let taken = Problem::new(&SLOT_TAKEN);
            let taken = if alternatives.blocked.contains(&"elder") {
                taken.detail("本机构这个时间已安排为这位老人上门", "You have another visit to this elder at this time")
            } else if alternatives.blocked.contains(&"caregiver") {
                taken.detail("照护员这个时间已有安排", "The caregiver is taken at this time")
            } else {
                taken
            };
            taken.with("alternatives", alternatives)
        }
        Err(problem) => Problem::new(&SLOT_TAKEN).because(problem.cause().unwrap_or_default()),
    }
}

async fn find(
    conn: &mut Conn,
    now: DateTime<Utc>,
    limits: &VisitConfig,
    agency: &Agency,
    visit: &Visit,
    wanted: Slot,
    own: Taken,
) -> Result<Alternatives, DbError> {
    let start = wanted.interval.starts_at();
    let hours = |at: DateTime<Utc>| {
        let day = agency.today(at);
        (agency.local(day, limits.offered_hour_first), agency.local(day, limits.offered_hour_last))
    };
    let (mut elder, mut caregiver, mut times) = (Vec::new(), Vec::new(), Vec::new());
    // Where the agency itself has nothing then, others have some of this time, and of it nothing is offered.
    let others = (!own.elder && !own.caregiver).then_some(wanted.interval);
    for reach in 1..=HALF_DAYS_MAX {
        // The first window is the day around the wanted time; each further one adds half a day on either side.
        for begins in if reach == 1 { vec![-1] } else { vec![-reach, reach - 1] } {
            let halves = if reach == 1 { 2 } else { 1 };
            let Ok(window) = Interval::of_minutes(start + Duration::hours(12 * begins), halves * 12 * 60) else {
                continue;
            };
            elder.extend(store::own_with(conn, agency.id, visit.person, window).await?);
            caregiver.extend(calendar::busy(conn, now, wanted.caregiver.0, window).await?);
        }
        without_own(visit, wanted, &mut elder, &mut caregiver);
        let busy: Vec<_> = elder.iter().chain(&caregiver).copied().chain(others).collect();
        times = nearest_free(now, wanted.interval, &busy, reach, hours);
        if times.len() == ALTERNATIVES_MAX {
            break;
        }
    }
    let blocked = [(own.elder, "elder"), (own.caregiver, "caregiver")];
    let blocked = blocked.into_iter().filter(|(taken, _)| *taken).map(|(_, name)| name).collect();
    // Another caregiver helps where the wanted one alone is taken.
    let caregivers = if own.caregiver && !own.elder {
        free_caregivers(conn, now, agency, wanted.caregiver, wanted.interval).await?
    } else {
        Vec::new()
    };
    Ok(Alternatives { blocked, caregivers, times })
}

/// Whose wanted time the agency itself has taken.
struct Taken {
    elder: bool,
    caregiver: bool,
}

async fn own_at(
    conn: &mut Conn,
    now: DateTime<Utc>,
    agency: &Agency,
    visit: &Visit,
    wanted: Slot,
) -> Result<Taken, DbError> {
    let mut elder = store::own_with(conn, agency.id, visit.person, wanted.interval).await?;
    let mut caregiver = calendar::busy(conn, now, wanted.caregiver.0, wanted.interval).await?;
    without_own(visit, wanted, &mut elder, &mut caregiver);
    Ok(Taken { elder: !elder.is_empty(), caregiver: !caregiver.is_empty() })
}

/// A visit that is to be moved does not stand in its own way.
fn without_own(visit: &Visit, wanted: Slot, elder: &mut Vec<Interval>, caregiver: &mut Vec<Interval>) {
    if let Some(own) = visit.state.slot() {
        elder.retain(|i| *i != own.interval);
        caregiver.retain(|i| own.caregiver != wanted.caregiver || *i != own.interval);
    }
}

async fn free_caregivers(
    conn: &mut Conn,
    now: DateTime<Utc>,
    agency: &Agency,
    but: AccountId,
    interval: Interval,
) -> Result<Vec<Caregiver>, DbError> {
    let mut free = Vec::new();
    let all = agency.caregivers(conn).await?;
    for candidate in all.into_iter().filter(|c| c.id != but).take(CANDIDATES_MAX) {
        if free.len() == ALTERNATIVES_MAX {
            break;
        }
        if calendar::busy(conn, now, candidate.id.0, interval).await?.is_empty() {
            free.push(candidate);
        }
    }
    Ok(free)
}

/// The free intervals of the same length nearest to `wanted`, at most `reach` half days away, within
/// the hours of their day, not in the past.
fn nearest_free(
    now: DateTime<Utc>,
    wanted: Interval,
    busy: &[Interval],
    reach: i64,
    hours: impl Fn(DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>),
) -> Vec<Interval> {
    let length = (wanted.ends_at() - wanted.starts_at()).num_minutes();
    let minutes = reach * 12 * 60;
    (1..=minutes / STEP_MINUTES)
        .flat_map(|step| [step, -step])
        .map(|step| wanted.starts_at() + Duration::minutes(step * STEP_MINUTES))
        .filter(|start| *start >= now)
        .filter_map(|start| Interval::of_minutes(start, length).ok())
        .filter(|slot| slot.ends_at() <= wanted.starts_at() + Duration::minutes(minutes))
        .filter(|slot| {
            let (first, last) = hours(slot.starts_at());
            first <= slot.starts_at() && slot.ends_at() <= last && !busy.iter().any(|b| b.overlaps(slot))
        })
        .take(ALTERNATIVES_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-11-{text}:00Z").parse().unwrap()
    }

    fn from_to(from: &str, to: &str) -> Interval {
        Interval::new(at(from), at(to)).unwrap()
    }

    #[test]
    fn the_nearest_times_are_offered_that_touch_nothing() {
        let hours = |t: DateTime<Utc>| {
            let midnight = t.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
            (midnight + Duration::hours(7), midnight + Duration::hours(20))
        };
        let wanted = from_to("23T09:00", "23T10:00");
        let busy = [from_to("23T09:30", "23T10:30"), from_to("23T07:00", "23T08:15")];
        let starts = |now: &str| -> Vec<DateTime<Utc>> {
            nearest_free(at(now), wanted, &busy, 1, hours).iter().map(Interval::starts_at).collect()
        };
        assert_eq!(starts("23T06:00"), [at("23T08:30"), at("23T08:15"), at("23T10:30")]);
        assert_eq!(starts("23T08:40"), [at("23T10:30"), at("23T10:45"), at("23T11:00")], "nothing in the past");
        let all_day = [from_to("23T00:00", "23T23:00")];
        let next = nearest_free(at("23T06:00"), wanted, &all_day, 2, hours);
        assert!(nearest_free(at("23T06:00"), wanted, &all_day, 1, hours).is_empty(), "only what was looked at");
        assert_eq!(next[0].starts_at(), at("24T07:00"), "the morning after");
    }
}
