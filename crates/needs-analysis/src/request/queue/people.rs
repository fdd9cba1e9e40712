//! The people who work at a desk: those of an organisation to whom a request can be given. Who has worked there lately is one.

use chrono::{Days, NaiveDate};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;
use uuid::Uuid;

use crate::request::model::Assignee;

/// Somebody who has not been at the desk for so many days is not offered any more.
const SEEN_DAYS: u64 = 60;
/// People of a choice at most.
const PEOPLE_MAX: i64 = 200;

const SEE: &str = "insert into desk_person (organisation, account_id, name, seen_on) values ($1, $2, $3, $4)
    on conflict (organisation, account_id) do update set name = excluded.name, seen_on = excluded.seen_on
    where desk_person.seen_on <> excluded.seen_on or desk_person.name <> excluded.name";
const LIST: &str = "select account_id, name from desk_person
    where organisation = $1 and seen_on >= $2 order by name, account_id limit $3";
const FIND: &str = "select account_id, name from desk_person where organisation = $1 and account_id = $2";

#[derive(sqlx_macros::FromRow)]
struct DeskPerson {
    account_id: Uuid,
    name: String,
}

impl From<DeskPerson> for Assignee {
    fn from(person: DeskPerson) -> Self {
        Self { id: person.account_id, name: person.name }
    }
}

/// Remembers that somebody works at the desk.
pub(in crate::request) async fn see(conn: &mut Conn, actor: &Actor, today: NaiveDate) -> Result<(), DbError> {
    on!(conn, |c| {
        let row = sqlx::query(SEE).bind(actor.organisation).bind(actor.subject).bind(&actor.name).bind(today);
        row.execute(c).await.map(drop)
    })?;
    Ok(())
}

/// The people of the caller's organisation, the caller among them.
pub async fn list(conn: &mut Conn, actor: &Actor, today: NaiveDate) -> Result<Vec<Assignee>, DbError> {
    let since = today.checked_sub_days(Days::new(SEEN_DAYS)).unwrap_or(today);
    let rows: Vec<DeskPerson> = on!(conn, |c| {
        sqlx::query_as(LIST).bind(actor.organisation).bind(since).bind(PEOPLE_MAX).fetch_all(c).await
    })?;
    let mut people: Vec<Assignee> = rows.into_iter().map(Assignee::from).collect();
    let own = actor.subject.0;
    if !people.iter().any(|person| person.id == own) {
        people.insert(0, Assignee { id: own, name: actor.name.clone() });
    }
    Ok(people)
}

/// One of them: the caller, or somebody who has worked at the desk of the caller's organisation.
pub(in crate::request) async fn find(conn: &mut Conn, actor: &Actor, id: Uuid) -> Result<Option<Assignee>, DbError> {
    if id == actor.subject.0 {
        return Ok(Some(Assignee { id, name: actor.name.clone() }));
    }
    let row: Option<DeskPerson> =
        on!(conn, |c| sqlx::query_as(FIND).bind(actor.organisation).bind(id).fetch_optional(c).await)?;
    Ok(row.map(Assignee::from))
}
