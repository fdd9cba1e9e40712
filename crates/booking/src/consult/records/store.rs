//! Statements over the records.
//!
//! Each begins at what narrows most: a person, a doctor, else the side; and reads no more than a page.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError, Engine};
use sanbao_platform::http::Page;
use sanbao_platform::on;
use sqlx::types::Json;
use uuid::Uuid;

use super::RecordSearch;
use crate::account::AccountId;
use crate::consult::id::ConsultId;
use crate::consult::model::Consult;
use crate::consult::state::ConsultStateName;
use crate::consult::store::{Side, list_time, specialty_of, these};

/// The consults that fit, with the time by which they are sorted.
macro_rules! found {
    () => {
        "select c.id, coalesce(c.starts_at, c.wanted_from) as at from consult c where "
    };
}
/// One page of them. The first bound is one that an index can begin at.
macro_rules! page_of_them {
    () => {
        " and coalesce(c.starts_at, c.wanted_from) >= $2 and coalesce(c.starts_at, c.wanted_from) <= $3
            and (coalesce(c.starts_at, c.wanted_from) < $3 or c.id < $4)
        order by coalesce(c.starts_at, c.wanted_from) desc, c.id desc limit $5"
    };
}
/// Those of one doctor, of whom an index holds no more than the page.
macro_rules! of_a_doctor {
    () => {
        " and ($6 = '' or c.state = $6) and c.doctor_id = $7"
    };
}
// On SQLite a plus before a column keeps its index out: what a person has is less.
macro_rules! of_persons_sqlite {
    () => {
        " and ($6 = '' or c.state = $6) and c.resident_id in (select unhex(e.value) from json_each($7) e)
            and ($8 is null or c.doctor_id in (select unhex(e.value) from json_each($8) e))"
    };
}
macro_rules! of_persons_postgres {
    () => {
        " and ($6 = '' or c.state = $6) and c.resident_id in (select e::uuid from jsonb_array_elements_text($7) e)
            and ($8 is null or c.doctor_id in (select e::uuid from jsonb_array_elements_text($8) e))"
    };
}

pub(super) const OF_HOME: &str = concat!(found!(), "c.inviting_id = $1", page_of_them!());
pub(super) const OF_HOME_IN_STATE: &str = concat!(found!(), "c.inviting_id = $1 and c.state = $6", page_of_them!());
pub(super) const OF_HOME_BY_DOCTOR: &str = concat!(found!(), "c.inviting_id = $1", of_a_doctor!(), page_of_them!());
const OF_HOME_BY_PERSON_SQLITE: &str = concat!(found!(), "+c.inviting_id = $1", of_persons_sqlite!(), page_of_them!());
const OF_HOME_BY_PERSON_POSTGRES: &str =
    concat!(found!(), "c.inviting_id = $1", of_persons_postgres!(), page_of_them!());
pub(super) const OF_HOSPITAL: &str = concat!(found!(), "c.invited_id = $1 and c.state <> 'draft'", page_of_them!());
pub(super) const OF_HOSPITAL_IN_STATE: &str =
    concat!(found!(), "c.invited_id = $1 and c.state <> 'draft' and c.state = $6", page_of_them!());
pub(super) const OF_HOSPITAL_BY_DOCTOR: &str =
    concat!(found!(), "c.invited_id = $1 and c.state <> 'draft'", of_a_doctor!(), page_of_them!());
const OF_HOSPITAL_BY_PERSON_SQLITE: &str =
    concat!(found!(), "+c.invited_id = $1 and c.state <> 'draft'", of_persons_sqlite!(), page_of_them!());
const OF_HOSPITAL_BY_PERSON_POSTGRES: &str =
    concat!(found!(), "c.invited_id = $1 and c.state <> 'draft'", of_persons_postgres!(), page_of_them!());
// A doctor has what is their own, and what anybody of the specialty may answer.
const OF_DOCTOR: &str = concat!(
    "select u.id, u.at from (select * from (",
    found!(),
    "c.doctor_id = $7 and c.invited_id = $1 and c.state <> 'draft' and ($6 = '' or c.state = $6)",
    page_of_them!(),
    ") a union all select * from (",
    found!(),
    "c.doctor_id is null and c.invited_id = $1 and c.wanted_specialty = $8 and c.state <> 'draft'
        and ($6 = '' or c.state = $6)",
    page_of_them!(),
    ") b) u order by u.at desc, u.id desc limit $5"
);
const OF_DOCTOR_BY_PERSON_SQLITE: &str = concat!(
    found!(),
    "+c.invited_id = $1 and c.state <> 'draft' and (+c.doctor_id = $9 or (+c.doctor_id is null and c.wanted_specialty = $10))",
    of_persons_sqlite!(),
    page_of_them!()
);
const OF_DOCTOR_BY_PERSON_POSTGRES: &str = concat!(
    found!(),
    "c.invited_id = $1 and c.state <> 'draft' and (c.doctor_id = $9 or (c.doctor_id is null and c.wanted_specialty = $10))",
    of_persons_postgres!(),
    page_of_them!()
);

type Ids = Json<Vec<String>>;

#[derive(sqlx_macros::FromRow)]
struct FoundRow {
    id: ConsultId,
    at: DateTime<Utc>,
}

fn ids(ids: impl IntoIterator<Item = Uuid>) -> Ids {
    Json(ids.into_iter().map(|id| id.simple().to_string()).collect())
}

/// One page of the actor's own side's consults that fit, the newest first; the same rows that its list has.
pub(in crate::consult) async fn search(
    conn: &mut Conn,
    actor: &Actor,
    side: Side,
    wanted: &RecordSearch,
) -> Result<Page<Consult>, DbError> {
    let rows = match (side, &wanted.doctors) {
        (Side::Doctor, _) => of_doctor(conn, actor, wanted).await?,
        (_, Some(doctors)) if wanted.persons.is_none() => by_doctors(conn, actor, side, wanted, doctors).await?,
        _ => of_side(conn, actor, side, wanted).await?,
    };
    let page = Page::of(rows, wanted.limit, |row| (row.at, row.id));
    let mut consults = these(conn, actor, side, &ids(page.items.iter().map(|row| row.id.0))).await?;
    consults.sort_by_key(|consult| Reverse((list_time(consult), consult.id)));
    Ok(Page { items: consults, next: page.next })
}

impl RecordSearch {
    /// The moment up to which is read, and the id below which those of that very moment are.
    fn bound(&self) -> (DateTime<Utc>, ConsultId) {
        match self.after {
            Some((at, id)) if at < self.until => (at, id),
            _ => (self.until, ConsultId(Uuid::nil())),
        }
    }

    fn state_word(&self) -> &'static str {
        self.state.map_or("", ConsultStateName::as_str)
    }

    fn doctor_ids(&self) -> Option<Ids> {
        self.doctors.as_ref().map(|doctors| ids(doctors.iter().map(|id| id.0)))
    }

    fn person_ids(&self) -> Option<Ids> {
        self.persons.as_ref().map(|persons| ids(persons.iter().map(|id| id.0)))
    }
}

async fn of_side(conn: &mut Conn, actor: &Actor, side: Side, wanted: &RecordSearch) -> Result<Vec<FoundRow>, DbError> {
    let (until, id) = wanted.bound();
    let (sqlite, home) = (matches!(conn.engine(), Engine::Sqlite(_)), side == Side::Inviting);
    let by_person = match (home, sqlite) {
        (true, true) => OF_HOME_BY_PERSON_SQLITE,
        (true, false) => OF_HOME_BY_PERSON_POSTGRES,
        (false, true) => OF_HOSPITAL_BY_PERSON_SQLITE,
        (false, false) => OF_HOSPITAL_BY_PERSON_POSTGRES,
    };
    let (all, in_state) = if home { (OF_HOME, OF_HOME_IN_STATE) } else { (OF_HOSPITAL, OF_HOSPITAL_IN_STATE) };
    let state = wanted.state_word();
    let (persons, doctors) = (wanted.person_ids(), wanted.doctor_ids());
    Ok(on!(conn, |c| {
        let of = |statement: &'static str| {
            sqlx::query_as(statement).bind(actor.organisation).bind(wanted.from).bind(until).bind(id)
        };
        let most = wanted.limit + 1;
        match &persons {
            Some(persons) => {
                of(by_person).bind(most).bind(state).bind(persons).bind(doctors.as_ref()).fetch_all(c).await
            }
            None if wanted.state.is_some() => of(in_state).bind(most).bind(state).fetch_all(c).await,
            None => of(all).bind(most).fetch_all(c).await,
        }
    })?)
}

/// The same of some doctors: a page of each, the first page of all of these.
async fn by_doctors(
    conn: &mut Conn,
    actor: &Actor,
    side: Side,
    wanted: &RecordSearch,
    doctors: &[AccountId],
) -> Result<Vec<FoundRow>, DbError> {
    let ((until, id), most) = (wanted.bound(), wanted.limit + 1);
    let statement = if side == Side::Inviting { OF_HOME_BY_DOCTOR } else { OF_HOSPITAL_BY_DOCTOR };
    let mut all: Vec<FoundRow> = Vec::new();
    for doctor in doctors {
        let rows: Vec<FoundRow> = on!(conn, |c| {
            let query = sqlx::query_as(statement).bind(actor.organisation).bind(wanted.from).bind(until).bind(id);
            query.bind(most).bind(wanted.state_word()).bind(*doctor).fetch_all(c).await
        })?;
        all.extend(rows);
    }
    all.sort_by_key(|row| Reverse((row.at, row.id)));
    all.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(all)
}

async fn of_doctor(conn: &mut Conn, actor: &Actor, wanted: &RecordSearch) -> Result<Vec<FoundRow>, DbError> {
    let me = AccountId::from(actor.subject);
    let mut specialty = specialty_of(conn, actor).await?.unwrap_or_default();
    match &wanted.doctors {
        Some(doctors) if !doctors.contains(&me) => return Ok(Vec::new()),
        // What nobody has taken on is no doctor's.
        Some(_) => specialty.clear(),
        None => {}
    }
    let (until, id) = wanted.bound();
    let by_person = match conn.engine() {
        Engine::Sqlite(_) => OF_DOCTOR_BY_PERSON_SQLITE,
        Engine::Postgres(_) => OF_DOCTOR_BY_PERSON_POSTGRES,
    };
    let (state, persons) = (wanted.state_word(), wanted.person_ids());
    Ok(on!(conn, |c| {
        let of = |statement: &'static str| {
            let query = sqlx::query_as(statement).bind(actor.organisation).bind(wanted.from).bind(until);
            query.bind(id).bind(wanted.limit + 1).bind(state)
        };
        match &persons {
            Some(persons) => {
                let query = of(by_person).bind(persons).bind(None::<Ids>).bind(me).bind(&specialty);
                query.fetch_all(c).await
            }
            None => of(OF_DOCTOR).bind(me).bind(&specialty).fetch_all(c).await,
        }
    })?)
}
