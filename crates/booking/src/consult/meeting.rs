//! The relay's account of a meeting: the people who were there and how long together, the side that was not, the people
//! who wait at the door, how good the lines were, and the findings of checks before the visit.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit::{Personal, Subject, Subjects};
use sanbao_platform::bus::{ConsumeError, Described, Event, EventField};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::{described, on};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

pub use super::attendance::{Absent, Presence};
use super::attendance::{absent, together};
use super::id::ConsultId;
use super::model::Consult;
use super::steps;
use super::ticket::{RoomRole, window};

/// Somebody ended the visit in the room.
pub const FINISHED: &str = "signalling.consult.finished";
/// Somebody came into the room or went.
pub const ATTENDANCE: &str = "signalling.consult.attendance";
/// Somebody waits and nobody lets them in.
pub const ESCALATED: &str = "signalling.consult.escalated";
/// Somebody for whom a colleague was called waits no more.
pub const WAIT_OVER: &str = "signalling.consult.wait_over";
/// How good the lines were so far.
pub const QUALITY: &str = "signalling.consult.quality";
/// Somebody checked camera, microphone and network.
pub const PRECHECK: &str = "signalling.consult.precheck";

/// A call for a colleague is shown for so long.
const ESCALATION_SHOWN_MINUTES: i64 = 30;
/// Rows of one consult that are read at most.
const ROWS_MAX: i64 = 500;

const JOINED: &str = "insert into consult_attendance (consult_id, person, role, joined_at) values ($1, $2, $3, $4)
    on conflict do nothing";
const LEFT: &str = "update consult_attendance set left_at = $3 where consult_id = $1 and person = $2
    and joined_at = (select min(joined_at) from consult_attendance
        where consult_id = $1 and person = $2 and left_at is null)";
const ALL_LEFT: &str = "update consult_attendance set left_at = $2 where consult_id = $1 and left_at is null";
const INSIDE: &str = "select count(distinct role) from consult_attendance
    where consult_id = $1 and left_at is null and joined_at >= $2 and role in ('host', 'clinician')";
const TOGETHER: &str = "insert into consult_meeting (consult_id, together_seconds) values ($1, $2)
    on conflict (consult_id) do update set together_seconds = excluded.together_seconds";
const CALL: &str = "insert into consult_meeting
    (consult_id, escalated_person, escalated_role, escalated_since, escalated_at) values ($1, $2, $3, $4, $5)
    on conflict (consult_id) do update set escalated_person = excluded.escalated_person,
    escalated_role = excluded.escalated_role, escalated_since = excluded.escalated_since,
    escalated_at = excluded.escalated_at";
const ANSWERED: &str = "update consult_meeting set escalated_at = null where consult_id = $1 and escalated_person = $2";
const ALL_ANSWERED: &str = "update consult_meeting set escalated_at = null where consult_id = $1";
const KEEP_QUALITY: &str = "insert into consult_meeting (consult_id, quality) values ($1, $2)
    on conflict (consult_id) do update set quality = excluded.quality";
const KEEP_CHECK: &str = "insert into consult_check (consult_id, person, role, at, result) values ($1, $2, $3, $4, $5)
    on conflict (consult_id, person) do update set role = excluded.role, at = excluded.at, result = excluded.result
    where consult_check.at <= excluded.at";

const PRESENCE: &str = "select t.person, coalesce(a.display_name, g.name, '') as name, t.role, t.joined_at, t.left_at
    from consult_attendance t left join account a on a.id = t.person left join consult_guest g on g.id = t.person
    where t.consult_id = $1 order by t.joined_at, t.person limit $2";
const MEETING: &str = "select together_seconds, quality from consult_meeting where consult_id = $1";
const CHECKS: &str = "select t.person, coalesce(a.display_name, g.name, '') as name, t.role, t.at, t.result
    from consult_check t left join account a on a.id = t.person left join consult_guest g on g.id = t.person
    where t.consult_id = $1 order by t.at, t.person limit $2";
const NAMES: &str = "select id, display_name as name from account where id in
    (select person from consult_ticket where consult_id = $1)
    union all select id, name from consult_guest where consult_id = $1 limit $2";
const CALLS: &str = "select m.consult_id, coalesce(a.display_name, g.name, '') as name, m.escalated_since as since from consult_meeting m join consult c on c.id = m.consult_id
    left join account a on a.id = m.escalated_person left join consult_guest g on g.id = m.escalated_person
    where m.escalated_at >= $2 and c.inviting_id = $1 and c.state in ('scheduled', 'in_session')
    order by m.escalated_since limit 20";

described! {
    #[derive(Deserialize)]
    pub(super) struct Attended {
        person: Uuid,
        role: RoomRole,
        change: Change,
        at: DateTime<Utc>,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Joined,
    Left,
}

described! {
    #[derive(Deserialize)]
    pub(super) struct Finished {
        at: DateTime<Utc>,
        #[serde(default)]
        together_seconds: Option<i64>,
    }
}

described! {
    #[derive(Deserialize)]
    pub(super) struct Call {
        person: Uuid,
        role: RoomRole,
        since: DateTime<Utc>,
        at: DateTime<Utc>,
    }
}

described! {
    #[derive(Deserialize)]
    pub(super) struct WaitOver {
        person: Uuid,
    }
}

described! {
    #[derive(Deserialize)]
    pub(super) struct Quality {
        lines: Vec<LineView>,
    }
}

#[derive(Deserialize)]
pub(super) struct Checked {
    person: Uuid,
    role: RoomRole,
    at: DateTime<Utc>,
    #[serde(flatten)]
    result: CheckResult,
}

impl Described for Checked {
    // The flattened result's optional fields are not listed; `person`, `role`, `at` and `verdict` must be there.
    const FIELDS: &'static [EventField] = &[
        EventField { name: "person", rust_type: "Uuid", optional: false },
        EventField { name: "role", rust_type: "RoomRole", optional: false },
        EventField { name: "at", rust_type: "DateTime<Utc>", optional: false },
        EventField { name: "verdict", rust_type: "String", optional: false },
    ];
}

/// How good one direction of somebody's line was, over the whole visit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LineView {
    pub person: Uuid,
    /// Their name, as far as it is known.
    #[serde(default)]
    pub name: String,
    /// `in`: what came to them; `out`: what went from them.
    pub direction: String,
    /// How often the connection was lost and made again.
    pub reconnects: u64,
    /// Median round-trip time, ms.
    pub rtt_ms: Option<f64>,
    /// Median jitter, ms.
    pub jitter_ms: Option<f64>,
    /// Median share of packets lost, 0 to 1.
    pub loss: Option<f64>,
    /// Median of speech quality as a mean opinion score, 1 to 4.5 (ITU-T G.107).
    pub mos: Option<f64>,
    pub mos_worst: Option<f64>,
    /// Seconds for which each verdict held.
    pub seconds: VerdictSeconds,
}

/// Seconds for which each verdict held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerdictSeconds {
    pub good: u64,
    pub fair: u64,
    pub poor: u64,
    pub bad: u64,
}

impl VerdictSeconds {
    /// The verdict that sums it up: the worst that held for a tenth of the time.
    pub fn verdict(self) -> Option<&'static str> {
        let all = self.good + self.fair + self.poor + self.bad;
        if all == 0 {
            return None;
        }
        let worst = [("bad", self.bad), ("poor", self.poor + self.bad), ("fair", self.fair + self.poor + self.bad)];
        Some(worst.into_iter().find(|(_, seconds)| seconds * 10 >= all).map_or("good", |(verdict, _)| verdict))
    }
}

/// The findings of a check before the visit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckResult {
    /// `good`, `fair`, `poor`, `bad` or `no_data`.
    pub verdict: String,
    /// The faults that stand in the way: `no_microphone`, `udp_blocked`, …
    #[serde(default)]
    pub findings: Vec<String>,
    /// Median round-trip time, ms.
    #[serde(default)]
    pub rtt_ms: Option<f64>,
    /// Share of messages lost, 0 to 1.
    #[serde(default)]
    pub loss: Option<f64>,
}

/// Somebody's check.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CheckView {
    /// The person's or link's id.
    pub person: Uuid,
    pub name: String,
    /// As what they enter.
    pub role: RoomRole,
    pub at: DateTime<Utc>,
    /// The findings.
    #[serde(flatten)]
    pub result: CheckResult,
}

/// A meeting as the relay told of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MeetingView {
    /// The people who were in the room, in order.
    pub attendance: Vec<Presence>,
    /// How long both sides were in the room together.
    pub together_seconds: i64,
    /// The side that has not come although it is long past the time. A person who may can then report `no-show`.
    pub absent: Option<Absent>,
    /// How good the lines were.
    pub lines: Vec<LineView>,
    /// The findings of the checks before the visit.
    pub checks: Vec<CheckView>,
}

/// Somebody at the door for whom a colleague is called.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct CallView {
    pub consult_id: ConsultId,
    /// The person who waits.
    #[sqlx(flatten)]
    pub caller: Personal<Caller>,
    /// The moment when the wait began.
    pub since: DateTime<Utc>,
}

/// A person at the door.
#[derive(Clone, sqlx_macros::FromRow)]
pub struct Caller {
    pub name: String,
}

impl Subjects for CallView {
    fn subjects(&self) -> Vec<Subject> {
        vec![Subject::new("consult", self.consult_id)]
    }
}

#[derive(Default, sqlx_macros::FromRow)]
struct MeetingRow {
    together_seconds: Option<i64>,
    quality: Option<Json<Vec<LineView>>>,
}

#[derive(sqlx_macros::FromRow)]
struct CheckRow {
    person: Uuid,
    name: String,
    role: RoomRole,
    at: DateTime<Utc>,
    result: Json<CheckResult>,
}

/// Whether both sides are in the room of a booked consult, for this time.
pub(super) async fn is_met(conn: &mut Conn, consult: &Consult) -> Result<bool, DbError> {
    let Some((opens, _)) = consult.state.appointment().map(window) else { return Ok(false) };
    let sides: i64 = on!(conn, |c| sqlx::query_scalar(INSIDE).bind(consult.id).bind(opens).fetch_one(c).await)?;
    Ok(sides == 2)
}

/// Takes what the relay told; what is not of this part is passed over.
pub async fn take(tx: &mut Tx, event: &Event, consult: &Consult) -> Result<(), ConsumeError> {
    match event.kind.as_str() {
        ATTENDANCE => attended(tx, consult.id, event.read()?).await?,
        FINISHED => finished(tx, consult.id, event.read()?).await?,
        ESCALATED => {
            let call: Call = event.read()?;
            on!(tx, |c| {
                let row = sqlx::query(CALL).bind(consult.id).bind(call.person).bind(call.role);
                row.bind(call.since).bind(call.at).execute(c).await.map(drop)
            })?;
        }
        WAIT_OVER => {
            let over: WaitOver = event.read()?;
            on!(tx, |c| sqlx::query(ANSWERED).bind(consult.id).bind(over.person).execute(c).await.map(drop))?;
        }
        QUALITY => {
            let quality: Quality = event.read()?;
            on!(tx, |c| {
                sqlx::query(KEEP_QUALITY).bind(consult.id).bind(Json(&quality.lines)).execute(c).await.map(drop)
            })?;
        }
        PRECHECK => {
            let checked: Checked = event.read()?;
            on!(tx, |c| {
                let row = sqlx::query(KEEP_CHECK).bind(consult.id).bind(checked.person).bind(checked.role);
                row.bind(checked.at).bind(Json(&checked.result)).execute(c).await.map(drop)
            })?;
        }
        _ => return Ok(()),
    }
    steps::touch(tx, consult);
    Ok(())
}

async fn attended(tx: &mut Tx, consult: ConsultId, told: Attended) -> Result<(), DbError> {
    match told.change {
        Change::Joined => {
            on!(tx, |c| {
                let row = sqlx::query(JOINED).bind(consult).bind(told.person).bind(told.role);
                row.bind(told.at).execute(c).await.map(drop)
            })?;
            on!(tx, |c| sqlx::query(ANSWERED).bind(consult).bind(told.person).execute(c).await.map(drop))?;
        }
        Change::Left => {
            on!(tx, |c| sqlx::query(LEFT).bind(consult).bind(told.person).bind(told.at).execute(c).await.map(drop))?;
        }
    }
    Ok(())
}

async fn finished(tx: &mut Tx, consult: ConsultId, told: Finished) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(ALL_LEFT).bind(consult).bind(told.at).execute(c).await.map(drop))?;
    on!(tx, |c| sqlx::query(ALL_ANSWERED).bind(consult).execute(c).await.map(drop))?;
    // Of what was not held there is nothing to keep; when it is held later, that counts.
    if let Some(seconds) = told.together_seconds.filter(|seconds| *seconds > 0) {
        on!(tx, |c| sqlx::query(TOGETHER).bind(consult).bind(seconds).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// The meeting of a consult as it stands.
pub async fn of(conn: &mut Conn, consult: &Consult, now: DateTime<Utc>) -> Result<Personal<MeetingView>, DbError> {
    let attendance: Vec<Presence> =
        on!(conn, |c| sqlx::query_as(PRESENCE).bind(consult.id).bind(ROWS_MAX).fetch_all(c).await)?;
    let row: Option<MeetingRow> = on!(conn, |c| sqlx::query_as(MEETING).bind(consult.id).fetch_optional(c).await)?;
    let MeetingRow { together_seconds, quality } = row.unwrap_or_default();
    let checks: Vec<CheckRow> =
        on!(conn, |c| sqlx::query_as(CHECKS).bind(consult.id).bind(ROWS_MAX).fetch_all(c).await)?;
    let names: Vec<(Uuid, String)> =
        on!(conn, |c| sqlx::query_as(NAMES).bind(consult.id).bind(ROWS_MAX).fetch_all(c).await)?;
    let named = |mut line: LineView| {
        line.name = names.iter().find(|(id, _)| *id == line.person).map(|(_, name)| name.clone()).unwrap_or_default();
        line
    };
    let meeting = MeetingView {
        together_seconds: together_seconds.unwrap_or_else(|| together(&attendance, now).num_seconds()),
        absent: absent(consult, &attendance, now),
        lines: quality.map(|Json(lines)| lines.into_iter().map(named).collect()).unwrap_or_default(),
        checks: checks
            .into_iter()
            .map(|CheckRow { person, name, role, at, result: Json(result) }| CheckView {
                person,
                name,
                role,
                at,
                result,
            })
            .collect(),
        attendance,
    };
    Ok(meeting.into())
}

/// The calls for a colleague of an inviting organisation that stand.
pub async fn calls(
    conn: &mut Conn,
    organisation: OrganisationId,
    now: DateTime<Utc>,
) -> Result<Vec<CallView>, DbError> {
    let since = now - Duration::minutes(ESCALATION_SHOWN_MINUTES);
    Ok(on!(conn, |c| sqlx::query_as(CALLS).bind(organisation).bind(since).fetch_all(c).await)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_verdict_that_held_for_a_tenth_of_the_time_sums_it_up() {
        let of = |good, fair, poor, bad| VerdictSeconds { good, fair, poor, bad }.verdict();
        assert_eq!(of(0, 0, 0, 0), None);
        assert_eq!(of(100, 0, 0, 0), Some("good"));
        assert_eq!(of(95, 5, 0, 0), Some("good"));
        assert_eq!(of(90, 5, 5, 0), Some("fair"));
        assert_eq!(of(80, 0, 15, 5), Some("poor"));
        assert_eq!(of(90, 0, 0, 10), Some("bad"));
    }
}
