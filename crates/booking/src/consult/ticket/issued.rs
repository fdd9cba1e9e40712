//! Tickets that were issued, and how they are taken back. At once, and on every node, the relay turns away
//! the holders of tickets that `booking.consult.ticket_revoked` names.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::role::RoomRole;
use crate::account::AccountId;
use crate::consult::events::{Revoked, ticket_revoked};
use crate::consult::id::ConsultId;

/// Tickets of one consult that are listed at most.
pub const LIST_MAX: i64 = 200;

const STANDING: &str = "select id from consult_ticket where consult_id = $1 and person = $2 and role = $3
    and revoked_at is null order by issued_at desc limit 1";
const KEEP: &str = "insert into consult_ticket
    (id, consult_id, person, name, role, organisation_id, issued_at, expires_at, session_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (id) do update set expires_at = excluded.expires_at";
const LIST: &str = "select person, max(name) as name, max(role) as role, min(issued_at) as issued_at,
    max(expires_at) as expires_at, count(*) as tickets from consult_ticket
    where consult_id = $1 and organisation_id = $2 and revoked_at is null
    group by person order by min(issued_at), person limit $3";
const REVOKE: &str = "update consult_ticket set revoked_at = $3, revoked_by = $4
    where consult_id = $1 and person = $2 and revoked_at is null";
const REVOKE_EACH: &str = "update consult_ticket set revoked_at = $3
    where consult_id = $1 and person = $2 and revoked_at is null returning id";
const REVOKE_OF_SESSION: &str = "update consult_ticket set revoked_at = $2
    where session_id = $1 and revoked_at is null and expires_at > $2 returning consult_id, id";
const REVOKE_OF_ACCOUNT: &str = "update consult_ticket set revoked_at = $3
    where person = $1 and issued_at <= $2 and revoked_at is null and expires_at > $3 returning consult_id, id";
const PEOPLE: &str = "select distinct person from consult_ticket where consult_id = $1 and revoked_at is null
    order by person limit $2";

/// A ticket to be kept.
#[derive(Clone, Copy, Debug)]
pub struct IssuedTicket<'a> {
    /// Its `jti`.
    pub id: Uuid,
    pub consult: ConsultId,
    /// Whose: an account's id, or that of a guest's first link.
    pub person: Uuid,
    pub name: &'a str,
    pub role: RoomRole,
    /// The side that answers for them.
    pub organisation: OrganisationId,
    pub at: DateTime<Utc>,
    /// Until when it opens the room.
    pub expires_at: DateTime<Utc>,
    /// The log-in that it was given to; none for a link.
    pub session: Option<Uuid>,
}

/// Somebody of the own side with a ticket that stands.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow, ToSchema)]
pub struct TicketHolder {
    /// An account's id, or that of a guest's first link.
    pub person: Uuid,
    pub name: String,
    /// As what they enter.
    pub role: RoomRole,
    /// When they were first given one.
    pub issued_at: DateTime<Utc>,
    /// Until when the last one is good.
    pub expires_at: DateTime<Utc>,
    /// The number of tickets that stand.
    pub tickets: i64,
}

/// The ticket that somebody holds by a link, if one stands: a link is one ticket, however often it is asked for.
pub async fn standing(
    conn: &mut Conn,
    consult: ConsultId,
    person: Uuid,
    role: RoomRole,
) -> Result<Option<Uuid>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(STANDING).bind(consult).bind(person).bind(role).fetch_optional(c).await)?)
}

/// Keeps that a ticket was issued.
pub async fn keep(tx: &mut Tx, issued: &IssuedTicket<'_>) -> Result<(), DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(KEEP).bind(issued.id).bind(issued.consult).bind(issued.person).bind(issued.name);
        let row = row.bind(issued.role).bind(issued.organisation).bind(issued.at).bind(issued.expires_at);
        let row = row.bind(issued.session);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    expect_rows("keep ticket", 1, rows)
}

/// The people of a side who hold tickets that stand, those of the oldest tickets first; one more than [`LIST_MAX`] where
/// there are more.
pub async fn list(
    conn: &mut Conn,
    consult: ConsultId,
    organisation: OrganisationId,
) -> Result<Personal<Vec<TicketHolder>>, DbError> {
    let holders: Vec<TicketHolder> =
        on!(conn, |c| { sqlx::query_as(LIST).bind(consult).bind(organisation).bind(LIST_MAX + 1).fetch_all(c).await })?;
    Ok(holders.into())
}

/// Takes back every ticket of a person; whether one stood. `by` is absent where a step of the consult does it.
pub async fn revoke(
    tx: &mut Tx,
    consult: ConsultId,
    person: Uuid,
    by: Option<AccountId>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let query = sqlx::query(REVOKE).bind(consult).bind(person).bind(now).bind(by);
        query.execute(c).await.map(|r| r.rows_affected())
    })?;
    if rows > 0 {
        ticket_revoked(tx, consult, Revoked::Person(person), now).await?;
    }
    Ok(rows > 0)
}

/// Takes back the tickets of a person one by one.
pub async fn revoke_each(tx: &mut Tx, consult: ConsultId, person: Uuid, now: DateTime<Utc>) -> Result<(), DbError> {
    let tickets: Vec<Uuid> =
        on!(tx, |c| sqlx::query_scalar(REVOKE_EACH).bind(consult).bind(person).bind(now).fetch_all(c).await)?;
    for ticket in tickets {
        ticket_revoked(tx, consult, Revoked::Ticket(ticket), now).await?;
    }
    Ok(())
}

/// Takes back the tickets that a log-in was given.
pub async fn revoke_of_session(tx: &mut Tx, session: Uuid, now: DateTime<Utc>) -> Result<(), DbError> {
    let tickets: Vec<(ConsultId, Uuid)> =
        on!(tx, |c| sqlx::query_as(REVOKE_OF_SESSION).bind(session).bind(now).fetch_all(c).await)?;
    tell_each(tx, tickets, now).await
}

/// Takes back the tickets that an account was given until `at`; it may be given others, if it still may enter.
pub async fn revoke_of_account(
    tx: &mut Tx,
    account: Uuid,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let tickets: Vec<(ConsultId, Uuid)> =
        on!(tx, |c| sqlx::query_as(REVOKE_OF_ACCOUNT).bind(account).bind(at).bind(now).fetch_all(c).await)?;
    tell_each(tx, tickets, now).await
}

async fn tell_each(tx: &mut Tx, tickets: Vec<(ConsultId, Uuid)>, now: DateTime<Utc>) -> Result<(), DbError> {
    for (consult, ticket) in tickets {
        ticket_revoked(tx, consult, Revoked::Ticket(ticket), now).await?;
    }
    Ok(())
}

/// Takes back every ticket of a consult.
pub async fn revoke_all(tx: &mut Tx, consult: ConsultId, now: DateTime<Utc>) -> Result<(), DbError> {
    loop {
        let people: Vec<Uuid> =
            on!(tx, |c| sqlx::query_scalar(PEOPLE).bind(consult).bind(LIST_MAX).fetch_all(c).await)?;
        for person in &people {
            revoke(tx, consult, *person, None, now).await?;
        }
        if i64::try_from(people.len()).is_ok_and(|n| n < LIST_MAX) {
            return Ok(());
        }
    }
}
