//! The opinion (会诊意见): drafted by the doctor, signed once, then a record.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::crypto::sha256_hex;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::lang::Lang;
use sanbao_platform::problem::{PRECONDITION_FAILED, Problem};
use sanbao_platform::{on, text_enum};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::ConsultId;
use super::input::{Checks, LONG_TEXT_CHARS_MAX, TEXT_CHARS_MAX};
use super::practitioner::Practitioner;
use crate::account::AccountId;
use crate::texts;

const FIND: &str = "select impression, differential, suggested_tests, suggested_treatment, referral_advice, follow_up,
    risk_notes, saved_at, version, signed_at, signer_id, signer_name, signer_title, signer_institution,
    signer_licence_no, content_hash from consult_opinion where consult_id = $1";
const INSERT: &str = "insert into consult_opinion
    (consult_id, impression, differential, suggested_tests, suggested_treatment, referral_advice, follow_up, risk_notes,
     saved_by, saved_at, version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1) on conflict do nothing";
const UPDATE: &str = "update consult_opinion set impression = $3, differential = $4, suggested_tests = $5,
    suggested_treatment = $6, referral_advice = $7, follow_up = $8, risk_notes = $9, saved_by = $10, saved_at = $11,
    version = version + 1 where consult_id = $1 and version = $2 and signed_at is null";
const SIGN: &str = "update consult_opinion set signed_at = $3, signer_id = $4, signer_name = $5, signer_title = $6,
    signer_institution = $7, signer_licence_no = $8, content_hash = $9, version = version + 1
    where consult_id = $1 and version = $2 and signed_at is null";
const FEEDBACK: &str = "insert into consult_feedback (consult_id, decision, note, recorded_by, recorded_at)
    values ($1, $2, $3, $4, $5)";
const FIND_FEEDBACK: &str = "select f.decision, f.note, a.display_name as recorded_by_name, f.recorded_at
    from consult_feedback f join account a on a.id = f.recorded_by where f.consult_id = $1";

/// The seven parts of an opinion; a draft may leave any empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx_macros::FromRow, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Parts {
    /// 诊断印象; needed to sign.
    pub impression: String,
    /// 鉴别诊断
    pub differential: String,
    /// 建议检查
    pub suggested_tests: String,
    /// 治疗建议; needed to sign.
    pub suggested_treatment: String,
    /// 转诊建议
    pub referral_advice: String,
    /// 随访安排
    pub follow_up: String,
    /// 风险提示
    pub risk_notes: String,
}

/// The signature under an opinion.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Signature {
    /// The moment of signing.
    pub signed_at: DateTime<Utc>,
    pub signer_id: AccountId,
    pub name: String,
    /// The rank (职称).
    pub title: String,
    /// The hospital's name.
    pub institution: String,
    /// The licence to practise.
    pub licence_no: String,
    /// SHA-256 of the signed content as lower-case hex; see [`signed_content`].
    pub content_hash: String,
}

/// An opinion as stored.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Opinion {
    #[serde(flatten)]
    pub parts: Parts,
    /// When it was last saved.
    pub saved_at: DateTime<Utc>,
    /// Counts the changes; the `ETag`.
    pub version: i64,
    /// Present once it is signed.
    pub signature: Option<Signature>,
}

#[derive(sqlx_macros::FromRow)]
struct OpinionRow {
    #[sqlx(flatten)]
    parts: Parts,
    saved_at: DateTime<Utc>,
    version: i64,
    signed_at: Option<DateTime<Utc>>,
    signer_id: Option<AccountId>,
    signer_name: Option<String>,
    signer_title: Option<String>,
    signer_institution: Option<String>,
    signer_licence_no: Option<String>,
    content_hash: Option<String>,
}

impl From<OpinionRow> for Opinion {
    fn from(row: OpinionRow) -> Self {
        // The table's check: all of them, or none.
        let signature = match (row.signed_at, row.signer_id) {
            (Some(signed_at), Some(signer_id)) => Some(Signature {
                signed_at,
                signer_id,
                name: row.signer_name.unwrap_or_default(),
                title: row.signer_title.unwrap_or_default(),
                institution: row.signer_institution.unwrap_or_default(),
                licence_no: row.signer_licence_no.unwrap_or_default(),
                content_hash: row.content_hash.unwrap_or_default(),
            }),
            _ => None,
        };
        Self { parts: row.parts, saved_at: row.saved_at, version: row.version, signature }
    }
}

impl Parts {
    /// The parts in order, by field name.
    pub fn named(&self) -> [(&'static str, &str); 7] {
        [
            ("impression", &self.impression),
            ("differential", &self.differential),
            ("suggested_tests", &self.suggested_tests),
            ("suggested_treatment", &self.suggested_treatment),
            ("referral_advice", &self.referral_advice),
            ("follow_up", &self.follow_up),
            ("risk_notes", &self.risk_notes),
        ]
    }

    /// The parts with trimmed texts, or every error in them.
    pub fn checked(mut self) -> Result<Self, Problem> {
        let mut checks = Checks::default();
        checks.optional_text("impression", &mut self.impression, LONG_TEXT_CHARS_MAX);
        checks.optional_text("differential", &mut self.differential, LONG_TEXT_CHARS_MAX);
        checks.optional_text("suggested_tests", &mut self.suggested_tests, LONG_TEXT_CHARS_MAX);
        checks.optional_text("suggested_treatment", &mut self.suggested_treatment, LONG_TEXT_CHARS_MAX);
        checks.optional_text("referral_advice", &mut self.referral_advice, LONG_TEXT_CHARS_MAX);
        checks.optional_text("follow_up", &mut self.follow_up, LONG_TEXT_CHARS_MAX);
        checks.optional_text("risk_notes", &mut self.risk_notes, LONG_TEXT_CHARS_MAX);
        checks.done()?;
        Ok(self)
    }

    /// Refuses to sign what says too little.
    pub fn signable(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        for (field, text) in [("impression", &self.impression), ("suggested_treatment", &self.suggested_treatment)] {
            if text.is_empty() {
                checks.error(field, "签署前必须填写", "Needed before signing");
            }
        }
        checks.done()
    }
}

/// The text that the hash is taken of: a JSON array of the consult's id, the signing time (RFC 3339, UTC,
/// microseconds), signer id, name, title, institution, licence number, and the seven parts in order.
pub fn signed_content(consult: ConsultId, signature: &Signature, parts: &Parts) -> String {
    let time = signature.signed_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let (consult, signer) = (consult.to_string(), signature.signer_id.to_string());
    let head =
        [&consult, &time, &signer, &signature.name, &signature.title, &signature.institution, &signature.licence_no];
    let texts = parts.named();
    let all: Vec<&str> = head.into_iter().map(String::as_str).chain(texts.iter().map(|(_, text)| *text)).collect();
    serde_json::Value::from(all).to_string()
}

/// The opinion of a consult.
pub async fn find(conn: &mut Conn, consult: ConsultId) -> Result<Option<Personal<Opinion>>, DbError> {
    let row: Option<OpinionRow> = on!(conn, |c| sqlx::query_as(FIND).bind(consult).fetch_optional(c).await)?;
    Ok(row.map(|row| Opinion::from(row).into()))
}

fn changed_meanwhile(rows: u64) -> Result<(), Problem> {
    if rows == 1 { Ok(()) } else { Err(Problem::new(&PRECONDITION_FAILED)) }
}

/// Saves a draft over version `read`, or a first one; 412 when that is not what is there.
pub async fn save(
    tx: &mut Tx,
    consult: ConsultId,
    read: Option<i64>,
    by: AccountId,
    now: DateTime<Utc>,
    p: &Parts,
) -> Result<(), Problem> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(if read.is_some() { UPDATE } else { INSERT }).bind(consult);
        let row = if let Some(version) = read { row.bind(version) } else { row };
        let row = row.bind(&p.impression).bind(&p.differential).bind(&p.suggested_tests).bind(&p.suggested_treatment);
        let row = row.bind(&p.referral_advice).bind(&p.follow_up).bind(&p.risk_notes).bind(by).bind(now);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    changed_meanwhile(rows)
}

/// Signs what stands in `opinion`; 412 when it has changed since.
pub async fn sign(
    tx: &mut Tx,
    consult: ConsultId,
    opinion: &Opinion,
    doctor: &Practitioner,
    now: DateTime<Utc>,
) -> Result<Signature, Problem> {
    let mut s = Signature {
        signed_at: now,
        signer_id: doctor.account_id,
        name: doctor.name.clone(),
        title: texts::title(Lang::Zh, doctor.title),
        institution: doctor.hospital_zh.clone(),
        licence_no: doctor.licence_no.clone(),
        content_hash: String::new(),
    };
    s.content_hash = sha256_hex(signed_content(consult, &s, &opinion.parts).as_bytes());
    let rows = on!(tx, |c| {
        let row = sqlx::query(SIGN).bind(consult).bind(opinion.version).bind(now).bind(s.signer_id).bind(&s.name);
        let row = row.bind(&s.title).bind(&s.institution).bind(&s.licence_no).bind(&s.content_hash);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    changed_meanwhile(rows)?;
    Ok(s)
}

text_enum! {
    /// The inviting side's use of the opinion.
    pub enum AdoptionDecision {
        /// 采纳
        Adopted = "adopted",
        /// 部分采纳
        PartlyAdopted = "partly_adopted",
        /// 未采纳
        NotAdopted = "not_adopted",
    }
}

/// The inviting side's feedback.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adoption {
    pub decision: AdoptionDecision,
    /// How it was carried out; needed unless it was adopted as it is.
    #[serde(default)]
    pub note: String,
}

/// Recorded feedback.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow, ToSchema)]
pub struct Feedback {
    pub decision: AdoptionDecision,
    /// How it was carried out.
    pub note: String,
    /// The name of the account that recorded it.
    pub recorded_by_name: String,
    /// The moment it was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// An opinion and what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OpinionView {
    #[serde(flatten)]
    pub opinion: Opinion,
    /// The inviting side's feedback.
    pub feedback: Option<Feedback>,
}

impl Adoption {
    /// The feedback with a trimmed note, or the error in it.
    pub fn checked(mut self) -> Result<Self, Problem> {
        let mut checks = Checks::default();
        match self.decision {
            AdoptionDecision::Adopted => checks.optional_text("note", &mut self.note, TEXT_CHARS_MAX),
            _ => checks.text("note", &mut self.note, TEXT_CHARS_MAX),
        }
        checks.done()?;
        Ok(self)
    }
}

/// Records feedback.
pub async fn record_feedback(
    tx: &mut Tx,
    consult: ConsultId,
    by: AccountId,
    now: DateTime<Utc>,
    adoption: &Adoption,
) -> Result<(), DbError> {
    on!(tx, |c| {
        let row = sqlx::query(FEEDBACK).bind(consult).bind(adoption.decision).bind(&adoption.note);
        row.bind(by).bind(now).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// The feedback of a consult.
pub async fn feedback(conn: &mut Conn, consult: ConsultId) -> Result<Option<Personal<Feedback>>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND_FEEDBACK).bind(consult).fetch_optional(c).await)?)
}
