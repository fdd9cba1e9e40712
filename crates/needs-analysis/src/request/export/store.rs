//! Reading all of it.

use sanbao_platform::audit::Personal;
use sanbao_platform::db::copy::{ToldRow, told};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;
use uuid::Uuid;

use super::sections::{
    AUDIT, AUDIT_SHOWN, DOOR, DOOR_HISTORY, DOORS_OF_PERSON, ELDER, HISTORY, LEADS_TO, MATTER, MATTER_HISTORY,
    MATTERS_OF_PERSON, OF_PERSON, OUTBOX, REQUEST, REQUEST_MOVED, ROWS_MAX,
};
use super::view::{ExportedDoor, ExportedMatter, ExportedRequest};
use crate::door::DoorId;
use crate::matter::MatterId;
use crate::request::id::RequestId;

/// The person whose record an id is of today: their own, or the one that theirs went into.
pub(super) async fn leads_to(conn: &mut Conn, person: Uuid) -> Result<Uuid, DbError> {
    let to: Option<Uuid> = on!(conn, |c| sqlx::query_scalar(LEADS_TO).bind(person).fetch_optional(c).await)?;
    Ok(to.unwrap_or(person))
}

/// The requests of a person, and whether these are not all.
pub(super) async fn of_person(conn: &mut Conn, person: Uuid) -> Result<(Vec<RequestId>, bool), DbError> {
    let mut ids: Vec<RequestId> = on!(conn, |c| sqlx::query_scalar(OF_PERSON).bind(person).fetch_all(c).await)?;
    let cut = ids.len() > ROWS_MAX;
    ids.truncate(ROWS_MAX);
    Ok((ids, cut))
}

/// The person as this service knows them.
pub(super) async fn elder(conn: &mut Conn, person: Uuid) -> Result<Vec<ToldRow>, DbError> {
    told(conn, ELDER, &[person], &[]).await
}

/// All that is kept of one request but for the resident id, which lies sealed.
pub(super) async fn one(conn: &mut Conn, id: RequestId) -> Result<Personal<ExportedRequest>, DbError> {
    let (mut rows, mut cut) = (Vec::with_capacity(6), false);
    for statement in [REQUEST, HISTORY, AUDIT_SHOWN, AUDIT, OUTBOX, REQUEST_MOVED] {
        let mut of = told(conn, statement, &[id.0], &[]).await?;
        cut |= of.len() > ROWS_MAX;
        of.truncate(ROWS_MAX);
        rows.push(of);
    }
    let mut rows = rows.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    let request = next().pop().unwrap_or_default();
    let (history, read_by, changed_by, told, moved) = (next(), next(), next(), next(), next());
    Ok(ExportedRequest { id: id.0, request, national_id: None, history, read_by, changed_by, told, moved, cut }.into())
}

/// The doors at which a person was looked for.
pub(super) async fn doors_of(conn: &mut Conn, person: Uuid) -> Result<Vec<DoorId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(DOORS_OF_PERSON).bind(person).fetch_all(c).await)?)
}

/// All that is kept of one door.
pub(super) async fn door(conn: &mut Conn, id: DoorId) -> Result<Personal<ExportedDoor>, DbError> {
    let door = told(conn, DOOR, &[id.0], &[]).await?.pop().unwrap_or_default();
    Ok(ExportedDoor { door, history: told(conn, DOOR_HISTORY, &[id.0], &[]).await? }.into())
}

/// The matters that are about a person.
pub(super) async fn matters_of(conn: &mut Conn, person: Uuid) -> Result<Vec<MatterId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(MATTERS_OF_PERSON).bind(person).fetch_all(c).await)?)
}

/// All that is kept of one matter.
pub(super) async fn matter(conn: &mut Conn, id: MatterId) -> Result<Personal<ExportedMatter>, DbError> {
    let matter = told(conn, MATTER, &[id.0], &[]).await?.pop().unwrap_or_default();
    Ok(ExportedMatter { matter, history: told(conn, MATTER_HISTORY, &[id.0], &[]).await? }.into())
}
