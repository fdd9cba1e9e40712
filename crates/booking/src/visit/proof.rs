//! Proof of a visit: the six elements of electronic visit verification (21st Century Cures Act §12006):
//! service type and recipient stand on the order; worker, location, start and end come from here.

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::on;
use sanbao_platform::problem::{FieldError, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::config::VisitConfig;
use super::state::Slot;
use super::store::VisitId;
use crate::account::AccountId;

/// The longest note, in characters.
pub const NOTE_CHARS_MAX: usize = 500;
/// A position less certain than this, in metres, is none.
const ACCURACY_M_MAX: f64 = 100_000.0;

/// How the place was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = VisitProofMethod)]
pub enum Method {
    /// By the phone's position.
    Gps,
    /// By a call from the elder's telephone.
    Phone,
    /// By word, with a reason.
    Manual,
}

/// Which end of the visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = VisitProofKind)]
pub enum ProofKind {
    /// The start.
    CheckIn,
    /// The end.
    CheckOut,
}

/// What a caregiver's phone sends on coming and on leaving.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = VisitProofBody, example = json!({"method": "gps", "latitude": 29.95, "longitude": 121.72, "accuracy_m": 12.0}))]
pub struct ProofBody {
    /// When, by the phone's clock; absent: now. A phone without a network sends it later.
    pub at: Option<DateTime<Utc>>,
    /// How the place is proved.
    pub method: Method,
    /// Degrees north (WGS 84); required with `gps`.
    pub latitude: Option<f64>,
    /// Degrees east (WGS 84); required with `gps`.
    pub longitude: Option<f64>,
    /// How certain the position is, in metres.
    pub accuracy_m: Option<f64>,
    /// A remark; the reason, where the method is not `gps`.
    pub note: Option<String>,
}

/// A stored proof.
#[derive(Clone, Debug, Serialize, ToSchema, sqlx::FromRow)]
#[schema(as = VisitProof)]
pub struct Proof {
    /// Start or end.
    pub kind: ProofKind,
    /// When, by the caregiver's word or phone.
    pub at: DateTime<Utc>,
    /// When the server learnt of it.
    pub recorded_at: DateTime<Utc>,
    /// The worker.
    pub worker_id: AccountId,
    /// How the place was proved.
    pub method: Method,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Metres.
    pub accuracy_m: Option<f64>,
    /// Remark or reason.
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
        if self.method == Method::Gps && self.latitude.is_none() {
            bad("/latitude", "没有定位,请改为手工签到并写明原因", "No position: use another method and say why");
        }
        let note = self.note.as_deref().map_or("", str::trim);
        if note.chars().count() > NOTE_CHARS_MAX {
            bad("/note", "备注最多 500 字", "At most 500 characters");
        }
        if self.method != Method::Gps && note.is_empty() {
            bad("/note", "请写明原因", "Please say why");
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
    }

    /// The moment it speaks of: the phone's clock within its bound, never later than now.
    pub fn moment(&self, now: DateTime<Utc>, limits: &VisitConfig) -> Result<DateTime<Utc>, Problem> {
        let at = self.at.unwrap_or(now).trunc_subsecs(6);
        if at > now + Duration::minutes(limits.clock_ahead_minutes_max) {
            let minutes = limits.clock_ahead_minutes_max;
            return Err(Problem::field(
                "/at",
                format!("时间比现在晚了 {minutes} 分钟以上,请检查手机的时间"),
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

const INSERT: &str = "insert into visit_proof
    (visit_id, kind, at, recorded_at, worker_id, method, latitude, longitude, accuracy_m, note)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const OF_VISIT: &str = "select kind, at, recorded_at, worker_id, method, latitude, longitude, accuracy_m, note
    from visit_proof where visit_id = $1 order by kind";

/// Stores a proof.
pub async fn insert(tx: &mut Tx, visit: VisitId, proof: &Proof) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(visit).bind(proof.kind).bind(proof.at).bind(proof.recorded_at);
        let row = row.bind(proof.worker_id).bind(proof.method).bind(proof.latitude).bind(proof.longitude);
        row.bind(proof.accuracy_m).bind(&proof.note).execute(c).await.map(|r| r.rows_affected())
    })?;
    expect_rows("insert visit proof", 1, rows)
}

/// The proofs of a visit: start, then end.
pub async fn of_visit(conn: &mut Conn, visit: VisitId) -> Result<Vec<Proof>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(OF_VISIT).bind(visit).fetch_all(c).await)?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn body() -> ProofBody {
        ProofBody {
            at: None,
            method: Method::Gps,
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
            ProofBody { method: Method::Manual, ..body() },
            ProofBody { method: Method::Phone, note: Some("  ".into()), ..body() },
            ProofBody { note: Some(long), ..body() },
        ] {
            assert!(refused.check().is_err(), "{refused:?}");
        }
        let told = ProofBody {
            method: Method::Manual,
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
        let at = |seconds| ProofBody { at: Some(now + Duration::seconds(seconds)), ..body() }.moment(now, &limits);
        assert_eq!(at(-3600).unwrap(), now - Duration::hours(1));
        assert_eq!(at(120).unwrap(), now, "cut to now, so that leaving right away is not before coming");
        assert!(at(121).is_err());
    }
}
