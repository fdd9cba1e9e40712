//! The people and doctors whom a typed name means, of those whom a side's consults are about: a side learns of nobody else.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;

use crate::account::person::handed_over;
use crate::account::person::lookup::{is_named, name_beginnings};
use crate::account::{AccountId, PersonId};
use crate::consult::store::{Side, specialty_of};

/// Those of one name whose consults are looked for at most: the ones of the newest consults.
const NAMED_MAX: usize = 20;
/// People with a fitting key, and doctors, whose names are compared at most.
const COMPARED_MAX: i64 = 400;
const DOCTORS_MAX: i64 = 2_000;

/// The people whom the side's consults are about (`own`), each with the time of the newest one. Of these, those with a key
/// that begins so, each under its own name and under those of the records that went into it, as what was done before they
/// were joined may be known by either. Who was handed over is known by its own name alone. The keys of a record that went
/// into another are the other's.
macro_rules! named {
    ($own:literal) => {
        concat!(
            "with own (id, at) as (",
            $own,
            "), found (id, at) as (select o.id, o.at from own o join person p on p.id = o.id
                where exists (select 1 from person_key k
                    where k.person_id = coalesce(p.merged_into, p.id) and k.key >= $2 and k.key < $3)
                order by o.at desc, o.id limit $4)
            select f.id, m.name, f.at from found f join person m on m.id = f.id or (m.merged_into = f.id and not ",
            handed_over!(),
            ") order by f.at desc, f.id"
        )
    };
}
pub(super) const OF_HOME: &str = named!(
    "select c.resident_id, max(coalesce(c.starts_at, c.wanted_from)) from consult c
        where c.inviting_id = $1 group by c.resident_id"
);
pub(super) const OF_HOSPITAL: &str = named!(
    "select c.resident_id, max(coalesce(c.starts_at, c.wanted_from)) from consult c
        where c.invited_id = $1 and c.state <> 'draft' group by c.resident_id"
);
const OF_DOCTOR: &str = named!(
    "select u.id, max(u.at) from (
        select c.resident_id as id, coalesce(c.starts_at, c.wanted_from) as at from consult c
        where c.doctor_id = $5 and c.invited_id = $1 and c.state <> 'draft'
        union all select c.resident_id, coalesce(c.starts_at, c.wanted_from) from consult c
        where c.doctor_id is null and c.invited_id = $1 and c.wanted_specialty = $6 and c.state <> 'draft') u group by u.id"
);
const RECORDS: &str = "select p.id from person p
    where p.id = $1 or p.merged_into = $1 or p.id = (select m.merged_into from person m where m.id = $1)
        or p.merged_into = (select m.merged_into from person m where m.id = $1)
    order by p.id limit 100";
macro_rules! doctors {
    ($own:literal) => {
        concat!(
            "with own (id, at) as (select c.doctor_id, max(coalesce(c.starts_at, c.wanted_from)) from consult c
                where ",
            $own,
            " and c.doctor_id is not null group by c.doctor_id)
            select a.id, a.display_name as name from own o join account a on a.id = o.id order by o.at desc, a.id limit $2"
        )
    };
}
const DOCTORS_OF_HOME: &str = doctors!("c.inviting_id = $1");
const DOCTORS_OF_HOSPITAL: &str = doctors!("c.invited_id = $1 and c.state <> 'draft'");

/// Those whom a name means.
#[derive(Debug)]
pub(in crate::consult) struct OfOneName<Id> {
    pub(in crate::consult) ids: Vec<Id>,
    /// Whether some of that name are left out, or may be.
    pub(in crate::consult) more: bool,
}

impl<Id> OfOneName<Id> {
    fn of(mut ids: Vec<Id>, cut: bool) -> Self {
        let more = cut || ids.len() > NAMED_MAX;
        ids.truncate(NAMED_MAX);
        Self { ids, more }
    }
}

/// A person's id, a name of theirs and the time of the newest consult.
type Named = (PersonId, String, DateTime<Utc>);

/// The people of a name, its pinyin or initials, whom the actor's consults are about, those of the newest consults first.
pub(in crate::consult) async fn persons_named(
    conn: &mut Conn,
    actor: &Actor,
    side: Side,
    typed: &str,
) -> Result<OfOneName<PersonId>, DbError> {
    let specialty = specialty_of(conn, actor).await?.unwrap_or_default();
    let (mut found, mut cut): (BTreeSet<_>, bool) = (BTreeSet::new(), false);
    for (from, until) in name_beginnings(typed) {
        let rows: Vec<Named> = on!(conn, |c| {
            let of = |statement: &'static str| {
                sqlx::query_as(statement).bind(actor.organisation).bind(&from).bind(&until).bind(COMPARED_MAX)
            };
            match side {
                Side::Inviting => of(OF_HOME).fetch_all(c).await,
                Side::Hospital => of(OF_HOSPITAL).fetch_all(c).await,
                Side::Doctor => of(OF_DOCTOR).bind(actor.subject).bind(&specialty).fetch_all(c).await,
            }
        })?;
        let people: BTreeSet<PersonId> = rows.iter().map(|(id, ..)| *id).collect();
        cut |= reached(people.len(), COMPARED_MAX);
        found
            .extend(rows.into_iter().filter(|(_, name, _)| is_named(name, typed)).map(|(id, _, at)| (Reverse(at), id)));
    }
    Ok(OfOneName::of(found.into_iter().map(|(_, id)| id).collect(), cut))
}

/// Whether a statement's bound may have left some out.
fn reached(rows: usize, bound: i64) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows >= bound)
}

/// The records of one person: those that went into it, and the one that it went into. Whose consults of them are shown, the
/// search says.
pub(in crate::consult) async fn records_of(conn: &mut Conn, person: PersonId) -> Result<Vec<PersonId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(RECORDS).bind(person).fetch_all(c).await)?)
}

/// The doctors of a name, its pinyin or initials, who took on a consult of the actor's side, those of the newest ones first.
pub(in crate::consult) async fn doctors_named(
    conn: &mut Conn,
    actor: &Actor,
    side: Side,
    typed: &str,
) -> Result<OfOneName<AccountId>, DbError> {
    let doctors = if side == Side::Inviting { DOCTORS_OF_HOME } else { DOCTORS_OF_HOSPITAL };
    let all: Vec<(AccountId, String)> =
        on!(conn, |c| sqlx::query_as(doctors).bind(actor.organisation).bind(DOCTORS_MAX).fetch_all(c).await)?;
    let cut = reached(all.len(), DOCTORS_MAX);
    let ids = all.into_iter().filter(|(_, name)| is_named(name, typed)).map(|(id, _)| id).collect();
    Ok(OfOneName::of(ids, cut))
}
