//! Keys in the database.

use std::collections::BTreeSet;

use sanbao_platform::audit::Personal;
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sqlx::types::Json;
use uuid::Uuid;

use super::key::{Beginning, KeyedTexts};
use crate::account::id::PersonId;
use crate::account::organisation::{Organisation, OrganisationKind};
use crate::account::person::model::Person;
use crate::account::person::store::{columns, handed_over, recent};

/// The form of the keys; a record that was keyed in an older one is keyed anew at the next start.
pub(super) const FORM: i32 = 1;

const PLACE: &str = "select organisation_id, area_code from person where id = $1 and merged_into is null";
// Each spelling and each telephone by which a joined record was known finds the survivor.
const TEXTS: &str =
    "select name, phone, phones, address, guardian_name, guardian_phone, national_id_index, national_id_tail,
    paper_index, paper_tail from person where id = $1 or merged_into = $1";
const CLEAR: &str = "delete from person_key where person_id = $1";
const WRITE_SQLITE: &str = "insert into person_key (scope, key, person_id, area_code)
    select $2, e.value, $1, $3 from json_each($4) e where true on conflict do nothing";
const WRITE_POSTGRES: &str = "insert into person_key (scope, key, person_id, area_code)
    select $2, e.value, $1, $3 from jsonb_array_elements_text($4) e where true on conflict do nothing";
const KEYED: &str = "update person set keys_form = $2 where id = $1";
/// The people of the keys that were picked, in the order of the keys: the index alone says which people those are, so that no more
/// records are read than are named. What stands behind it is the number of people.
macro_rules! nearest {
    () => {
        ", nearest (id) as (select id from picked group by id order by min(key), id limit "
    };
}
/// Those people, by name.
macro_rules! of_nearest {
    () => {
        ", (select count(*) from picked) as keys_read from person where id in (select id from nearest) order by name, id"
    };
}

// Keys are picked in the order of the index, so that no more of them are read than are wanted.
const OF_HOME: &str = concat!(
    "with picked (id, key) as (
        select k.person_id, k.key from person_key k
        where k.scope = $1 and k.key >= $2 and k.key < $3 order by k.key, k.person_id limit $4)",
    nearest!(),
    "$5) select ",
    columns!(),
    of_nearest!()
);
const OF_AGENCY: &str = concat!(
    "with picked (id, key) as (
        select k.person_id, k.key from person_key k
        where k.scope = $1 and k.key >= $2 and k.key < $3
        and (exists (select 1 from person m
                where (m.id = k.person_id or m.merged_into = k.person_id) and m.registered_by = $6 and not ",
    handed_over!(),
    ") or exists (select 1 from visit v where v.person_id = k.person_id and v.agency_id = $6
                and (coalesce(v.checked_out_at, v.closed_at) is null or coalesce(v.checked_out_at, v.closed_at) >= $7)))
        order by k.key, k.person_id limit $4)",
    nearest!(),
    "$5) select ",
    columns!(),
    of_nearest!()
);
/// As `in_areas!` of the person of a key.
macro_rules! key_in_areas {
    () => {
        "(replace(',' || $2 || ',', ',' || k.area_code || ',', '') <> ',' || $2 || ','
            or exists (select 1 from area_within w where w.code = k.area_code and w.valid_from <= $3 and w.valid_until > $3
                and replace(',' || $2 || ',', ',' || w.ancestor || ',', '') <> ',' || $2 || ','))"
    };
}
const OF_AREAS: &str = concat!(
    "with picked (id, key) as (
        select k.person_id, k.key from person_key k
        where k.scope = $4 and k.key >= $5 and k.key < $6
        and (",
    key_in_areas!(),
    " or exists (select 1 from person m
                where (m.id = k.person_id or m.merged_into = k.person_id) and m.registered_by = $1 and not ",
    handed_over!(),
    "))
        order by k.key, k.person_id limit $7)",
    nearest!(),
    "$8) select ",
    columns!(),
    of_nearest!()
);

/// A person who was found, and how many keys were read to find all of them.
#[derive(Debug, sqlx_macros::FromRow)]
struct FoundRow {
    #[sqlx(flatten)]
    person: Personal<Person>,
    keys_read: i64,
}

/// How much is read for one beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Keys; a person may have several that begin alike.
    pub(super) keys: i64,
    /// Records that are read in full, each person once.
    pub(super) people: i64,
}

/// The scope of a resident is the care home; elders at home have the one of nobody.
fn scope(home: Option<OrganisationId>) -> Uuid {
    home.map_or(Uuid::nil(), Uuid::from)
}

/// Writes the keys of a person anew, with those of the records that went into it. One that went into another has none.
pub(in crate::account::person) async fn write(tx: &mut Tx, id: PersonId) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(CLEAR).bind(id).execute(c).await.map(drop))?;
    let place: Option<(Option<OrganisationId>, Option<String>)> =
        on!(tx, |c| sqlx::query_as(PLACE).bind(id).fetch_optional(c).await)?;
    if let Some((home, area)) = place {
        let texts: Vec<KeyedTexts> = on!(tx, |c| sqlx::query_as(TEXTS).bind(id).fetch_all(c).await)?;
        let mut keys = BTreeSet::new();
        for record in &texts {
            record.add_to(&mut keys);
        }
        let keys = Json(keys);
        let statement = match tx.engine() {
            Engine::Sqlite(_) => WRITE_SQLITE,
            Engine::Postgres(_) => WRITE_POSTGRES,
        };
        on!(tx, |c| {
            sqlx::query(statement).bind(id).bind(scope(home)).bind(&area).bind(&keys).execute(c).await.map(drop)
        })?;
    }
    Ok(on!(tx, |c| sqlx::query(KEYED).bind(id).bind(FORM).execute(c).await.map(drop))?)
}

/// The people with a key that begins so, of those whom the caller may see, by name; and whether a bound has cut some off.
pub(super) async fn found(
    conn: &mut Conn,
    ctx: &Ctx,
    own: &Organisation,
    beginning: &Beginning,
    bounds: Bounds,
) -> Result<(Vec<Personal<Person>>, bool), DbError> {
    let (from, until, at_home) = (&beginning.from, beginning.until(), Uuid::nil());
    let Bounds { keys, people } = bounds;
    let rows: Vec<FoundRow> = match own.kind {
        OrganisationKind::CareHome => on!(conn, |c| {
            let rows = sqlx::query_as(OF_HOME).bind(scope(Some(own.id))).bind(from).bind(&until);
            rows.bind(keys).bind(people).fetch_all(c).await
        })?,
        OrganisationKind::HomeCareAgency => on!(conn, |c| {
            let rows = sqlx::query_as(OF_AGENCY).bind(at_home).bind(from).bind(&until).bind(keys).bind(people);
            rows.bind(own.id).bind(recent(ctx)).fetch_all(c).await
        })?,
        OrganisationKind::StreetOffice => {
            let (areas, today) = (ctx.actor.areas.join(","), own.day(ctx.now()));
            on!(conn, |c| {
                let rows = sqlx::query_as(OF_AREAS).bind(own.id).bind(&areas).bind(today).bind(at_home);
                rows.bind(from).bind(&until).bind(keys).bind(people).fetch_all(c).await
            })?
        }
        OrganisationKind::Hospital | OrganisationKind::HealthCentre | OrganisationKind::Community => Vec::new(),
    };
    let cut = rows.first().is_some_and(|row| row.keys_read >= keys)
        || i64::try_from(rows.len()).is_ok_and(|count| count >= people);
    Ok((rows.into_iter().map(|row| row.person).collect(), cut))
}
