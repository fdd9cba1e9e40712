//! Holds as the other services learn of them: what they know of somebody stays as long as the record is held.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Db, DbError, Tx};
use sanbao_platform::service::{Task, until_done};

use super::store;
use crate::App;
use crate::account::id::PersonId;
use crate::account::person::erasure;
use crate::account::person::events::{HELD, PersonHeld, RELEASED};

/// Tells how it stands with the holds on somebody: of the record, and of every one that leads on to it.
pub(super) async fn tell(tx: &mut Tx, person: PersonId, at: DateTime<Utc>) -> Result<(), DbError> {
    let kind = if store::stands(tx, person).await? { &HELD } else { &RELEASED };
    for record in erasure::records(tx, person).await? {
        let requests = erasure::requests(tx, record).await?;
        PersonHeld { person_id: PersonId(record), requests, at }.publish(tx, kind).await?;
    }
    Ok(())
}

/// Tells of a visit that is new, if its person's record is held.
pub async fn tell_of_visit(tx: &mut Tx, person: PersonId, at: DateTime<Utc>) -> Result<(), DbError> {
    if store::stands(tx, person).await? { tell(tx, person, at).await } else { Ok(()) }
}

/// Tells of the holds that an earlier version has set.
async fn tell_all(db: &Db, at: DateTime<Utc>) -> Result<(), DbError> {
    loop {
        let untold = store::untold(&mut db.read().await?).await?;
        if untold.is_empty() {
            return Ok(());
        }
        for person in untold {
            let mut tx = db.begin().await?;
            tell(&mut tx, person, at).await?;
            store::told(&mut tx, person, at).await?;
            tx.commit().await?;
        }
    }
}

/// Tells of them at the start.
pub fn task(app: &App) -> Task {
    let (db, clock) = (app.deps.db.clone(), app.deps.clock.clone());
    until_done("the holds are told", move || {
        let (db, clock) = (db.clone(), clock.clone());
        async move { tell_all(&db, clock.now()).await }
    })
}
