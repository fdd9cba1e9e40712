//! People in the database.

use sanbao_platform::audit::Personal;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::input::PersonSearch;
use super::model::Person;
use crate::account::id::PersonId;
use crate::account::policy::{self, AccountAction, AccountRelation};

const FIND: &str = "select id, organisation_id, name, sex, birth_date, phone, national_id_sealed, national_id_index,
    address, area_code, guardian_name, guardian_phone, created_at, version
    from person where id = $1 and merged_into is null";
const LIST: &str = "select id, organisation_id, name, sex, birth_date, phone, national_id_sealed, national_id_index,
    address, area_code, guardian_name, guardian_phone, created_at, version from person
    where organisation_id = $1 and merged_into is null and (name, id) > ($2, $3)
    and (name like $4 escape '!' or phone = $5 or national_id_index = $6) order by name, id limit $7";
const LIST_FIRST: &str = "select id, organisation_id, name, sex, birth_date, phone, national_id_sealed,
    national_id_index, address, area_code, guardian_name, guardian_phone, created_at, version from person
    where organisation_id = $1 and merged_into is null
    and (name like $2 escape '!' or phone = $3 or national_id_index = $4) order by name, id limit $5";
const SEARCH_AT_HOME: &str = "select id, organisation_id, name, sex, birth_date, phone, national_id_sealed,
    national_id_index, address, area_code, guardian_name, guardian_phone, created_at, version from person
    where organisation_id is null and merged_into is null
    and (name = $1 or phone = $2 or national_id_index = $3) order by name, id limit $4";
const INSERT: &str = "insert into person (id, organisation_id, name, sex, birth_date, phone, national_id_sealed,
    national_id_index, address, area_code, guardian_name, guardian_phone, created_at, version)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1) on conflict do nothing";
const UPDATE: &str = "update person set name = $3, sex = $4, birth_date = $5, phone = $6, national_id_sealed = $7,
    national_id_index = $8, address = $9, area_code = $10, guardian_name = $11, guardian_phone = $12,
    version = version + 1 where id = $1 and version = $2 and merged_into is null";

/// One person; merged ones are gone.
pub async fn find(conn: &mut Conn, id: PersonId) -> Result<Option<Personal<Person>>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// A person, when the policy allows `action`.
pub(super) async fn load(
    conn: &mut Conn,
    ctx: &Ctx,
    id: PersonId,
    action: AccountAction,
) -> Result<Personal<Person>, Problem> {
    let person = find(conn, id).await?.ok_or_else(Problem::not_found)?;
    let relation = match person.unseen().organisation_id {
        None => AccountRelation::AtHome,
        Some(organisation) if organisation == ctx.actor.organisation => AccountRelation::Own,
        Some(_) => AccountRelation::Foreign,
    };
    policy::of(&ctx.actor, action, relation).require()?;
    Ok(person)
}

/// Residents of an organisation by name, after the one with that name and id.
pub(super) async fn residents(
    conn: &mut Conn,
    organisation: OrganisationId,
    search: &PersonSearch,
    after: Option<(String, PersonId)>,
    limit: i64,
) -> Result<Vec<Personal<Person>>, DbError> {
    let pattern = search.pattern();
    Ok(match after {
        None => on!(conn, |c| {
            let rows = sqlx::query_as(LIST_FIRST).bind(organisation).bind(pattern).bind(&search.phone);
            rows.bind(&search.index).bind(limit).fetch_all(c).await
        })?,
        Some((name, id)) => on!(conn, |c| {
            let rows = sqlx::query_as(LIST).bind(organisation).bind(name).bind(id).bind(pattern);
            rows.bind(&search.phone).bind(&search.index).bind(limit).fetch_all(c).await
        })?,
    })
}

/// Elders at home that fit a search exactly.
pub(super) async fn elders(
    conn: &mut Conn,
    search: &PersonSearch,
    limit: i64,
) -> Result<Vec<Personal<Person>>, DbError> {
    Ok(on!(conn, |c| {
        let rows = sqlx::query_as(SEARCH_AT_HOME).bind(&search.name).bind(&search.phone).bind(&search.index);
        rows.bind(limit).fetch_all(c).await
    })?)
}

/// Stores a new person; `false` when the national id is registered already.
pub(in crate::account) async fn insert(tx: &mut Tx, p: &Person) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(p.id).bind(p.organisation_id).bind(&p.name).bind(p.sex);
        let row = row.bind(p.birth_date).bind(&p.phone).bind(&p.national_id_sealed).bind(&p.national_id_index);
        let row = row.bind(&p.address).bind(&p.area_code).bind(&p.guardian_name).bind(&p.guardian_phone);
        row.bind(p.created_at).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Stores a changed person; `false` when somebody else changed it since it was read.
pub(super) async fn update(tx: &mut Tx, p: &Person) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(UPDATE).bind(p.id).bind(p.version).bind(&p.name).bind(p.sex).bind(p.birth_date);
        let row = row.bind(&p.phone).bind(&p.national_id_sealed).bind(&p.national_id_index).bind(&p.address);
        let row = row.bind(&p.area_code).bind(&p.guardian_name).bind(&p.guardian_phone);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}
