//! The end of what is kept of matters: with a person who is erased, and by itself when the time of work orders (five years) is over.
//!
//! A matter that is said to be about somebody is emptied with that person: place, kind and clock stay, so that what is broken is mended
//! still. Words that name somebody without such a link are known by nobody to do so, and go with time.

use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::on;
use sanbao_platform::retention::Bound;
use uuid::Uuid;

/// The matters of a person: by their record, by one that leads on to it, by a door at which they were looked for, and by a request that
/// was made for them.
macro_rules! matter_of_person {
    () => {
        "(select m.id from matter m where m.person_id = $1
            or m.person_id in (select e.person_id from elder e where e.merged_into = $1)
            or m.door_id in (select d.id from door d where d.person_id = $1
                or d.person_id in (select e.person_id from elder e where e.merged_into = $1))
            or m.request_id in (select r.id from request r where r.person_id = $1))"
    };
}
/// It has ended, and no hold stands on the person or on the request.
macro_rules! matter_unheld {
    () => {
        " and m.due_at is null and not exists (select 1 from held_subject h where h.subject = m.request_id or h.subject = m.person_id
            or h.subject in (select e.person_id from elder e where e.merged_into = m.person_id)
            or h.subject in (select e.merged_into from elder e where e.person_id = m.person_id))"
    };
}

/// Empties the matters of somebody. The version grows, so that a step that was read before may not write this over.
pub(crate) const EMPTY: &str =
    concat!("update matter set title = '', said = null, version = version + 1 where id in ", matter_of_person!());
const EMPTY_HISTORY: &str = concat!(
    "update history set reason = null, note = null
    where aggregate = 'matter' and (reason is not null or note is not null) and id in ",
    matter_of_person!()
);
const FORGET_ANSWERS: &str = concat!(
    "delete from idempotency where shown in (select s.shown from audit_shown s where s.kind = 'matter' and s.id in ",
    matter_of_person!(),
    ")"
);

pub(crate) use matter_unheld;

const STILL: &str = concat!("select count(*) from matter m where m.id = $1 and m.state_since <= $2", matter_unheld!());
const FORGET_HISTORY: &str = "delete from history where aggregate = 'matter' and id = $1";
const FORGET: &str = "delete from matter where id = $1";

/// Takes what is said of somebody in matters. Done twice, it changes nothing more than versions.
pub(crate) async fn person(tx: &mut Tx, person: Uuid) -> Result<(), DbError> {
    for statement in [FORGET_ANSWERS, EMPTY_HISTORY, EMPTY] {
        on!(tx, |c| sqlx::query(statement).bind(person).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Takes a matter whose time is over and that nobody holds; false where there is none. Its stays remain: they are numbers of a place.
pub(crate) async fn take(tx: &mut Tx, id: Uuid, bound: Bound) -> Result<bool, DbError> {
    let still: i64 = on!(tx, |c| sqlx::query_scalar(STILL).bind(id).bind(bound.before).fetch_one(c).await)?;
    if still == 0 {
        return Ok(false);
    }
    for statement in [FORGET_HISTORY, FORGET] {
        on!(tx, |c| sqlx::query(statement).bind(id).execute(c).await.map(drop))?;
    }
    Ok(true)
}
