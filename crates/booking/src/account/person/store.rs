//! People in the database. The national id lies there sealed; its blind index finds it again.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::cn::{ResidentId, mask_resident_id};
use sanbao_platform::crypto::{FieldKeys, Unsealable};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;

use crate::account::border::{Sex, sex_of};
use crate::account::id::PersonId;

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

/// A person as stored.
#[derive(Clone, sqlx::FromRow)]
pub struct Person {
    /// Its id: also its resource in the calendar.
    pub id: PersonId,
    /// The care home, or none for an elder at home.
    pub organisation_id: Option<OrganisationId>,
    /// Name.
    pub name: String,
    /// Sex.
    pub sex: Sex,
    /// Birth date.
    pub birth_date: Option<NaiveDate>,
    /// Telephone.
    pub phone: Option<String>,
    pub(super) national_id_sealed: Option<Vec<u8>>,
    pub(super) national_id_index: Option<String>,
    /// Street address.
    pub address: Option<String>,
    /// The area's code.
    pub area_code: Option<String>,
    /// Guardian's or closest relative's name.
    pub guardian_name: Option<String>,
    /// Guardian's telephone.
    pub guardian_phone: Option<String>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Counts its changes.
    pub version: i64,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({})", self.id)
    }
}

impl Person {
    /// A person of whom nothing is known yet.
    pub(in crate::account) fn blank(
        id: PersonId,
        organisation_id: Option<OrganisationId>,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            organisation_id,
            name: String::new(),
            sex: Sex::Unknown,
            birth_date: None,
            phone: None,
            national_id_sealed: None,
            national_id_index: None,
            address: None,
            area_code: None,
            guardian_name: None,
            guardian_phone: None,
            created_at,
            version: 1,
        }
    }

    fn place(&self) -> String {
        super::reseal::place(self.id.0)
    }

    /// Takes a national id: sealed, indexed, and the source of birth date and sex.
    pub(in crate::account) fn set_national_id(&mut self, keys: &FieldKeys, id: &ResidentId) {
        self.national_id_sealed = Some(keys.seal(&self.place(), id.as_str()));
        self.national_id_index = Some(id.index(keys));
        self.birth_date = Some(id.birth_date());
        self.sex = sex_of(id);
    }

    /// The national id with its middle masked, for a view that goes on without it: `Err` when it does not open, which
    /// the log says once.
    pub(super) fn masked_national_id(&self, keys: &FieldKeys) -> Result<Option<String>, Unsealable> {
        let Some(sealed) = &self.national_id_sealed else { return Ok(None) };
        let open = keys.open_or_report(&self.place(), sealed).ok_or(Unsealable)?;
        Ok(Some(mask_resident_id(&open)))
    }

    /// The national id in the open. A cipher text that does not open is a bad row.
    pub(super) fn national_id(&self, keys: &FieldKeys) -> Result<Option<String>, DbError> {
        let open = |sealed: &Vec<u8>| keys.open(&self.place(), sealed);
        self.national_id_sealed.as_ref().map(open).transpose().map_err(|cause| DbError::BadRow {
            table: "person",
            column: "national_id_sealed",
            row: self.id.to_string(),
            cause: cause.to_string(),
        })
    }
}

/// What a list is narrowed to.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Part of a name; for elders at home the whole name.
    pub(super) name: Option<String>,
    /// A whole telephone number.
    pub(super) phone: Option<String>,
    /// A national id's blind index.
    pub(super) index: Option<String>,
}

impl Search {
    fn pattern(&self) -> Option<String> {
        let all = self.phone.is_none() && self.index.is_none();
        let escaped = |text: &String| {
            let text = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
            format!("%{text}%")
        };
        self.name.as_ref().map(escaped).or_else(|| all.then(|| "%".to_owned()))
    }
}

/// One person; merged ones are gone.
pub async fn find(conn: &mut Conn, id: PersonId) -> Result<Option<Person>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// Residents of an organisation by name, after the one with that name and id.
pub(super) async fn residents(
    conn: &mut Conn,
    organisation: OrganisationId,
    search: &Search,
    after: Option<(String, PersonId)>,
    limit: i64,
) -> Result<Vec<Person>, DbError> {
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
pub(super) async fn elders(conn: &mut Conn, search: &Search, limit: i64) -> Result<Vec<Person>, DbError> {
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
