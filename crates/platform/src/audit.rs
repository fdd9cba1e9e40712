//! The audit log: a row for every write and every read of health data, in the same transaction.

use sqlx::types::Uuid;

use crate::auth::Actor;
use crate::db::{DbError, Tx};
use crate::http::Ctx;
use crate::id::uuid_v7;
use crate::on;

const INSERT: &str = "insert into audit
    (id, occurred_at, actor, organisation, action, resource_kind, resource_id, request_id, outcome)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

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

/// The same for what happens without a logged-in person: a log-in, a consumed event, a start.
#[expect(clippy::too_many_arguments, reason = "one argument a column")]
pub async fn record_as(
    tx: &mut Tx,
    at: chrono::DateTime<chrono::Utc>,
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
        row.bind(action).bind(resource_kind).bind(resource).bind(request_id).bind(outcome).execute(c).await.map(drop)
    })?;
    Ok(())
}
