//! The end of what is kept of doors: with a person who is erased, and by itself when the time of work orders (five years) is over.

use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::on;
use sanbao_platform::retention::Bound;
use uuid::Uuid;

/// The doors of a person: by their record, by one that leads on to it, and by a request that was made for them.
macro_rules! of_person {
    () => {
        "(select d.id from door d where d.person_id = $1
            or d.person_id in (select e.person_id from elder e where e.merged_into = $1)
            or d.request_id in (select r.id from request r where r.person_id = $1))"
    };
}
/// No hold stands on the person or on the request.
macro_rules! door_unheld {
    () => {
        " and not exists (select 1 from held_subject h where h.subject = d.request_id or h.subject = d.person_id
            or h.subject in (select e.person_id from elder e where e.merged_into = d.person_id)
            or h.subject in (select e.merged_into from elder e where e.person_id = d.person_id))"
    };
}

/// Empties the doors of somebody: what was seen there still counts. The version grows, so that a step that was read before may not
/// write this over.
pub(crate) const EMPTY: &str = concat!(
    "update door set elder_name = '', phone = null, address = null, remark = null, version = version + 1 where id in ",
    of_person!()
);
const EMPTY_HISTORY: &str = concat!(
    "update history set reason = null, note = null
    where aggregate = 'door' and (reason is not null or note is not null) and id in ",
    of_person!()
);
const FORGET_ANSWERS: &str = concat!(
    "delete from idempotency where shown in (select s.shown from audit_shown s where s.kind = 'door' and s.id in ",
    of_person!(),
    ")"
);

pub(crate) use door_unheld;

const STILL: &str = concat!("select count(*) from door d where d.id = $1 and d.state_since <= $2", door_unheld!());
const FORGET_HISTORY: &str = "delete from history where aggregate = 'door' and id = $1";
const FORGET: &str = "delete from door where id = $1";

/// Takes what is said of somebody at doors. Done twice, it changes nothing.
pub(crate) async fn person(tx: &mut Tx, person: Uuid) -> Result<(), DbError> {
    for statement in [FORGET_ANSWERS, EMPTY_HISTORY, EMPTY] {
        on!(tx, |c| sqlx::query(statement).bind(person).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Takes a door whose time is over and that nobody holds; false where there is none. A round lasts a month at most, so that none
/// of them is open in any sense.
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
