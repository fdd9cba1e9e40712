//! The elder of a home-care request: found again, or registered without an organisation.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use uuid::Uuid;

use super::events::{PersonEvent, REGISTERED};
use super::lookup;
use super::store::{handed_over, hold};
use crate::account::id::PersonId;

// A record that went into another leads on to that, which is the network's, or the agency's, if one of them is. One that was
// erased is found as such, so that nobody is registered in its place.
const FIND_BY_ID: &str = concat!(
    "select p.id from person q join person p on p.id = coalesce(q.merged_into, q.id)
    where q.id = $1 and (p.registered_by is null or p.registered_by = $2 or exists (select 1 from person m
        where m.merged_into = p.id and (m.registered_by is null or m.registered_by = $2) and not ",
    handed_over!(),
    "))"
);
// The network's own record first, then a resident's, then the agency's.
const FIND_BY_INDEX: &str = concat!(
    "select id from person where national_id_index = $1 and merged_into is null and erased_at is null
    and (registered_by is null or registered_by = $2 or exists (select 1 from person m
        where m.merged_into = person.id and (m.registered_by is null or m.registered_by = $2) and not ",
    handed_over!(),
    "))
    order by case when registered_by is not null then 2 when organisation_id is not null then 1 else 0 end, id limit 1"
);
// Each spelling and each telephone by which a joined record was known leads on.
const FIND_BY_PHONE: &str = concat!(
    "select p.id from person q join person p on p.id = coalesce(q.merged_into, q.id)
    where q.name = $1 and q.phone = $2 and p.organisation_id is null and p.merged_into is null and p.erased_at is null
    and (p.registered_by is null or p.registered_by = $3 or exists (select 1 from person m
        where m.merged_into = p.id and (m.registered_by is null or m.registered_by = $3) and not ",
    handed_over!(),
    "))
    order by p.id limit 1"
);
const LEADS_TO: &str = "select coalesce(merged_into, id), erased_at from person where id = $1";
const INSERT_ELDER: &str = "insert into person
    (id, organisation_id, name, sex, phone, national_id_index, address, area_code, created_at, version)
    values ($1, null, $2, 'unknown', $3, $4, $5, $6, $7, 1) on conflict do nothing";

/// How often a record may lead on to another while one waits for it.
const LEADS_ON_MAX: usize = 8;

/// The person of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elder {
    /// A record that is one of its own, found or new.
    Here(PersonId),
    /// Somebody who was erased: nothing of what a request says of them may be kept.
    Erased(PersonId),
}

/// A request's words about the elder whom it is for.
#[derive(Clone, Debug, Default)]
pub struct ElderContact {
    /// The person, where the request's author knew it.
    pub person_id: Option<Uuid>,
    pub name: String,
    /// Telephone.
    pub phone: Option<String>,
    /// Street address.
    pub address: Option<String>,
    pub area_code: Option<String>,
    /// The agency whose order it is: what others have registered is none of its business.
    pub agency: Option<OrganisationId>,
    /// The blind index of the national id (domain `national_id`), never the id itself.
    pub national_id_index: Option<String>,
}

/// The person of a request: by id, by national id, by name and telephone together, out of the network's and the
/// agency's own records; a new one without an organisation otherwise. Concurrent calls with one national id give one person.
pub async fn find_or_register(tx: &mut Tx, now: DateTime<Utc>, contact: &ElderContact) -> Result<Elder, DbError> {
    if let Some(found) = find_held(tx, contact).await? {
        return Ok(found);
    }
    let id = PersonId::new(now);
    let inserted = on!(tx, |c| {
        let row = sqlx::query(INSERT_ELDER).bind(id).bind(&contact.name).bind(&contact.phone);
        let row = row.bind(&contact.national_id_index).bind(&contact.address).bind(&contact.area_code).bind(now);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    if inserted == 0 {
        // Somebody else registered the same national id in between: that person it is.
        return find_held(tx, contact).await?.ok_or(DbError::RowCount {
            statement: "register elder",
            expected: 1,
            actual: 0,
        });
    }
    lookup::write(tx, id).await?;
    let event = PersonEvent {
        person_id: id,
        organisation_id: None,
        area_code: contact.area_code.as_deref(),
        birth_year: None,
        sex: "unknown",
        national_id_index: contact.national_id_index.as_deref(),
    };
    event.publish(tx, now, &REGISTERED).await?;
    Ok(Elder::Here(id))
}

/// The person, whose record leads on to no other, and is not erased, until the transaction ends.
async fn find_held(tx: &mut Tx, contact: &ElderContact) -> Result<Option<Elder>, DbError> {
    let Some(mut found) = find(tx, contact).await? else { return Ok(None) };
    for _ in 0..LEADS_ON_MAX {
        hold(tx, found).await?;
        // Somebody may have joined it, handed it over or erased it before it was held.
        let row: Option<(PersonId, Option<DateTime<Utc>>)> =
            on!(tx, |c| sqlx::query_as(LEADS_TO).bind(found).fetch_optional(c).await)?;
        match row {
            Some((next, _)) if next != found => found = next,
            Some((_, Some(_))) => return Ok(Some(Elder::Erased(found))),
            _ => break,
        }
    }
    Ok(Some(Elder::Here(found)))
}

async fn find(conn: &mut Conn, contact: &ElderContact) -> Result<Option<PersonId>, DbError> {
    if let Some(id) = contact.person_id
        && let Some(found) = surviving(conn, PersonId(id), contact.agency).await?
    {
        return Ok(Some(found));
    }
    if let Some(index) = &contact.national_id_index {
        // A national id says who it is: no other sign is asked.
        return Ok(on!(conn, |c| sqlx::query_scalar(FIND_BY_INDEX)
            .bind(index)
            .bind(contact.agency)
            .fetch_optional(c)
            .await)?);
    }
    let Some(phone) = &contact.phone else { return Ok(None) };
    let found = on!(conn, |c| {
        let row = sqlx::query_scalar(FIND_BY_PHONE).bind(&contact.name).bind(phone).bind(contact.agency);
        row.fetch_optional(c).await
    })?;
    Ok(found)
}

/// The person that `id` stands for today.
async fn surviving(conn: &mut Conn, id: PersonId, agency: Option<OrganisationId>) -> Result<Option<PersonId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(FIND_BY_ID).bind(id).bind(agency).fetch_optional(c).await)?)
}
