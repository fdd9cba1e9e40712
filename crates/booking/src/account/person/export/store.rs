//! Reading all of it.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::copy::{ToldRow, told};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::policy::Decision;
use serde_json::{Value, json};
use uuid::Uuid;

use super::sections::{Besides, ROWS_MAX, SECTIONS, Section};
use super::statements::{DRAFTS, KEPT_TEXTS, RECORDS};
use super::view::ExportedSection;
use crate::account::id::PersonId;
use crate::account::person::import;
use crate::consult::draft;
use crate::consult::policy::{self as consult, ConsultAction, ConsultRelation};
use crate::emergency::policy::{self as emergency, EmergencyAction, EmergencyRelation};
use crate::role;

/// The record of a person, and those that were joined into it.
pub(super) async fn records(conn: &mut Conn, person: PersonId) -> Result<Vec<PersonId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(RECORDS).bind(person).fetch_all(c).await)?)
}

/// The rows of every section, as the caller may read them.
pub(super) async fn sections(
    conn: &mut Conn,
    person: PersonId,
    ctx: &Ctx,
) -> Result<Personal<Vec<ExportedSection>>, DbError> {
    let mut sections = Vec::with_capacity(SECTIONS.len());
    for section in SECTIONS {
        let mut ids = vec![Uuid::from(person)];
        ids.extend(readable(ctx, section));
        let mut rows = told(conn, section.statement, &ids, section.json).await?;
        let cut = rows.len() > ROWS_MAX;
        rows.truncate(ROWS_MAX);
        sections.push(ExportedSection { name: section.name, rows, cut });
    }
    Ok(sections.into())
}

/// Everything that a section's statement takes besides the person: the caller's organisation, and as whom the caller may read what another
/// policy than the person's guards. Nobody has the id of zeros.
fn readable(ctx: &Ctx, section: &Section) -> Vec<Uuid> {
    let (own, caller) = (Uuid::from(ctx.actor.organisation), Uuid::from(ctx.actor.subject));
    let may = |decide: &dyn Fn(&str) -> Decision| Decision::over(role::held(&ctx.actor), decide) == Decision::Allow;
    let or_nobody = |id: Uuid, may: bool| if may { id } else { Uuid::nil() };
    let consults = |action| may(&|role| consult::decide(role, action, ConsultRelation::Inviting));
    let emergencies = |relation| may(&|role| emergency::decide(role, EmergencyAction::Read, relation));
    match section.besides {
        Besides::Nothing if section.statement.contains("$2") => vec![own],
        Besides::Nothing => Vec::new(),
        Besides::Consults => vec![own, or_nobody(own, consults(ConsultAction::Read))],
        Besides::Opinions => vec![own, or_nobody(own, consults(ConsultAction::ReadOpinion))],
        Besides::Emergencies => vec![
            or_nobody(own, emergencies(EmergencyRelation::Watching)),
            or_nobody(caller, emergencies(EmergencyRelation::Over)),
            caller,
        ],
    }
}

/// The texts of imported rows that could not be read; one that does not open is told as that.
pub(super) async fn unreadable_texts(
    conn: &mut Conn,
    keys: &FieldKeys,
    person: PersonId,
    own: OrganisationId,
) -> Result<Personal<ExportedSection>, DbError> {
    let mut kept: Vec<(Uuid, Vec<u8>)> =
        on!(conn, |c| sqlx::query_as(KEPT_TEXTS).bind(person).bind(own).fetch_all(c).await)?;
    let cut = kept.len() > ROWS_MAX;
    kept.truncate(ROWS_MAX);
    let row = |(id, sealed): (Uuid, Vec<u8>)| {
        let text = keys.open_or_report(&import::reseal::place(id), &sealed);
        let texts = text.and_then(|text| serde_json::from_str(&text).ok());
        ToldRow(vec![("id".to_owned(), id.to_string().into()), ("texts".to_owned(), texts.unwrap_or(Value::Null))])
    };
    let rows = kept.into_iter().map(row).collect();
    Ok(ExportedSection { name: "unreadable_texts", rows, cut }.into())
}

/// The invitations to a consult that the organisation's staff are writing, where the caller may read those that are sent.
pub(super) async fn drafts(
    conn: &mut Conn,
    keys: &FieldKeys,
    person: PersonId,
    ctx: &Ctx,
) -> Result<Personal<ExportedSection>, DbError> {
    let reads = |role: &str| consult::decide(role, ConsultAction::Read, ConsultRelation::Inviting);
    let own = match Decision::over(role::held(&ctx.actor), reads) {
        Decision::Allow => Uuid::from(ctx.actor.organisation),
        _ => Uuid::nil(),
    };
    let mut kept: Vec<(Uuid, DateTime<Utc>, Vec<u8>)> =
        on!(conn, |c| sqlx::query_as(DRAFTS).bind(person).bind(own).fetch_all(c).await)?;
    let cut = kept.len() > ROWS_MAX;
    kept.truncate(ROWS_MAX);
    let row = |(id, changed_at, sealed): (Uuid, DateTime<Utc>, Vec<u8>)| {
        let mut row = vec![("id".to_owned(), id.to_string().into()), ("changed_at".to_owned(), json!(changed_at))];
        row.extend(draft::told(keys, id, &sealed).and_then(|told| told.as_object().cloned()).into_iter().flatten());
        ToldRow(row)
    };
    let rows = kept.into_iter().map(row).collect();
    Ok(ExportedSection { name: "drafts", rows, cut }.into())
}
