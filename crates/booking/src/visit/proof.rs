//! Proof of a visit: the six elements of electronic visit verification (21st Century Cures Act §12006):
//! service type and recipient stand on the order; worker, location, start and end come from here.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::{on, text_enum};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::id::VisitId;
use crate::account::AccountId;

text_enum! {
    /// How the place was proved.
    #[schema(as = VisitProofMethod)]
    pub enum ProofMethod {
        /// By the phone's position.
        Gps = "gps",
        /// By a call from the elder's telephone.
        Phone = "phone",
        /// By word, with a reason.
        Manual = "manual",
    }
}

text_enum! {
    /// Which end of the visit.
    #[schema(as = VisitProofKind)]
    pub enum ProofKind {
        /// The start.
        CheckIn = "check_in",
        /// The end.
        CheckOut = "check_out",
    }
}

/// A stored proof.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx_macros::FromRow)]
#[schema(as = VisitProof)]
pub struct Proof {
    /// Start or end.
    pub kind: ProofKind,
    /// When, by the caregiver's word or phone.
    pub at: DateTime<Utc>,
    /// When the server learnt of it.
    pub recorded_at: DateTime<Utc>,
    pub worker_id: AccountId,
    /// How the place was proved.
    pub method: ProofMethod,
    /// Degrees north, WGS 84.
    pub latitude: Option<f64>,
    /// Degrees east, WGS 84.
    pub longitude: Option<f64>,
    /// The radius of the position's error.
    pub accuracy_m: Option<f64>,
    /// Remark or reason.
    pub note: Option<String>,
}

impl Proof {
    /// A proof with nothing in it: what a step holds that is only asked whether it would be legal.
    pub(super) fn example(at: DateTime<Utc>) -> Self {
        Self {
            kind: ProofKind::CheckIn,
            at,
            recorded_at: at,
            worker_id: AccountId(Uuid::nil()),
            method: ProofMethod::Manual,
            latitude: None,
            longitude: None,
            accuracy_m: None,
            note: None,
        }
    }
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
pub async fn of_visit(conn: &mut Conn, visit: VisitId) -> Result<Personal<Vec<Proof>>, DbError> {
    let proofs: Vec<Proof> = on!(conn, |c| sqlx::query_as(OF_VISIT).bind(visit).fetch_all(c).await)?;
    Ok(proofs.into())
}
