//! The people and doctors whom a typed name means, of those whom a side's consults are about: a side learns of nobody else.

use std::collections::BTreeMap;

use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use uuid::Uuid;

use crate::account::person::lookup::{is_named, name_beginnings};
use crate::account::{AccountId, PersonId};
use crate::consult::store::{Side, specialty_of};

/// Those of one name whose consults are looked for at most.
pub(in crate::consult) const NAMED_MAX: usize = 20;
/// Records that are read for one beginning of a key.
const KEYED_MAX: i64 = 400;
/// Doctors whose names are compared at most.
const DOCTORS_MAX: i64 = 20_000;

/// The records of those with a key that begins so, those that went into them among these: what was done before somebody was
/// handed over or joined may stand under either.
macro_rules! keyed {
    () => {
        "with found (id) as (select distinct k.person_id
                from (select id as scope from organisation where kind = 'care_home' union all select $2) s
                cross join person_key k where k.scope = s.scope and k.key >= $3 and k.key < $4),
            records (id) as (select id from found union select m.id from found f join person m on m.merged_into = f.id)
        select p.id, p.name from records r join person p on p.id = r.id
        where exists (select 1 from consult c where c.resident_id = p.id and "
    };
}
const OF_HOME: &str = concat!(keyed!(), "c.inviting_id = $1) order by p.name, p.id limit $5");
const OF_HOSPITAL: &str = concat!(keyed!(), "c.invited_id = $1 and c.state <> 'draft') order by p.name, p.id limit $5");
const OF_DOCTOR: &str = concat!(
    keyed!(),
    "c.invited_id = $1 and c.state <> 'draft' and (c.doctor_id = $6 or (c.doctor_id is null and c.wanted_specialty = $7)))
    order by p.name, p.id limit $5"
);
const RECORDS: &str = "select p.id from person p
    where p.id = $1 or p.merged_into = $1 or p.id = (select m.merged_into from person m where m.id = $1)
        or p.merged_into = (select m.merged_into from person m where m.id = $1)
    order by p.id limit 100";
const DOCTORS: &str = "select a.id, a.display_name as name from account a
    where a.id in (select p.account_id from practitioner p where $1 is null or p.organisation_id = $1
        union select e.account_id from practitioner_elsewhere e where $1 is null or e.organisation_id = $1)
    order by a.display_name, a.id limit $2";

/// Those whom a name means.
#[derive(Debug)]
pub(in crate::consult) struct OfOneName<Id> {
    pub(in crate::consult) ids: Vec<Id>,
    /// Whether there are more of that name.
    pub(in crate::consult) more: bool,
}

impl<Id> OfOneName<Id> {
    fn of(mut ids: Vec<Id>, cut: bool) -> Self {
        let more = cut || ids.len() > NAMED_MAX;
        ids.truncate(NAMED_MAX);
        Self { ids, more }
    }
}

/// The people of a name, its pinyin or initials, whom the actor's consults are about. A name is compared as the consults show it.
pub(in crate::consult) async fn persons_named(
    conn: &mut Conn,
    actor: &Actor,
    side: Side,
    typed: &str,
) -> Result<OfOneName<PersonId>, DbError> {
    let specialty = specialty_of(conn, actor).await?.unwrap_or_default();
    let statement = match side {
        Side::Inviting => OF_HOME,
        Side::Hospital => OF_HOSPITAL,
        Side::Doctor => OF_DOCTOR,
    };
    let (mut found, mut cut): (BTreeMap<PersonId, String>, bool) = (BTreeMap::new(), false);
    for (from, until) in name_beginnings(typed) {
        let rows: Vec<(PersonId, String)> = on!(conn, |c| {
            let query = sqlx::query_as(statement).bind(actor.organisation).bind(Uuid::nil());
            let query = query.bind(&from).bind(&until).bind(KEYED_MAX);
            match side {
                Side::Doctor => query.bind(actor.subject).bind(&specialty).fetch_all(c).await,
                Side::Inviting | Side::Hospital => query.fetch_all(c).await,
            }
        })?;
        cut |= i64::try_from(rows.len()).is_ok_and(|count| count >= KEYED_MAX);
        found.extend(rows);
    }
    found.retain(|_, name| is_named(name, typed));
    Ok(OfOneName::of(found.into_keys().collect(), cut))
}

/// The records of one person: those that went into it, and the one that it went into. Whose consults of them are shown, the
/// search says.
pub(in crate::consult) async fn records_of(conn: &mut Conn, person: PersonId) -> Result<Vec<PersonId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(RECORDS).bind(person).fetch_all(c).await)?)
}

/// The doctors of a name, its pinyin or initials: of the actor's own hospital, or of all who may be invited.
pub(in crate::consult) async fn doctors_named(
    conn: &mut Conn,
    actor: &Actor,
    side: Side,
    typed: &str,
) -> Result<OfOneName<AccountId>, DbError> {
    let own: Option<OrganisationId> = (side != Side::Inviting).then_some(actor.organisation);
    let all: Vec<(AccountId, String)> =
        on!(conn, |c| sqlx::query_as(DOCTORS).bind(own).bind(DOCTORS_MAX).fetch_all(c).await)?;
    let ids = all.into_iter().filter(|(_, name)| is_named(name, typed)).map(|(id, _)| id).collect();
    Ok(OfOneName::of(ids, false))
}
