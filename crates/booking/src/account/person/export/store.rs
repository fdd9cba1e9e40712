//! Reading all of it.

use sanbao_platform::audit::Personal;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::copy::{ToldRow, told};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::policy::Decision;
use serde_json::Value;
use uuid::Uuid;

use super::sections::{Besides, KEPT_TEXTS, RECORDS, ROWS_MAX, SECTIONS};
use super::view::ExportedSection;
use crate::account::id::PersonId;
use crate::account::person::import;
use crate::consult::policy::{self, ConsultAction, ConsultRelation};
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
        if section.statement.contains("$2") {
            ids.push(ctx.actor.organisation.into());
        }
        ids.extend(readable(ctx, section.besides));
        let mut rows = told(conn, section.statement, &ids, section.json).await?;
        let cut = rows.len() > ROWS_MAX;
        rows.truncate(ROWS_MAX);
        sections.push(ExportedSection { name: section.name, rows, cut });
    }
    Ok(sections.into())
}

/// Of whom a caller may read what another policy than the person's guards; nobody has the id of zeros.
fn readable(ctx: &Ctx, besides: Besides) -> Option<Uuid> {
    let consults = |action| {
        let decide = |role: &str| policy::decide(role, action, ConsultRelation::Inviting);
        let decided = Decision::over(role::held(&ctx.actor), decide);
        Some(if decided == Decision::Allow { ctx.actor.organisation.into() } else { Uuid::nil() })
    };
    match besides {
        Besides::Nothing => None,
        Besides::Consults => consults(ConsultAction::Read),
        Besides::Opinions => consults(ConsultAction::ReadOpinion),
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
