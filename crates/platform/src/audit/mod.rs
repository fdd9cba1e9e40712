//! The audit log: a row for every write in its transaction, for every answer that shows somebody, and for every refusal.
//!
//! Personal data leaves a store as [`Personal`], which only opens with the request's [`Disclosure`]. They collect whom the
//! answer shows, and [`audited`] writes that down before the answer goes out.

pub mod chain;
mod from;
mod layer;
pub mod log;
mod personal;
mod refusals;
mod shown;

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::{Json, Uuid};

use crate::auth::Actor;
use crate::db::{DbError, Engine, Tx, as_text};
use crate::http::Ctx;
use crate::id::{OrganisationId, uuid_v7};
use crate::on;

pub use from::carried;
pub(crate) use from::{address, answering};
pub use layer::{Auditor, audited};
pub use personal::{Disclosure, Personal, Subject, Subjects};
pub use refusals::{ROWS_PER_MINUTE_MAX, Refusals};
pub(crate) use shown::{Asked, note_again, write as write_shown};

const INSERT: &str = "insert into audit
    (id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome, address)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

pub(crate) const INSERT_ALL_SQLITE: &str = "insert into audit
        (id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome, address)
    select unhex(e.value ->> 'id'), e.value ->> 'occurred_at', unhex(e.value ->> 'actor'),
        unhex(e.value ->> 'organisation'), e.value ->> 'action', e.value ->> 'resource_kind',
        unhex(e.value ->> 'resource_id'), e.value ->> 'request_id', 'done', e.value ->> 'address'
    from json_each($1) e";
pub(crate) const INSERT_ALL_POSTGRES: &str = "insert into audit
        (id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome, address)
    select (e ->> 'id')::uuid, (e ->> 'occurred_at')::timestamptz, (e ->> 'actor')::uuid,
        (e ->> 'organisation')::uuid, e ->> 'action', e ->> 'resource_kind', (e ->> 'resource_id')::uuid,
        e ->> 'request_id', 'done', e ->> 'address'
    from jsonb_array_elements($1) e";

/// Something that was done, for [`record_all`].
#[derive(Clone, Debug)]
pub struct Done<'a> {
    /// When it was done.
    pub at: DateTime<Utc>,
    /// The account that did it; `None` for an event, a timer or the command line.
    pub actor: Option<&'a Actor>,
    /// The action: `consult.finish`.
    pub action: Cow<'a, str>,
    /// To a thing of this kind.
    pub resource_kind: &'static str,
    pub resource: Uuid,
    /// The id of the request or of the event that it came from.
    pub request_id: &'a str,
}

/// A row as both engines read it out of one JSON array.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'a> {
    id: String,
    occurred_at: String,
    actor: Option<String>,
    organisation: Option<String>,
    action: &'a str,
    resource_kind: &'static str,
    resource_id: String,
    request_id: &'a str,
    address: Option<&'a str>,
}

impl<'a> Row<'a> {
    pub(crate) fn of(done: &'a Done<'_>, address: Option<&'a str>) -> Self {
        let hex = |id: Uuid| id.simple().to_string();
        Self {
            id: hex(uuid_v7(done.at)),
            occurred_at: as_text(done.at),
            actor: done.actor.map(|a| hex(a.subject.into())),
            organisation: done.actor.map(|a| hex(a.organisation.into())),
            action: &done.action,
            resource_kind: done.resource_kind,
            resource_id: hex(done.resource),
            request_id: done.request_id,
            address,
        }
    }
}

/// Writes many rows by one statement.
pub async fn record_all(tx: &mut Tx, done: &[Done<'_>]) -> Result<(), DbError> {
    if done.is_empty() {
        return Ok(());
    }
    let address = from::address();
    let rows: Vec<Row<'_>> = done.iter().map(|done| Row::of(done, address.as_deref())).collect();
    match tx.engine() {
        Engine::Sqlite(c) => sqlx::query(INSERT_ALL_SQLITE).bind(Json(rows)).execute(c).await.map(drop)?,
        Engine::Postgres(c) => sqlx::query(INSERT_ALL_POSTGRES).bind(Json(rows)).execute(c).await.map(drop)?,
    }
    Ok(())
}

/// Writes the row for what `ctx`'s actor did: `action` such as `consult.accept`, of a `resource_kind`.
pub async fn record(
    tx: &mut Tx,
    ctx: &Ctx,
    action: &str,
    resource_kind: &str,
    resource: impl Into<Uuid>,
) -> Result<(), DbError> {
    record_as(tx, ctx.now(), Some(&ctx.actor), action, resource_kind, Some(resource.into()), &ctx.request_id, "done")
        .await
}

/// The same row in the actor's log and in those of other organisations whose business it is besides, once in each.
pub async fn record_with(
    tx: &mut Tx,
    ctx: &Ctx,
    others: impl IntoIterator<Item = OrganisationId>,
    action: &str,
    resource_kind: &str,
    resource: impl Into<Uuid>,
) -> Result<(), DbError> {
    let resource = resource.into();
    let logs: BTreeSet<OrganisationId> = others.into_iter().chain([ctx.actor.organisation]).collect();
    for organisation in logs {
        let actor = Actor { organisation, ..ctx.actor.clone() };
        record_as(tx, ctx.now(), Some(&actor), action, resource_kind, Some(resource), &ctx.request_id, "done").await?;
    }
    Ok(())
}

/// The row of a log-in of an account: nobody is logged in yet, and the administrators of its `organisation` read it.
pub async fn record_log_in(
    tx: &mut Tx,
    at: DateTime<Utc>,
    (account, organisation): (Option<Uuid>, Option<OrganisationId>),
    action: &str,
    request_id: &str,
    outcome: &str,
) -> Result<(), DbError> {
    on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(uuid_v7(at)).bind(at).bind(None::<Uuid>).bind(organisation);
        let row = row.bind(action).bind("account").bind(account).bind(request_id).bind(outcome);
        row.bind(from::address()).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// The same as [`record`] for what happens without a logged-in person: a consumed event, a start.
#[expect(clippy::too_many_arguments, reason = "one argument a column")]
pub async fn record_as(
    tx: &mut Tx,
    at: DateTime<Utc>,
    actor: Option<&Actor>,
    action: &str,
    resource_kind: &str,
    resource: Option<Uuid>,
    request_id: &str,
    outcome: &str,
) -> Result<(), DbError> {
    on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(uuid_v7(at)).bind(at);
        let row = row.bind(actor.map(|a| a.subject)).bind(actor.map(|a| a.organisation));
        let row = row.bind(action).bind(resource_kind).bind(resource).bind(request_id).bind(outcome);
        row.bind(from::address()).execute(c).await.map(drop)
    })?;
    Ok(())
}
