//! Holds as the other services learn of them: what they know of somebody stays as long as the record is held.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Db, DbError, Tx};
use sanbao_platform::service::{Task, hourly};

use super::store;
use crate::App;
use crate::account::id::PersonId;
use crate::account::person::erasure;
use crate::account::person::events::{HELD, HoldsTold, PersonHeld, RELEASED};

/// Tells how it stands with the holds on somebody: of the record to which theirs leads on, and of every one that leads on to it.
pub(super) async fn tell(tx: &mut Tx, person: PersonId, at: DateTime<Utc>) -> Result<(), DbError> {
    let person = store::survivor(tx, person).await?;
    let kind = if store::stands(tx, person).await? { &HELD } else { &RELEASED };
    for record in erasure::records(tx, person).await? {
        let requests = erasure::requests(tx, record).await?;
        PersonHeld { person_id: PersonId(record), requests, at }.publish(tx, kind).await?;
    }
    Ok(())
}

/// Tells of somebody who has a new visit, or another record, if theirs is held.
pub async fn tell_if_held(tx: &mut Tx, person: PersonId, at: DateTime<Utc>) -> Result<(), DbError> {
    let person = store::survivor(tx, person).await?;
    if store::stands(tx, person).await? { tell(tx, person, at).await } else { Ok(()) }
}

/// Tells of the holds that an earlier version has set or lifted, and then that all is told.
async fn tell_all(db: &Db, at: DateTime<Utc>) -> Result<(), DbError> {
    loop {
        let untold = store::untold(&mut db.read().await?).await?;
        if untold.is_empty() {
            break;
        }
        for person in untold {
            let mut tx = db.begin().await?;
            // A hold that is set meanwhile would be marked as told.
            store::lock(&mut tx, person).await?;
            tell(&mut tx, person, at).await?;
            store::told(&mut tx, person, at).await?;
            tx.commit().await?;
        }
    }
    let mut tx = db.begin().await?;
    let standing = store::held_records(&mut tx).await?;
    HoldsTold { standing, at }.publish(&mut tx).await?;
    tx.commit().await
}

/// Tells of them at the start and each hour.
pub fn task(app: &App) -> Task {
    let (db, clock) = (app.deps.db.clone(), app.deps.clock.clone());
    hourly("the holds are told", move || {
        let (db, clock) = (db.clone(), clock.clone());
        async move { tell_all(&db, clock.now()).await }
    })
}
