//! A person's consults as a doctor reads them in an emergency: the case, and the opinion once it is signed.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use serde::Serialize;
use utoipa::ToSchema;

use super::id::ConsultId;
use super::model::{Consult, OrganisationName};
use super::opinion::{self, Opinion};
use super::state::ConsultStateName;
use super::store;
use crate::account::PersonId;

/// The case and the opinion of one consult, to be read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ConsultRecord {
    pub(crate) id: ConsultId,
    pub(crate) state: ConsultStateName,
    /// The care home that invited.
    pub(crate) inviting: OrganisationName,
    /// The hospital that was invited.
    pub(crate) invited: OrganisationName,
    /// When it is or was; the earliest moment wanted while nothing is booked.
    pub(crate) at: DateTime<Utc>,
    /// The doctor's name, from acceptance on.
    pub(crate) doctor_name: Option<String>,
    pub(crate) reason: String,
    /// The question to be decided.
    pub(crate) purpose: String,
    /// History, findings, diagnosis and treatment.
    pub(crate) case_summary: String,
    /// The opinion, once it is signed.
    pub(crate) opinion: Option<Opinion>,
}

/// Up to `limit` consults of a person, the newest first, for an answer that shows them. Whether the caller may see them
/// is asked before.
pub(crate) async fn of_person(
    conn: &mut Conn,
    ctx: &Ctx,
    person: PersonId,
    limit: usize,
) -> Result<Vec<ConsultRecord>, DbError> {
    let consults = store::of_person(conn, person, i64::try_from(limit).unwrap_or(i64::MAX)).await?;
    let mut records = Vec::with_capacity(consults.len());
    for consult in consults {
        let opinion = signed(conn, ctx, &consult).await?;
        let (at, about) = (store::list_time(&consult), consult.about(&ctx.shows));
        records.push(ConsultRecord {
            id: consult.id,
            state: consult.state.name(),
            at,
            doctor_name: consult.doctor_name.clone(),
            reason: about.reason.clone(),
            purpose: about.purpose.clone(),
            case_summary: about.case_summary.clone(),
            opinion,
            inviting: consult.inviting.clone(),
            invited: consult.invited.clone(),
        });
    }
    Ok(records)
}

/// The opinion of a consult whose opinion is signed.
async fn signed(conn: &mut Conn, ctx: &Ctx, consult: &Consult) -> Result<Option<Opinion>, DbError> {
    use ConsultStateName::{Adopted, Archived, Signed};
    if !matches!(consult.state.name(), Signed | Adopted | Archived) {
        return Ok(None);
    }
    let opinion = opinion::find(conn, consult.id).await?.map(|opinion| opinion.shown(&ctx.shows, consult));
    Ok(opinion.filter(|opinion| opinion.signature.is_some()))
}
