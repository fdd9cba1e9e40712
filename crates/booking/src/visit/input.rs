//! The bodies that callers send, checked: caregiver and time, the reason why a visit fails, proof of its two ends.

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use sanbao_platform::db::Conn;
use sanbao_platform::moment::Moment;
use sanbao_platform::problem::{FieldError, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::agency::Agency;
use super::config::VisitConfig;
use super::proof::{Proof, ProofKind, ProofMethod};
use super::state::{Closing, Slot};
use crate::account::AccountId;
use crate::calendar::{Interval, InvalidInterval};

/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;
/// The longest note, in characters.
pub const NOTE_CHARS_MAX: usize = 500;
/// A position less certain than this, in metres, is none.
const ACCURACY_M_MAX: f64 = 100_000.0;

/// The caregiver and the time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = VisitScheduleBody, example = json!({"caregiver": "01890a5d-ac96-774b-bcce-b302099a8057", "starts_at": "2026-11-24T09:00:00+08:00", "ends_at": "2026-11-24T10:00:00+08:00"}))]
pub struct ScheduleBody {
    pub caregiver: AccountId,
    /// The first moment.
    #[schema(value_type = DateTime<Utc>)]
    pub starts_at: Moment,
    /// The first moment after it.
    #[schema(value_type = DateTime<Utc>)]
    pub ends_at: Moment,
}

/// Why it does not take place.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = VisitReasonBody, example = json!({"reason": "老人住院"}))]
pub struct ReasonBody {
    /// In people's words, up to 500 characters.
    pub reason: String,
}

impl ReasonBody {
    pub(super) fn closing(&self, now: DateTime<Utc>) -> Result<Closing, Problem> {
        let reason = self.reason.trim();
        match reason.chars().count() {
            1..=REASON_CHARS_MAX => Ok(Closing { at: now, reason: reason.to_owned() }),
            0 => Err(Problem::field("/reason", "请写明原因", "Please say why")),
            _ => Err(Problem::field("/reason", "最多 500 字", "At most 500 characters")),
        }
    }
}

impl ScheduleBody {
    /// The interval, within its bounds.
    pub(super) fn interval(&self, now: DateTime<Utc>, limits: &VisitConfig) -> Result<Interval, Problem> {
        let (shortest, longest) = (limits.visit_minutes_min, limits.visit_minutes_max);
        let length = || {
            Problem::field(
                "/ends_at",
                format!("一次上门 {shortest} 分钟到 {} 小时", longest / 60),
                format!("A visit lasts {shortest} minutes to {} hours", longest / 60),
            )
        };
        let interval = Interval::new(*self.starts_at, *self.ends_at).map_err(|error| match error {
            InvalidInterval::Empty => {
                Problem::field("/ends_at", "结束时间要在开始之后", "The end is not after the start")
            }
            InvalidInterval::TooLong => length(),
        })?;
        if !(shortest..=longest).contains(&(interval.ends_at() - interval.starts_at()).num_minutes()) {
            return Err(length());
        }
        if interval.starts_at() < now - Duration::minutes(limits.schedule_back_minutes_max) {
            return Err(Problem::field("/starts_at", "这个时间已经过去", "This time is past"));
        }
        if interval.starts_at() > now + Duration::days(limits.schedule_days_max) {
            let days = limits.schedule_days_max;
            return Err(Problem::field(
                "/starts_at",
                format!("最多提前 {days} 天"),
                format!("At most {days} days ahead"),
            ));
        }
        Ok(interval)
    }

    pub(super) async fn slot(
        &self,
        conn: &mut Conn,
        now: DateTime<Utc>,
        limits: &VisitConfig,
        agency: &Agency,
    ) -> Result<Slot, Problem> {
        let interval = self.interval(now, limits)?;
        let Some(caregiver) = agency.caregiver(conn, self.caregiver).await? else {
            return Err(Problem::field("/caregiver", "请选择本机构的照护员", "Choose a caregiver of this agency"));
        };
        Ok(Slot { caregiver: caregiver.id, interval })
    }
}

/// The proof that a caregiver's phone sends on coming and on leaving.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = VisitProofBody, example = json!({"method": "gps", "latitude": 29.95, "longitude": 121.72, "accuracy_m": 12.0}))]
pub struct ProofBody {
    /// When, by the phone's clock; absent: now. A phone without a network sends it later.
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub at: Option<Moment>,
    /// How the place is proved.
    pub method: ProofMethod,
    /// Degrees north (WGS 84); required with `gps`.
    pub latitude: Option<f64>,
    /// Degrees east (WGS 84); required with `gps`.
    pub longitude: Option<f64>,
    /// How certain the position is, in metres.
    pub accuracy_m: Option<f64>,
    /// A remark; the reason, where the method is not `gps`.
    pub note: Option<String>,
}

impl ProofBody {
    /// Checks what can be checked without the visit.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        let mut bad = |pointer: &str, zh: &'static str, en: &'static str| {
            errors.push(FieldError::new(pointer, zh, en));
        };
        let outside = |value: Option<f64>, low: f64, high: f64| value.is_some_and(|v| !(low..=high).contains(&v));
        if outside(self.latitude, -90.0, 90.0) {
            bad("/latitude", "纬度应在 -90 到 90 之间", "Latitude is from -90 to 90");
        }
        if outside(self.longitude, -180.0, 180.0) {
            bad("/longitude", "经度应在 -180 到 180 之间", "Longitude is from -180 to 180");
        }
        if outside(self.accuracy_m, 0.0, ACCURACY_M_MAX) {
            bad("/accuracy_m", "定位精度应在 0 到 100000 米之间", "Accuracy is from 0 to 100000 metres");
        }
        if self.latitude.is_some() != self.longitude.is_some() {
            bad("/longitude", "经度和纬度要一起填写", "Latitude and longitude come together");
        }
        if self.method == ProofMethod::Gps && self.latitude.is_none() {
            bad("/latitude", "没有定位，请改为手工签到并写明原因", "No position: use another method and say why");
        }
        let note = self.note.as_deref().map_or("", str::trim);
        if note.chars().count() > NOTE_CHARS_MAX {
            bad("/note", "备注最多 500 字", "At most 500 characters");
        }
        if self.method != ProofMethod::Gps && note.is_empty() {
            bad("/note", "请写明原因", "Please say why");
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
    }

    /// The moment it speaks of: the phone's clock within its bound, never later than now.
    pub fn moment(&self, now: DateTime<Utc>, limits: &VisitConfig) -> Result<DateTime<Utc>, Problem> {
        let at = self.at.map_or(now, |at| *at).trunc_subsecs(6);
        if at > now + Duration::minutes(limits.clock_ahead_minutes_max) {
            let minutes = limits.clock_ahead_minutes_max;
            return Err(Problem::field(
                "/at",
                format!("时间比现在晚了 {minutes} 分钟以上，请检查手机的时间"),
                format!("More than {minutes} minutes in the future; check the phone's clock"),
            ));
        }
        Ok(at.min(now))
    }

    /// The proof to store.
    pub fn proof(self, kind: ProofKind, at: DateTime<Utc>, now: DateTime<Utc>, worker: AccountId) -> Proof {
        let note = self.note.map(|n| n.trim().to_owned()).filter(|n| !n.is_empty());
        Proof {
            kind,
            at,
            recorded_at: now,
            worker_id: worker,
            method: self.method,
            latitude: self.latitude,
            longitude: self.longitude,
            accuracy_m: self.accuracy_m,
            note,
        }
    }
}

/// When a check-in to a planned visit counts.
pub fn check_in_window(slot: &Slot, limits: &VisitConfig) -> (DateTime<Utc>, DateTime<Utc>) {
    let from = slot.interval.starts_at() - Duration::minutes(limits.check_in_early_minutes_max);
    let until = slot.interval.ends_at() + Duration::minutes(limits.check_in_late_minutes_max);
    (from, until)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn body() -> ProofBody {
        ProofBody {
            at: None,
            method: ProofMethod::Gps,
            latitude: Some(29.95),
            longitude: Some(121.72),
            accuracy_m: Some(10.0),
            note: None,
        }
    }

    #[test]
    fn a_place_is_proved_or_a_reason_is_given() {
        assert!(body().check().is_ok());
        let long = "字".repeat(NOTE_CHARS_MAX + 1);
        for refused in [
            ProofBody { latitude: Some(90.1), ..body() },
            ProofBody { longitude: Some(-180.5), ..body() },
            ProofBody { accuracy_m: Some(-1.0), ..body() },
            ProofBody { latitude: Some(f64::NAN), ..body() },
            ProofBody { longitude: None, ..body() },
            ProofBody { latitude: None, longitude: None, ..body() },
            ProofBody { method: ProofMethod::Manual, ..body() },
            ProofBody { method: ProofMethod::Phone, note: Some("  ".into()), ..body() },
            ProofBody { note: Some(long), ..body() },
        ] {
            assert!(refused.check().is_err(), "{refused:?}");
        }
        let told = ProofBody {
            method: ProofMethod::Manual,
            latitude: None,
            longitude: None,
            note: Some("没有信号".into()),
            ..body()
        };
        assert!(told.check().is_ok());
    }

    #[test]
    fn a_fast_phone_clock_is_forgiven_a_little() {
        let now: DateTime<Utc> = "2026-11-23T06:00:00Z".parse().unwrap();
        let limits = VisitConfig::default();
        let at = |seconds| {
            ProofBody { at: Some(Moment::known(now + Duration::seconds(seconds))), ..body() }.moment(now, &limits)
        };
        assert_eq!(at(-3600).unwrap(), now - Duration::hours(1));
        assert_eq!(at(120).unwrap(), now, "cut to now, so that leaving right away is not before coming");
        assert!(at(121).is_err());
    }
}
