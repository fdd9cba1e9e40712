//! Consent of the resident or guardian: recorded before anybody enters the room, withdrawable.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::moment::Moment;
use sanbao_platform::problem::Problem;
use sanbao_platform::{on, text_enum};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::{ConsentId, ConsultId};
use super::input::{Checks, NAME_CHARS_MAX};
use crate::account::AccountId;

const LIST: &str = "select k.id, k.given_by, k.name, k.relation, k.method, k.witness, k.given_at,
    a.display_name as recorded_by_name, k.recorded_at, k.withdrawn_at
    from consult_consent k join account a on a.id = k.recorded_by where k.consult_id = $1
    order by k.recorded_at, k.id limit 100";
const STANDING: &str = "select count(*) from consult_consent where consult_id = $1 and withdrawn_at is null";
const INSERT: &str = "insert into consult_consent
    (id, consult_id, given_by, name, relation, method, witness, given_at, recorded_by, recorded_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const WITHDRAW: &str = "update consult_consent set withdrawn_at = $3, withdrawn_by = $4
    where id = $1 and consult_id = $2 and withdrawn_at is null";

const WITHDRAW_ALL: &str = "update consult_consent set withdrawn_at = $2, withdrawn_by = $3
    where consult_id = $1 and withdrawn_at is null";

text_enum! {
    /// The person who consents.
    pub enum GivenBy {
        Resident = "resident",
        /// A guardian (监护人).
        Guardian = "guardian",
    }
}

text_enum! {
    /// How a consent was given.
    pub enum Method {
        /// Signed on paper.
        Written = "written",
        /// Said before a witness.
        VerbalWithWitness = "verbal_with_witness",
    }
}

/// A consent to be recorded.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConsent {
    /// The person who consents.
    pub given_by: GivenBy,
    pub name: String,
    /// A guardian's relation to the resident.
    #[serde(default)]
    pub relation: String,
    pub method: Method,
    /// The witness of a spoken consent.
    #[serde(default)]
    pub witness: String,
    /// The moment it was given; now when absent.
    #[serde(default)]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub given_at: Option<Moment>,
}

/// A recorded consent.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow, ToSchema)]
pub struct ConsentView {
    pub id: ConsentId,
    pub given_by: GivenBy,
    pub name: String,
    /// A guardian's relation.
    pub relation: Option<String>,
    pub method: Method,
    pub witness: Option<String>,
    /// The moment it was given.
    pub given_at: DateTime<Utc>,
    /// The person who recorded it.
    pub recorded_by_name: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Since when it does not stand any more.
    pub withdrawn_at: Option<DateTime<Utc>>,
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

impl NewConsent {
    /// The consent with trimmed texts, or every error in it.
    pub fn checked(mut self, now: DateTime<Utc>) -> Result<Self, Problem> {
        let mut checks = Checks::default();
        checks.text("name", &mut self.name, NAME_CHARS_MAX);
        checks.optional_text("relation", &mut self.relation, NAME_CHARS_MAX);
        checks.optional_text("witness", &mut self.witness, NAME_CHARS_MAX);
        if self.given_by == GivenBy::Guardian && self.relation.is_empty() {
            checks.error("relation", "请填写监护人与老人的关系", "Say how the guardian is related");
        }
        if self.method == Method::VerbalWithWitness && self.witness.is_empty() {
            checks.error("witness", "口头同意需要见证人", "A spoken consent needs a witness");
        }
        let given_at = self.given_at.map_or(now, |at| *at);
        if given_at > now + Duration::minutes(5) || given_at < now - Duration::days(365) {
            checks.error("given_at", "同意的时间不对", "This time cannot be right");
        }
        checks.done()?;
        self.given_at = Some(Moment::known(given_at));
        Ok(self)
    }
}

/// All consents of a consult, withdrawn ones too.
pub async fn list(conn: &mut Conn, consult: ConsultId) -> Result<Personal<Vec<ConsentView>>, DbError> {
    let all: Vec<ConsentView> = on!(conn, |c| sqlx::query_as(LIST).bind(consult).fetch_all(c).await)?;
    Ok(all.into())
}

/// Whether one stands.
pub async fn stands(conn: &mut Conn, consult: ConsultId) -> Result<bool, DbError> {
    let standing: i64 = on!(conn, |c| sqlx::query_scalar(STANDING).bind(consult).fetch_one(c).await)?;
    Ok(standing > 0)
}

/// Records a consent.
pub async fn insert(
    tx: &mut Tx,
    consult: ConsultId,
    by: AccountId,
    now: DateTime<Utc>,
    consent: &NewConsent,
) -> Result<ConsentId, DbError> {
    let id = ConsentId::new(now);
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(id).bind(consult).bind(consent.given_by).bind(&consent.name);
        let row = row.bind(some(&consent.relation)).bind(consent.method).bind(some(&consent.witness));
        let row = row.bind(consent.given_at.map_or(now, |at| *at)).bind(by).bind(now);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    expect_rows("record consent", 1, rows)?;
    Ok(id)
}

/// Withdraws a consent; whether one stood.
pub async fn withdraw(
    tx: &mut Tx,
    consult: ConsultId,
    id: ConsentId,
    by: AccountId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        sqlx::query(WITHDRAW).bind(id).bind(consult).bind(now).bind(by).execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Withdraws every consent that stands; how many did.
pub async fn withdraw_all(tx: &mut Tx, consult: ConsultId, by: AccountId, now: DateTime<Utc>) -> Result<u64, DbError> {
    Ok(on!(tx, |c| {
        sqlx::query(WITHDRAW_ALL).bind(consult).bind(now).bind(by).execute(c).await.map(|r| r.rows_affected())
    })?)
}
