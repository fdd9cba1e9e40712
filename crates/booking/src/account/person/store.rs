//! People in the database.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::State as _;
use sanbao_platform::on;
use sanbao_platform::problem::{CONFLICT, Problem};
use uuid::Uuid;

use super::input::PersonSearch;
use super::model::Person;
use super::{lookup, transfer};
use crate::account::area;
use crate::account::id::PersonId;
use crate::account::organisation::{self, Organisation, OrganisationKind};
use crate::account::policy::{self, AccountAction, AccountRelation};

/// How long after its last visit an agency still knows an elder, in days.
const VISITED_DAYS_MAX: i64 = 90;

/// The columns of a person.
macro_rules! columns {
    () => {
        "id, organisation_id, registered_by, name, sex, birth_date, phone, phones, national_id_sealed, national_id_index,
    national_id_tail, paper_kind, paper_sealed, paper_index, paper_tail, address, area_code, guardian_name, guardian_phone, state, ended_on,
    created_at, version"
    };
}

pub(super) use columns;

/// Whether the record `m` leads on because its person was handed over: itself, or a record that it was joined into before.
/// Such a record is a matter of the past: those whose it was know nothing of the person by it any more. So every statement
/// that asks who has registered a record that leads on asks this as well.
macro_rules! handed_over {
    () => {
        "(m.merged_into is not null and exists (with recursive up (id) as (select m.id union all
            select j.survivor_id from up join person_join j on j.other_id = up.id
            where j.separated_at is null and j.transfer_id is null)
        select 1 from up join person_join t on t.other_id = up.id where t.separated_at is null and t.transfer_id is not null))"
    };
}

pub(crate) use handed_over;

const HOLD_POSTGRES: &str = "select id from person where id = $1 for share";
const FIND: &str = concat!(
    "select ",
    columns!(),
    " from person where id = coalesce((select m.merged_into from person m where m.id = $1), $1) and merged_into is null"
);
const AS_STORED: &str = concat!("select ", columns!(), " from person where id = $1");
const LIST: &str = concat!(
    "select ",
    columns!(),
    " from person where organisation_id = $1 and merged_into is null and (name, id) > ($2, $3)
    and (name like $4 escape '!' or national_id_index = $6
        or id in (select k.person_id from person_key k where k.scope = $1 and k.key = $5)) order by name, id limit $7"
);
const LIST_FIRST: &str = concat!(
    "select ",
    columns!(),
    " from person where organisation_id = $1 and merged_into is null
    and (name like $2 escape '!' or national_id_index = $4
        or id in (select k.person_id from person_key k where k.scope = $1 and k.key = $3)) order by name, id limit $5"
);
/// The elders at home with a name, a telephone's key or a national id (`$4`, `$5`, `$6`), each by its own index; `$7` is the
/// scope of nobody's keys.
macro_rules! elders_with {
    () => {
        "id in (select q.id from person q where q.organisation_id is null and q.name = $4
        union all select k.person_id from person_key k where k.scope = $7 and k.key = $5
        union all select q.id from person q where q.national_id_index = $6 and q.merged_into is null)"
    };
}

const SEARCH_VISITED: &str = concat!(
    "select ",
    columns!(),
    " from person where organisation_id is null and merged_into is null and ",
    elders_with!(),
    " and (registered_by = $1 or exists (select 1 from person m
            where m.merged_into = person.id and m.registered_by = $1 and not ",
    handed_over!(),
    ") or exists (select 1 from visit v where v.person_id = person.id and v.agency_id = $1
        and (coalesce(v.checked_out_at, v.closed_at) is null or coalesce(v.checked_out_at, v.closed_at) >= $2)))
    order by name, id limit $3"
);
/// As `in_areas!` of an elder.
macro_rules! elder_in_areas {
    () => {
        "(replace(',' || $2 || ',', ',' || person.area_code || ',', '') <> ',' || $2 || ','
            or exists (select 1 from area_within w where w.code = person.area_code and w.valid_from <= $3 and w.valid_until > $3
                and replace(',' || $2 || ',', ',' || w.ancestor || ',', '') <> ',' || $2 || ','))"
    };
}

const SEARCH_IN_AREAS: &str = concat!(
    "select ",
    columns!(),
    " from person where organisation_id is null and merged_into is null and ",
    elders_with!(),
    " and (registered_by = $1 or exists (select 1 from person m
            where m.merged_into = person.id and m.registered_by = $1 and not ",
    handed_over!(),
    ") or ",
    elder_in_areas!(),
    ") order by name, id limit $8"
);
/// A visit that has not ended, or has ended since.
const VISITED: &str = "select count(*) from visit v where v.person_id = $1 and v.agency_id = $2
    and (coalesce(v.checked_out_at, v.closed_at) is null or coalesce(v.checked_out_at, v.closed_at) >= $3)";
/// A record that an organisation has registered went into this one, and its person was not handed over.
const REGISTERED: &str =
    concat!("select count(*) from person m where m.merged_into = $1 and m.registered_by = $2 and not ", handed_over!());
const INSERT: &str = "insert into person (id, organisation_id, registered_by, name, sex, birth_date, phone,
    national_id_sealed, national_id_index, address, area_code, guardian_name, guardian_phone, created_at, version,
    paper_kind, paper_sealed, paper_index, national_id_tail, paper_tail, phones)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, $15, $16, $17, $18, $19, $20) on conflict do nothing";
const UPDATE: &str = "update person set name = $3, sex = $4, birth_date = $5, phone = $6, national_id_sealed = $7,
    national_id_index = $8, address = $9, area_code = $10, guardian_name = $11, guardian_phone = $12,
    paper_kind = $13, paper_sealed = $14, paper_index = $15, national_id_tail = $16, paper_tail = $17, phones = $18, version = version + 1 where id = $1 and version = $2 and merged_into is null";

const SET_STATE: &str = "update person set state = $3, ended_on = $4, version = $5
    where id = $1 and version = $2 and merged_into is null";

/// Keeps a record from being joined, handed over or ended until the transaction ends, so that what is written of its person
/// goes along; on `SQLite` there is one writer anyway. It is read after this.
pub async fn hold(tx: &mut Tx, id: PersonId) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(HOLD_POSTGRES).bind(id).execute(c).await?;
    }
    Ok(())
}

/// The record of an id. One that went into another leads on to that.
pub async fn find(conn: &mut Conn, id: PersonId) -> Result<Option<Personal<Person>>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// The record of an id as it lies there, also where it leads on to another.
pub(super) async fn find_as_stored(conn: &mut Conn, id: PersonId) -> Result<Option<Personal<Person>>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(AS_STORED).bind(id).fetch_optional(c).await)?)
}

/// A person, when the policy allows `action`.
pub(super) async fn load(
    conn: &mut Conn,
    ctx: &Ctx,
    id: PersonId,
    action: AccountAction,
) -> Result<Personal<Person>, Problem> {
    Ok(load_related(conn, ctx, id, action).await?.0)
}

/// The same, of a record that leads on to no other until the transaction ends: what is written of it stays with the person.
pub(super) async fn load_held(
    tx: &mut Tx,
    ctx: &Ctx,
    id: PersonId,
    action: AccountAction,
) -> Result<Personal<Person>, Problem> {
    let before = load(tx, ctx, id, action).await?.unseen().id;
    hold(tx, before).await?;
    let person = load(tx, ctx, id, action).await?;
    // It was joined, or handed over, before it was held.
    if person.unseen().id == before { Ok(person) } else { Err(Problem::new(&CONFLICT)) }
}

/// The same with how the caller's organisation stands to the person. Those who have handed somebody over read the record as
/// they had it.
pub(super) async fn load_related(
    conn: &mut Conn,
    ctx: &Ctx,
    id: PersonId,
    action: AccountAction,
) -> Result<(Personal<Person>, AccountRelation), Problem> {
    let mut person = find(conn, id).await?.ok_or_else(Problem::not_found)?;
    let mut relation = relation(conn, ctx, person.unseen()).await?;
    if relation == AccountRelation::Foreign
        && let Some(had) = transfer::had(conn, ctx.actor.organisation, id).await?
    {
        person = find_as_stored(conn, had).await?.ok_or_else(Problem::not_found)?;
        relation = AccountRelation::Former;
    }
    policy::of(&ctx.actor, action, relation).require()?;
    Ok((person, relation))
}

/// How the caller's organisation stands to a person.
pub(super) async fn relation(conn: &mut Conn, ctx: &Ctx, person: &Person) -> Result<AccountRelation, Problem> {
    let caller = ctx.actor.organisation;
    if let Some(home) = person.organisation_id {
        return Ok(if home == caller { AccountRelation::Own } else { AccountRelation::Foreign });
    }
    let own = organisation::own(conn, ctx).await?;
    let registered = person.registered_by == Some(caller) || has_registered(conn, caller, person.id).await?;
    Ok(match own.kind {
        OrganisationKind::HomeCareAgency if registered || is_visited(conn, ctx, person.id).await? => {
            AccountRelation::AtHome
        }
        OrganisationKind::StreetOffice if registered || is_in_area(conn, ctx, &own, person).await? => {
            AccountRelation::InArea
        }
        _ => AccountRelation::Foreign,
    })
}

/// How the caller's organisation stands to a record as it lies there: one that was handed over is those' who had it.
pub(super) async fn relation_to_record(
    conn: &mut Conn,
    ctx: &Ctx,
    record: PersonId,
) -> Result<AccountRelation, Problem> {
    if transfer::was_handed_over(conn, record).await? {
        let had = transfer::had(conn, ctx.actor.organisation, record).await?;
        return Ok(if had.is_some() { AccountRelation::Former } else { AccountRelation::Foreign });
    }
    let person = find(conn, record).await?.ok_or_else(Problem::not_found)?;
    relation(conn, ctx, person.unseen()).await
}

/// Whether an organisation has registered a record that went into this one: it knows the person by that.
async fn has_registered(conn: &mut Conn, by: OrganisationId, id: PersonId) -> Result<bool, DbError> {
    let records: i64 = on!(conn, |c| sqlx::query_scalar(REGISTERED).bind(id).bind(by).fetch_one(c).await)?;
    Ok(records > 0)
}

/// Since when a visit that has ended is recent.
pub(super) fn recent(ctx: &Ctx) -> DateTime<Utc> {
    ctx.now() - Duration::days(VISITED_DAYS_MAX)
}

async fn is_visited(conn: &mut Conn, ctx: &Ctx, id: PersonId) -> Result<bool, DbError> {
    let (agency, since) = (ctx.actor.organisation, recent(ctx));
    let visits: i64 = on!(conn, |c| sqlx::query_scalar(VISITED).bind(id).bind(agency).bind(since).fetch_one(c).await)?;
    Ok(visits > 0)
}

async fn is_in_area(conn: &mut Conn, ctx: &Ctx, own: &Organisation, person: &Person) -> Result<bool, DbError> {
    let Some(code) = &person.area_code else { return Ok(false) };
    for area in &ctx.actor.areas {
        if area::lies_in(conn, code, area, own.day(ctx.now())).await? {
            return Ok(true);
        }
    }
    Ok(false)
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

/// Elders at home that fit a search exactly and whom the caller's agency or street has to do with.
pub(super) async fn elders(
    conn: &mut Conn,
    ctx: &Ctx,
    own: &Organisation,
    search: &PersonSearch,
    limit: i64,
) -> Result<Vec<Personal<Person>>, DbError> {
    let PersonSearch { name, phone, index } = search;
    let at_home = Uuid::nil();
    if own.kind != OrganisationKind::StreetOffice {
        return Ok(on!(conn, |c| {
            let rows = sqlx::query_as(SEARCH_VISITED).bind(own.id).bind(recent(ctx)).bind(limit);
            rows.bind(name).bind(phone).bind(index).bind(at_home).fetch_all(c).await
        })?);
    }
    let (areas, today) = (ctx.actor.areas.join(","), own.day(ctx.now()));
    Ok(on!(conn, |c| {
        let rows = sqlx::query_as(SEARCH_IN_AREAS).bind(own.id).bind(&areas).bind(today).bind(name).bind(phone);
        rows.bind(index).bind(at_home).bind(limit).fetch_all(c).await
    })?)
}

/// Stores a new person; `false` when the national id is registered already.
pub(in crate::account) async fn insert(tx: &mut Tx, p: &Person) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row =
            sqlx::query(INSERT).bind(p.id).bind(p.organisation_id).bind(p.registered_by).bind(&p.name).bind(p.sex);
        let row = row.bind(p.birth_date).bind(&p.phone).bind(&p.national_id_sealed).bind(&p.national_id_index);
        let row = row.bind(&p.address).bind(&p.area_code).bind(&p.guardian_name).bind(&p.guardian_phone);
        let row = row.bind(p.created_at).bind(p.paper_kind).bind(&p.paper_sealed).bind(&p.paper_index);
        let row = row.bind(&p.national_id_tail).bind(&p.paper_tail).bind(&p.phones);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    if rows == 1 {
        lookup::write(tx, p.id).await?;
    }
    Ok(rows == 1)
}

/// Stores a changed person; `false` when somebody else changed it since it was read.
pub(super) async fn update(tx: &mut Tx, p: &Person) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(UPDATE).bind(p.id).bind(p.version).bind(&p.name).bind(p.sex).bind(p.birth_date);
        let row = row.bind(&p.phone).bind(&p.national_id_sealed).bind(&p.national_id_index).bind(&p.address);
        let row = row.bind(&p.area_code).bind(&p.guardian_name).bind(&p.guardian_phone);
        let row = row.bind(p.paper_kind).bind(&p.paper_sealed).bind(&p.paper_index);
        let row = row.bind(&p.national_id_tail).bind(&p.paper_tail).bind(&p.phones);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    if rows == 1 {
        lookup::write(tx, p.id).await?;
    }
    Ok(rows == 1)
}

/// Stores the state of a person over the version that was read; `false` when somebody else changed it since.
pub(super) async fn set_state(tx: &mut Tx, read: i64, p: &Person) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(SET_STATE).bind(p.id).bind(read).bind(p.state.name()).bind(p.state.ended_on());
        row.bind(p.version).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}
