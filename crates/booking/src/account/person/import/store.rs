//! The statements of an import of people.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::{on, typed_id};
use sqlx::types::Json;

use super::said::Said;
use crate::account::id::PersonId;
use crate::account::person::store::handed_over;

typed_id!(
    /// A row of a file by which a person is found again.
    SourceRowId
);

const FIND: &str = "select id, person_id, content_index, said from person_source
    where organisation_id = $1 and source = $2 and external_id = $3";
const INSERT: &str = "insert into person_source
    (id, organisation_id, source, external_id, person_id, content_index, said, kept_sealed, imported_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const UPDATE: &str = "update person_source set person_id = $2, content_index = $3, said = $4, kept_sealed = $5,
    imported_at = $6 where id = $1";
// Of the organisation's own records alone: others' are none of a file's business. One that was joined into another leads on
// to that, which is whose the person is now; one that was handed over is a matter of the past.
const OF_PAPER: &str = concat!(
    "select coalesce(m.merged_into, m.id) from person m
    where (m.organisation_id = $1 or (m.organisation_id is null and m.registered_by = $1))
    and (m.national_id_index = $2 or m.paper_index = $3) and not ",
    handed_over!(),
    " order by case when m.merged_into is null then 0 else 1 end, m.id limit 1"
);
// The records among which a number stands once: those of one home, of one registrar, or of the network.
const HOLDER: &str = "select p.id from person p join person me on me.id = $1
    where p.id <> me.id and p.merged_into is null and p.national_id_index = $2
    and (p.organisation_id = me.organisation_id or (p.organisation_id is null and me.organisation_id is null
        and (p.registered_by = me.registered_by or (p.registered_by is null and me.registered_by is null)))) limit 1";
const WITH_PHONE: &str = "select id, name, birth_date, national_id_index from person where merged_into is null
    and (organisation_id = $1 or (organisation_id is null and registered_by = $1))
    and phone = $2 order by id limit 20";

/// A row as it was imported last.
#[derive(sqlx_macros::FromRow)]
pub(super) struct SourceRow {
    pub(super) id: SourceRowId,
    pub(super) person_id: PersonId,
    /// A keyed hash of the row.
    pub(super) content_index: String,
    /// The fields as the file said them.
    pub(super) said: Json<Said>,
}

/// A row as it is written down.
pub(super) struct NewSourceRow<'a> {
    pub(super) person: PersonId,
    pub(super) content_index: &'a str,
    pub(super) said: &'a Said,
    /// The texts that could not be read, sealed for the row.
    pub(super) kept: Option<Vec<u8>>,
    pub(super) at: DateTime<Utc>,
}

/// The row of this number in an organisation's source, as it was imported last.
pub(super) async fn find(
    conn: &mut Conn,
    (owner, source): (OrganisationId, &str),
    external_id: &str,
) -> Result<Option<SourceRow>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(owner).bind(source).bind(external_id).fetch_optional(c).await)?)
}

/// Writes down a row that is new.
pub(super) async fn insert(
    tx: &mut Tx,
    id: SourceRowId,
    (owner, source): (OrganisationId, &str),
    external_id: &str,
    new: NewSourceRow<'_>,
) -> Result<(), DbError> {
    on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(id).bind(owner).bind(source).bind(external_id).bind(new.person);
        let row = row.bind(new.content_index).bind(Json(new.said)).bind(&new.kept).bind(new.at);
        row.execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes down what a known row says now.
pub(super) async fn update(tx: &mut Tx, id: SourceRowId, new: NewSourceRow<'_>) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(UPDATE).bind(id).bind(new.person).bind(new.content_index).bind(Json(new.said));
        row.bind(&new.kept).bind(new.at).execute(c).await.map(|done| done.rows_affected())
    })?;
    expect_rows("update a source's row", 1, rows)
}

/// The organisation's own record with one of these papers, or the one that it leads on to.
pub(super) async fn of_paper(
    conn: &mut Conn,
    owner: OrganisationId,
    national_id: Option<&str>,
    paper: Option<&str>,
) -> Result<Option<PersonId>, DbError> {
    Ok(on!(conn, |c| {
        sqlx::query_scalar(OF_PAPER).bind(owner).bind(national_id).bind(paper).fetch_optional(c).await
    })?)
}

/// Another record that has a national id which a person's may not have too.
pub(super) async fn holder(
    conn: &mut Conn,
    person: PersonId,
    national_id: Option<&str>,
) -> Result<Option<PersonId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(HOLDER).bind(person).bind(national_id).fetch_optional(c).await)?)
}

/// A record with the telephone of a row, and what else tells people apart.
#[derive(sqlx_macros::FromRow)]
pub(super) struct WithPhone {
    pub(super) id: PersonId,
    pub(super) name: String,
    pub(super) birth_date: Option<chrono::NaiveDate>,
    pub(super) national_id_index: Option<String>,
}

/// The organisation's own records with a telephone; at most 20.
pub(super) async fn with_phone(conn: &mut Conn, owner: OrganisationId, phone: &str) -> Result<Vec<WithPhone>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(WITH_PHONE).bind(owner).bind(phone).fetch_all(c).await)?)
}
