//! The people who were in the room, how long both sides were there together, and the side that has not come.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::text_enum;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Consult;
use super::state::ConsultStateName;
use super::ticket::{RoomRole, window};

/// After so many minutes without one side in the room the page says that it is not there.
pub const ABSENT_AFTER_MINUTES: i64 = 15;

/// One time that somebody was in the room.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow, ToSchema)]
pub struct Presence {
    /// The person's or link's id.
    pub person: Uuid,
    pub name: String,
    pub role: RoomRole,
    pub joined_at: DateTime<Utc>,
    /// To; absent while they are in.
    pub left_at: Option<DateTime<Utc>>,
}

text_enum! {
    /// Which side did not come.
    pub enum Absent {
        /// The inviting side.
        Host = "host",
        /// The doctor.
        Clinician = "clinician",
        /// Neither came.
        Both = "both",
        /// Both came, and were never there at the same time.
        Apart = "apart",
    }
}

/// How long host and clinician were in together, by what was seen; until the relay has said it.
pub(super) fn together(attendance: &[Presence], now: DateTime<Utc>) -> Duration {
    let of = |role: RoomRole| {
        let mut times: Vec<(DateTime<Utc>, DateTime<Utc>)> = attendance
            .iter()
            .filter(|p| p.role == role)
            .map(|p| (p.joined_at, p.left_at.unwrap_or(now).max(p.joined_at)))
            .collect();
        times.sort_unstable();
        // Two people of one side, or one on two devices, count once.
        let mut merged: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
        for (from, to) in times {
            match merged.last_mut().filter(|last| from <= last.1) {
                Some(last) => last.1 = last.1.max(to),
                None => merged.push((from, to)),
            }
        }
        merged
    };
    let clinicians = of(RoomRole::Clinician);
    let overlap = |a: &(DateTime<Utc>, DateTime<Utc>), b: &(DateTime<Utc>, DateTime<Utc>)| {
        (a.1.min(b.1) - a.0.max(b.0)).max(Duration::zero())
    };
    of(RoomRole::Host).iter().flat_map(|h| clinicians.iter().map(move |c| overlap(h, c))).sum()
}

/// The missing side, or the fact that both sides missed each other, once it is long past the expected start of a
/// meeting that did not begin.
pub(super) fn absent(consult: &Consult, attendance: &[Presence], now: DateTime<Utc>) -> Option<Absent> {
    let appointment = consult.state.appointment().filter(|_| consult.state.name() == ConsultStateName::Scheduled)?;
    if now < appointment.expected_at() + Duration::minutes(ABSENT_AFTER_MINUTES) {
        return None;
    }
    let (opens, _) = window(appointment);
    let came = |role: RoomRole| attendance.iter().any(|p| p.role == role && p.joined_at >= opens);
    Some(match (came(RoomRole::Host), came(RoomRole::Clinician)) {
        (true, false) => Absent::Clinician,
        (false, true) => Absent::Host,
        (false, false) => Absent::Both,
        // Had they met, the meeting would have begun.
        (true, true) => Absent::Apart,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(role: RoomRole, from: i64, to: Option<i64>) -> Presence {
        let at = |s: i64| DateTime::UNIX_EPOCH + Duration::seconds(s);
        Presence { person: Uuid::nil(), name: String::new(), role, joined_at: at(from), left_at: to.map(at) }
    }

    #[test]
    fn time_together_is_the_overlap_of_both_sides_however_often_they_came() {
        use RoomRole::{Clinician, Guest, Host};
        let now = DateTime::UNIX_EPOCH + Duration::seconds(100);
        for (attendance, seconds) in [
            (vec![], 0),
            (vec![seen(Host, 0, Some(50))], 0),
            (vec![seen(Host, 0, Some(50)), seen(Guest, 0, None)], 0),
            (vec![seen(Host, 0, Some(50)), seen(Clinician, 20, Some(80))], 30),
            (vec![seen(Host, 0, None), seen(Clinician, 20, None)], 80),
            (vec![seen(Host, 0, Some(40)), seen(Host, 10, Some(60)), seen(Clinician, 0, Some(100))], 60),
            (vec![seen(Host, 0, None), seen(Clinician, 10, Some(20)), seen(Clinician, 30, Some(50))], 30),
            (vec![seen(Host, 0, Some(10)), seen(Clinician, 10, Some(20))], 0),
        ] {
            assert_eq!(together(&attendance, now).num_seconds(), seconds, "{attendance:?}");
        }
    }
}
