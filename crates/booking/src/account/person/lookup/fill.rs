//! The keys of people from before there were any, and of those whose numbers were sealed anew.

use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{Db, DbError, Tx};
use sanbao_platform::on;
use sanbao_platform::service::{Task, until_done};

use super::store::{FORM, write};
use crate::App;
use crate::account::id::PersonId;
use crate::account::person::model::Person;
use crate::account::person::store::{find, find_as_stored};

/// How many are keyed in one transaction.
const AT_ONCE_MAX: i64 = 100;

const UNKEYED: &str = "select id from person where keys_form < $1 order by id limit $2";
const TAILS: &str = "update person set national_id_tail = $2, paper_tail = $3 where id = $1";

/// The task of a start: it ends when everybody has keys.
pub(in crate::account) fn task(app: &App) -> Task {
    let (db, keys) = (app.deps.db.clone(), app.deps.fields.clone());
    until_done("people are keyed for looking them up", move || {
        let (db, keys) = (db.clone(), keys.clone());
        async move { fill(&db, &keys).await }
    })
}

/// Keys everybody who has no keys of today's form; the number of them.
pub async fn fill(db: &Db, keys: &FieldKeys) -> Result<usize, DbError> {
    let mut keyed = 0;
    loop {
        let mut tx = db.begin().await?;
        let ids = write_all(&mut tx, keys).await?;
        tx.commit().await?;
        if ids == 0 {
            return Ok(keyed);
        }
        keyed += ids;
    }
}

/// Keys some of them; how many.
pub async fn write_all(tx: &mut Tx, keys: &FieldKeys) -> Result<usize, DbError> {
    let ids: Vec<PersonId> = on!(tx, |c| sqlx::query_scalar(UNKEYED).bind(FORM).bind(AT_ONCE_MAX).fetch_all(c).await)?;
    for id in &ids {
        if let Some(person) = find_as_stored(tx, *id).await? {
            keep_tails(tx, keys, person.unseen()).await?;
        }
    }
    for id in &ids {
        write(tx, *id).await?;
        // The keys of one that went into another are the survivor's.
        if let Some(survivor) = find(tx, *id).await?.map(|person| person.unseen().id).filter(|survivor| survivor != id)
        {
            write(tx, survivor).await?;
        }
    }
    Ok(ids.len())
}

/// Finds out the last four of a person's papers once more.
async fn keep_tails(tx: &mut Tx, keys: &FieldKeys, person: &Person) -> Result<(), DbError> {
    let (resident, other) = person.tails(keys);
    Ok(on!(tx, |c| { sqlx::query(TAILS).bind(person.id).bind(&resident).bind(&other).execute(c).await.map(drop) })?)
}
