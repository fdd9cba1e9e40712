//! The day of one side: what goes on and who waits, what is next and what was missed, and what is open whatever its age.
//!
//! Each part of it is read by its own bound, so that no number of old consults hides one of today.

mod store;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sanbao_platform::{listed_enum, text_enum};

pub(super) use store::read;

use super::id::ConsultId;
use super::model::Consult;
use super::state::ConsultStateName;
use super::store::Side;
use super::ticket::{is_open, window};

text_enum! {
    /// The consults that one statement bounds together.
    pub(super) enum Part {
        /// In session.
        Running = "running",
        /// Booked for a time to come, the soonest first.
        Booked = "booked",
        /// Booked for a time that has begun or passed; the newest first.
        Begun = "begun",
        /// Open, and the other side waits for the reader's; the longest first.
        Mine = "mine",
        /// Those that wait for the hospital's answer and are urgent: a bound on the others does not hide them.
        Urgent = "urgent",
        /// Open, and only the reader's own side works at it; the longest first.
        MineToo = "mine_too",
        /// Open, and the other side is to act; the longest first.
        Theirs = "theirs",
        /// The same of what anybody of a doctor's specialty may answer.
        TheirsToo = "theirs_too",
        /// Booked with, or taken on by, a doctor who works there no more, or whose account is disabled; the soonest first, then
        /// those without a time, the longest first.
        Gone = "gone",
        /// Over; the newest first.
        Over = "over",
        /// The same of what no doctor had taken on.
        OverToo = "over_too",
    }
}

listed_enum! {
    /// The place of a consult on the list, in the order of the list.
    pub(super) enum DayPlace {
        /// Both sides are in the room.
        InSession,
        /// Somebody of the other side is in the room, and nobody has begun.
        Waiting,
        /// Its doctor is gone, and the hospital has to find another one.
        DoctorGone,
        Today,
        /// Its time is over, and it has not begun.
        Missed,
        Tomorrow,
        Later,
        Mine,
        Theirs,
        Over,
    }
}

impl DayPlace {
    /// The name in the texts.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::InSession => "in_session",
            Self::Waiting => "waiting",
            Self::DoctorGone => "doctor_gone",
            Self::Today => "today",
            Self::Missed => "missed",
            Self::Tomorrow => "tomorrow",
            Self::Later => "later",
            Self::Mine => "mine",
            Self::Theirs => "theirs",
            Self::Over => "over",
        }
    }

    /// The parts of which more is left out at the end of this place, if their bounds were met.
    pub(super) fn ends(self) -> &'static [Part] {
        match self {
            Self::InSession => &[Part::Running],
            Self::DoctorGone => &[Part::Gone],
            Self::Today | Self::Tomorrow | Self::Later => &[Part::Booked],
            Self::Missed => &[Part::Begun],
            Self::Mine => &[Part::Mine, Part::MineToo],
            Self::Theirs => &[Part::Theirs, Part::TheirsToo],
            Self::Over => &[Part::Over, Part::OverToo],
            Self::Waiting => &[],
        }
    }

    /// Whether a consult of this place may be the next one.
    pub(super) fn is_ahead(self) -> bool {
        matches!(self, Self::InSession | Self::Waiting | Self::Today | Self::Tomorrow | Self::Later)
    }
}

/// The consults of one side, each of them once.
#[derive(Debug, Default)]
pub(super) struct Day {
    pub(super) consults: Vec<Consult>,
    /// Since when somebody of the other side is in the room of a booked consult.
    pub(super) waiting: BTreeMap<ConsultId, DateTime<Utc>>,
    /// Those whose doctor is gone.
    pub(super) gone: BTreeSet<ConsultId>,
    /// The parts that have more than was read.
    pub(super) more: Vec<Part>,
}

/// The place of a consult on the list of a side whose clock is in `zone`.
pub(super) fn place(consult: &Consult, side: Side, is_waited_for: bool, zone: Tz, now: DateTime<Utc>) -> DayPlace {
    let inviting = side == Side::Inviting;
    let open = |ours: bool| if ours { DayPlace::Mine } else { DayPlace::Theirs };
    match consult.state.name() {
        ConsultStateName::InSession => DayPlace::InSession,
        ConsultStateName::Scheduled => booked(consult, is_waited_for, zone, now),
        ConsultStateName::Draft | ConsultStateName::Returned | ConsultStateName::Accepted => open(inviting),
        ConsultStateName::Signed if inviting => DayPlace::Mine,
        ConsultStateName::Submitted | ConsultStateName::OpinionDraft => open(!inviting),
        _ => DayPlace::Over,
    }
}

fn booked(consult: &Consult, is_waited_for: bool, zone: Tz, now: DateTime<Utc>) -> DayPlace {
    let Some(appointment) = consult.state.appointment() else { return DayPlace::Missed };
    if is_waited_for {
        return DayPlace::Waiting;
    }
    if appointment.expected_end() <= now {
        return DayPlace::Missed;
    }
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let (day, today) = (local(appointment.expected_at()), local(now));
    match today.succ_opt() {
        // One that was to begin before midnight is still of this night.
        _ if day <= today => DayPlace::Today,
        tomorrow if tomorrow == Some(day) => DayPlace::Tomorrow,
        _ => DayPlace::Later,
    }
}

impl Day {
    /// Whether somebody of the other side is in the room for the time that is booked now. A room that closed long ago, in which
    /// somebody was left, waits for nobody.
    fn is_waited_for(&self, consult: &Consult, now: DateTime<Utc>) -> bool {
        let opens = consult.state.appointment().map(|a| window(a).0);
        let since = self.waiting.get(&consult.id).zip(opens);
        is_open(&consult.state, now) && since.is_some_and(|(since, opens)| *since >= opens)
    }

    /// The consults of each place in the order in which they are shown.
    pub(super) fn places(&self, side: Side, zone: Tz, now: DateTime<Utc>) -> BTreeMap<DayPlace, Vec<&Consult>> {
        let mut places: BTreeMap<DayPlace, Vec<&Consult>> = BTreeMap::new();
        for consult in &self.consults {
            let at = if self.gone.contains(&consult.id) && is_given_away(consult) {
                DayPlace::DoctorGone
            } else {
                place(consult, side, self.is_waited_for(consult, now), zone, now)
            };
            places.entry(at).or_default().push(consult);
        }
        for (at, consults) in &mut places {
            match at {
                DayPlace::DoctorGone => {
                    consults.sort_by_key(|c| (starts_at(c).is_none(), starts_at(c), c.state_since, c.id));
                }
                DayPlace::Mine => consults.sort_by_key(|c| (c.urgency, c.state_since, c.id)),
                DayPlace::Theirs => {
                    consults.sort_by_key(|c| (c.state_since, c.id));
                }
                DayPlace::Over => consults.sort_by_key(|c| std::cmp::Reverse((c.state_since, c.id))),
                DayPlace::Missed => consults.sort_by_key(|c| std::cmp::Reverse((starts_at(c), c.id))),
                _ => consults.sort_by_key(|c| (starts_at(c), c.id)),
            }
        }
        places
    }
}

/// Whether another doctor may have it: one whose meeting has begun by now stays in its own place.
fn is_given_away(consult: &Consult) -> bool {
    matches!(consult.state.name(), ConsultStateName::Accepted | ConsultStateName::Scheduled)
}

/// The booked begin.
fn starts_at(consult: &Consult) -> Option<DateTime<Utc>> {
    consult.state.appointment().map(|a| a.interval.starts_at())
}
