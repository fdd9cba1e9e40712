//! The rules of a doctor's calendar: time between two consults, how early one is to be booked, how many a day and a session have. A
//! doctor's own rule goes before the hospital's, each part of it by itself.
//!
//! A booking keeps its exact times: a rule says what may be taken beside it, in the search and when it is booked.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::{FieldError, Kind, PRECONDITION_FAILED, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::offer::session_of;
use super::search;
use super::sets::KeptHours;
use super::store::{Practitioner, PractitionerPost};
use crate::account::AccountId;
use crate::calendar::{Interval, TakenLanes, TakenTime};
use crate::consult::problems::{DAY_FULL, NOTICE_TOO_SHORT, SESSION_FULL, TOO_CLOSE};

/// The longest preparation, in minutes.
pub const APART_MINUTES_MAX: i32 = 120;
/// The longest notice, in hours: two weeks.
pub const NOTICE_HOURS_MAX: i32 = 336;
/// Consults of a day or a session at most.
pub const COUNT_MAX: i32 = 100;

/// Of those who book a doctor with a rule one goes on at a time, before anything in the calendar is taken.
const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(727016, hashtext($1))";
const FIND: &str =
    "select subject_id, before_minutes, after_minutes, notice_hours, day_max, session_max, version from calendar_rule
    where organisation_id = $1 and (subject_id = $1 or subject_id = $2)";
const INSERT: &str = "insert into calendar_rule (organisation_id, subject_id, before_minutes, after_minutes, notice_hours,
    day_max, session_max, version, set_by, set_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing";
const UPDATE: &str =
    "update calendar_rule set before_minutes = $3, after_minutes = $4, notice_hours = $5, day_max = $6,
    session_max = $7, version = $8, set_by = $9, set_at = $10
    where organisation_id = $1 and subject_id = $2 and version = $8 - 1";
const TAKEN: &str = "select starts_at, ends_at from occupancy
    where resource_id = $1 and starts_at >= $2 and starts_at < $3 and (expires_at is null or expires_at > $4)
      and not (holder_kind = 'consult' and (holder_id = $5 or holder_id = $6)) order by starts_at";
const OWN: &str = "select count(*) from occupancy where resource_id = $1 and starts_at = $2 and ends_at = $3
    and holder_kind = 'consult' and (holder_id = $4 or holder_id = $5) and (expires_at is null or expires_at > $6)";

/// A rule of a doctor, or of a hospital for all of its doctors. What is absent is not ruled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx_macros::FromRow)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"before_minutes": 5, "after_minutes": 10, "notice_hours": 2, "day_max": 8, "session_max": 4}))]
pub struct CalendarRule {
    /// Minutes to prepare before each consult, 0 to 120.
    pub before_minutes: Option<i32>,
    /// Minutes to finish after each consult, 0 to 120. Between two there is time for both.
    pub after_minutes: Option<i32>,
    /// Hours before its begin at which a time is booked at the latest, 0 to 336; of no account for a consult that is `stat`.
    pub notice_hours: Option<i32>,
    /// Consults of one day at most, 1 to 100.
    pub day_max: Option<i32>,
    /// Consults of one session, a stretch of hours, at most, 1 to 100.
    pub session_max: Option<i32>,
}

/// The part of a rule that a time does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenRule {
    Notice,
    Apart,
    Day,
    Session,
}

impl BrokenRule {
    /// The problem that it is.
    pub fn kind(self) -> &'static Kind {
        match self {
            Self::Notice => &NOTICE_TOO_SHORT,
            Self::Apart => &TOO_CLOSE,
            Self::Day => &DAY_FULL,
            Self::Session => &SESSION_FULL,
        }
    }
}

impl CalendarRule {
    /// The rule, or all that is wrong with it.
    pub fn checked(self) -> Result<Self, Problem> {
        let parts = [
            ("before_minutes", self.before_minutes, 0, APART_MINUTES_MAX),
            ("after_minutes", self.after_minutes, 0, APART_MINUTES_MAX),
            ("notice_hours", self.notice_hours, 0, NOTICE_HOURS_MAX),
            ("day_max", self.day_max, 1, COUNT_MAX),
            ("session_max", self.session_max, 1, COUNT_MAX),
        ];
        let wrong = parts.into_iter().filter(|(_, value, least, most)| value.is_some_and(|v| v < *least || v > *most));
        let error = |(name, _, least, most)| {
            FieldError::new(format!("/{name}"), format!("请填写 {least} 到 {most}"), format!("{least} to {most}"))
        };
        let errors: Vec<FieldError> = wrong.map(error).collect();
        if errors.is_empty() { Ok(self) } else { Err(Problem::invalid(errors)) }
    }

    /// This rule where it says something, else the farther one.
    #[must_use]
    pub fn over(self, farther: Self) -> Self {
        Self {
            before_minutes: self.before_minutes.or(farther.before_minutes),
            after_minutes: self.after_minutes.or(farther.after_minutes),
            notice_hours: self.notice_hours.or(farther.notice_hours),
            day_max: self.day_max.or(farther.day_max),
            session_max: self.session_max.or(farther.session_max),
        }
    }

    /// The same, without its notice for a consult that cannot wait.
    #[must_use]
    pub fn at_notice_of(self, is_stat: bool) -> Self {
        let notice_hours = self.notice_hours.filter(|_| !is_stat);
        Self { notice_hours, ..self }
    }

    /// The part that `slot` does not keep, beside what is `taken` already. `session` is the stretch of hours that it is of.
    pub fn broken(
        &self,
        now: DateTime<Utc>,
        slot: Interval,
        session: Option<(DateTime<Utc>, DateTime<Utc>)>,
        taken: &[Interval],
        zone: Tz,
    ) -> Option<BrokenRule> {
        if self.notice_hours.is_some_and(|hours| slot.starts_at() < now + Duration::hours(i64::from(hours))) {
            return Some(BrokenRule::Notice);
        }
        let minutes = self.before_minutes.unwrap_or(0) + self.after_minutes.unwrap_or(0);
        let apart = Duration::minutes(i64::from(minutes));
        let is_close = |other: &Interval| {
            !other.overlaps(&slot)
                && other.starts_at() < slot.ends_at() + apart
                && slot.starts_at() < other.ends_at() + apart
        };
        if minutes > 0 && taken.iter().any(is_close) {
            return Some(BrokenRule::Apart);
        }
        let full = |max: Option<i32>, count: usize| {
            max.is_some_and(|max| i64::try_from(count).is_ok_and(|n| n >= i64::from(max)))
        };
        let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        let today = day(slot.starts_at());
        if full(self.day_max, taken.iter().filter(|other| day(other.starts_at()) == today).count()) {
            return Some(BrokenRule::Day);
        }
        let (from, to) = session?;
        let inside = |other: &&Interval| other.starts_at() >= from && other.starts_at() < to;
        full(self.session_max, taken.iter().filter(inside).count()).then_some(BrokenRule::Session)
    }
}

#[derive(sqlx_macros::FromRow)]
struct RuleRow {
    subject_id: Uuid,
    #[sqlx(flatten)]
    rule: CalendarRule,
    version: i64,
}

/// A rule as it is read beside the hours of many doctors.
#[derive(Deserialize)]
pub(super) struct KeptRule {
    organisation_id: OrganisationId,
    subject_id: Uuid,
    rule: CalendarRule,
}

/// All rules of the network: few doctors have one.
#[derive(Debug, Default)]
pub struct CalendarRules(HashMap<(OrganisationId, Uuid), CalendarRule>);

impl CalendarRules {
    pub(super) fn of_rows(rows: Vec<KeptRule>) -> Self {
        Self(rows.into_iter().map(|row| ((row.organisation_id, row.subject_id), row.rule)).collect())
    }

    /// Whether nobody has one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of the offered times that the rules let be taken beside what is taken; what a holder gives up for the new one is
    /// not counted, and for a consult that cannot wait no notice.
    pub fn keep<'a>(
        &self,
        (now, gives_up, is_stat): (DateTime<Utc>, Option<Uuid>, bool),
        kept: &KeptHours,
        mut offers: Vec<(&'a Practitioner, Interval)>,
        taken: &HashMap<Uuid, TakenLanes>,
    ) -> Result<Vec<(&'a Practitioner, Interval)>, DbError> {
        if self.is_empty() {
            return Ok(offers);
        }
        let of = |doctor: &Practitioner| taken.get(&doctor.account_id.0).map_or(&[][..], TakenLanes::times);
        let lets = |(doctor, slot): &(&Practitioner, Interval)| {
            self.let_take((now, gives_up, is_stat), kept, doctor, *slot, of(doctor))
        };
        let verdicts = offers.iter().map(lets).collect::<Result<Vec<bool>, DbError>>()?;
        let mut verdicts = verdicts.into_iter();
        offers.retain(|_| verdicts.next().unwrap_or(false));
        Ok(offers)
    }

    /// Whether a doctor's rule lets a time be taken beside what is taken now.
    pub fn let_take(
        &self,
        (now, gives_up, is_stat): (DateTime<Utc>, Option<Uuid>, bool),
        kept: &KeptHours,
        doctor: &Practitioner,
        slot: Interval,
        taken: &[TakenTime],
    ) -> Result<bool, DbError> {
        let Some(rule) = self.of(doctor.post()).map(|rule| rule.at_notice_of(is_stat)) else { return Ok(true) };
        let zone = doctor.zone()?;
        let stays = |taken: &&TakenTime| taken.holds(now) && Some(taken.holder) != gives_up;
        let taken: Vec<Interval> = taken.iter().filter(stays).map(|taken| taken.interval).collect();
        let session = kept.of(doctor.post()).and_then(|kept| session_of(&kept.hours, &kept.exceptions, zone, slot));
        Ok(rule.broken(now, slot, session, &taken, zone).is_none())
    }

    /// The one that holds for a doctor in a hospital, if any does.
    pub fn of(&self, post: PractitionerPost) -> Option<CalendarRule> {
        let of = |subject| self.0.get(&(post.hospital, subject)).copied();
        match (of(post.doctor.0), of(post.hospital.0)) {
            (Some(own), farther) => Some(own.over(farther.unwrap_or_default())),
            (None, farther) => farther,
        }
    }
}

/// Rules as they are stored: a doctor's own and the hospital's, each with its version; 0 where there is none yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoredRules {
    pub own: (CalendarRule, i64),
    pub house: (CalendarRule, i64),
}

/// The rules of a doctor in a hospital; of the hospital alone where no doctor is named.
pub async fn find(
    conn: &mut Conn,
    hospital: OrganisationId,
    doctor: Option<AccountId>,
) -> Result<StoredRules, DbError> {
    let subject = doctor.map_or(hospital.0, |doctor| doctor.0);
    let rows: Vec<RuleRow> = on!(conn, |c| sqlx::query_as(FIND).bind(hospital).bind(subject).fetch_all(c).await)?;
    let of = |subject: Uuid| rows.iter().find(|row| row.subject_id == subject).map(|row| (row.rule, row.version));
    let own = doctor.and_then(|doctor| of(doctor.0)).unwrap_or_default();
    Ok(StoredRules { own, house: of(hospital.0).unwrap_or_default() })
}

/// Writes a rule over the version that was read.
pub async fn set(
    tx: &mut Tx,
    (hospital, subject): (OrganisationId, Uuid),
    rule: CalendarRule,
    read: i64,
    (by, now): (AccountId, DateTime<Utc>),
) -> Result<(), Problem> {
    let statement = if read == 0 { INSERT } else { UPDATE };
    let rows = on!(tx, |c| {
        let row =
            sqlx::query(statement).bind(hospital).bind(subject).bind(rule.before_minutes).bind(rule.after_minutes);
        let row =
            row.bind(rule.notice_hours).bind(rule.day_max).bind(rule.session_max).bind(read + 1).bind(by).bind(now);
        row.execute(c).await.map(|done| done.rows_affected())
    })
    .map_err(DbError::from)?;
    if rows == 1 { Ok(()) } else { Err(Problem::new(&PRECONDITION_FAILED)) }
}

/// A time that a holder wants to take of a doctor.
#[derive(Clone, Copy, Debug)]
pub struct WishedTime<'a> {
    pub doctor: &'a Practitioner,
    pub interval: Interval,
    pub holder: Uuid,
    /// The hold that goes over into it.
    pub former: Option<Uuid>,
    /// Whether it is for a consult that cannot wait (特急): a doctor's notice does not count for it.
    pub is_stat: bool,
}

/// Refuses a time that the doctor's rule does not let be taken. Others who book this doctor wait until the transaction ends. What
/// the holder has already is kept, whatever the rule says now.
pub async fn require(tx: &mut Tx, now: DateTime<Utc>, wish: &WishedTime<'_>) -> Result<(), Problem> {
    let (doctor, former) = (wish.doctor.account_id, wish.former.unwrap_or(wish.holder));
    let stored = find(tx, wish.doctor.organisation_id, Some(doctor)).await?;
    let rule = stored.own.0.over(stored.house.0).at_notice_of(wish.is_stat);
    if rule == CalendarRule::default() {
        return Ok(());
    }
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(LOCK_POSTGRES).bind(doctor.to_string()).execute(c).await.map_err(DbError::from)?;
    }
    let (from, to) = (wish.interval.starts_at(), wish.interval.ends_at());
    let own: i64 = on!(tx, |c| {
        let query = sqlx::query_scalar(OWN).bind(doctor.0).bind(from).bind(to).bind(wish.holder);
        query.bind(former).bind(now).fetch_one(c).await
    })
    .map_err(DbError::from)?;
    if own > 0 {
        return Ok(());
    }
    let taken: Vec<(DateTime<Utc>, DateTime<Utc>)> = on!(tx, |c| {
        let query = sqlx::query_as(TAKEN).bind(doctor.0).bind(from - AROUND).bind(to + AROUND).bind(now);
        query.bind(wish.holder).bind(former).fetch_all(c).await
    })
    .map_err(DbError::from)?;
    let taken: Vec<Interval> = taken.into_iter().filter_map(|(from, to)| Interval::new(from, to).ok()).collect();
    let session = match rule.session_max {
        Some(_) => search::session_at(tx, wish.doctor, wish.interval).await?,
        None => None,
    };
    match rule.broken(now, wish.interval, session, &taken, wish.doctor.zone()?) {
        Some(broken) => Err(Problem::new(broken.kind())),
        None => Ok(()),
    }
}

/// Refuses a time for which the doctor's notice was over at `at`: what was held as one that cannot wait is no way round it.
pub async fn require_notice(tx: &mut Tx, at: DateTime<Utc>, wish: &WishedTime<'_>) -> Result<(), Problem> {
    let stored = find(tx, wish.doctor.organisation_id, Some(wish.doctor.account_id)).await?;
    let rule = stored.own.0.over(stored.house.0).at_notice_of(wish.is_stat);
    let notice = CalendarRule { notice_hours: rule.notice_hours, ..CalendarRule::default() };
    match notice.broken(at, wish.interval, None, &[], wish.doctor.zone()?) {
        Some(broken) => Err(Problem::new(broken.kind())),
        None => Ok(()),
    }
}

/// How far around a time others are looked at: a day, and the longest time.
pub const AROUND: Duration = Duration::hours(36);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_time_keeps_each_part_of_a_rule_or_breaks_it() {
        let at = |text: &str| -> DateTime<Utc> { format!("2026-11-23T{text}:00Z").parse().unwrap() };
        let time = |text: &str| Interval::of_minutes(at(text), 30).unwrap();
        let (now, zone, session) = (at("00:00"), chrono_tz::Asia::Shanghai, Some((at("00:00"), at("04:00"))));
        let taken = [time("01:00"), time("06:00")];
        let broken = |rule: CalendarRule, slot: &str| rule.broken(now, time(slot), session, &taken, zone);
        let none = CalendarRule::default();
        for slot in ["00:00", "00:30", "01:00", "01:30"] {
            assert_eq!(broken(none, slot), None, "{slot}");
        }
        let notice = CalendarRule { notice_hours: Some(2), ..none };
        assert_eq!(broken(notice, "01:30"), Some(BrokenRule::Notice));
        assert_eq!(broken(notice, "02:00"), None);
        let apart = CalendarRule { before_minutes: Some(10), after_minutes: Some(20), ..none };
        for (slot, kept) in [("00:00", true), ("00:30", false), ("01:30", false), ("02:00", true), ("05:30", false)] {
            assert_eq!(broken(apart, slot).is_none(), kept, "{slot}");
        }
        assert_eq!(broken(CalendarRule { day_max: Some(2), ..none }, "02:00"), Some(BrokenRule::Day));
        assert_eq!(broken(CalendarRule { day_max: Some(3), ..none }, "02:00"), None);
        assert_eq!(broken(CalendarRule { session_max: Some(1), ..none }, "02:00"), Some(BrokenRule::Session));
        assert_eq!(broken(CalendarRule { session_max: Some(2), ..none }, "02:00"), None);
        // 16:30 UTC is the next day in Shanghai.
        assert_eq!(broken(CalendarRule { day_max: Some(1), ..none }, "16:30"), None);
    }

    #[test]
    fn the_nearest_rule_wins_part_by_part() {
        let house = CalendarRule { notice_hours: Some(24), day_max: Some(5), ..CalendarRule::default() };
        let own = CalendarRule { notice_hours: Some(0), session_max: Some(2), ..CalendarRule::default() };
        let kept =
            CalendarRule { notice_hours: Some(0), day_max: Some(5), session_max: Some(2), ..CalendarRule::default() };
        assert_eq!(own.over(house), kept);
        let wrong = CalendarRule { before_minutes: Some(-1), day_max: Some(0), ..house };
        let most = CalendarRule {
            before_minutes: Some(APART_MINUTES_MAX),
            after_minutes: Some(APART_MINUTES_MAX),
            notice_hours: Some(NOTICE_HOURS_MAX),
            day_max: Some(COUNT_MAX),
            session_max: Some(COUNT_MAX),
        };
        assert_eq!(most.checked().unwrap(), most);
        for beyond in [
            CalendarRule { before_minutes: Some(APART_MINUTES_MAX + 1), ..most },
            CalendarRule { after_minutes: Some(APART_MINUTES_MAX + 1), ..most },
            CalendarRule { notice_hours: Some(NOTICE_HOURS_MAX + 1), ..most },
            CalendarRule { day_max: Some(COUNT_MAX + 1), ..most },
            CalendarRule { session_max: Some(COUNT_MAX + 1), ..most },
        ] {
            assert!(beyond.checked().is_err(), "{beyond:?}");
        }
        let said = wrong.checked().unwrap_err().body(sanbao_platform::lang::Lang::Zh, "").to_string();
        assert!(
            said.contains("/before_minutes") && said.contains("/day_max") && !said.contains("/notice_hours"),
            "{said}"
        );
    }
}
