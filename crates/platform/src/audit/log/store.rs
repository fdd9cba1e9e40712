//! The rows of the log that one organisation's administrators read.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::AuditEvent;
use super::query::AuditFilter;
use crate::db::{Conn, DbError};
use crate::id::OrganisationId;
use crate::on;

const LIST: &str =
    "select id, occurred_at, actor, action, resource_kind, resource_id, request_id, outcome, times, address,
        (select count(*) from audit_shown s where s.shown = a.shown) as people
    from audit a where organisation = $1 and id >= $2 and id < $3
        and ($4 is null or actor = $4 or (actor is null and resource_kind = 'account' and resource_id = $4))
        and ($5 is null or action like $5 escape '\\')
        and ($6 is null or (resource_id = $6 and outcome not in ('refused', 'refused_often'))
            or exists (select 1 from audit_shown s where s.shown = a.shown and s.id = $6))
        and ($7 = 0 or outcome <> 'done')
    order by id desc limit $8";

/// A row as it is stored.
#[derive(sqlx_macros::FromRow)]
pub(super) struct AuditRow {
    id: Uuid,
    occurred_at: DateTime<Utc>,
    actor: Option<Uuid>,
    action: String,
    resource_kind: String,
    resource_id: Option<Uuid>,
    request_id: String,
    outcome: String,
    times: i64,
    address: Option<String>,
    people: i64,
}

impl AuditRow {
    /// The row as it is read. A refused account may have asked for what is not there, or is no concern of the organisation's:
    /// what it asked for by id is not told on.
    pub(super) fn seen(self, names: &HashMap<Uuid, String>) -> AuditEvent {
        let refused = self.actor.is_some() && self.outcome.starts_with("refused");
        AuditEvent {
            id: self.id,
            at: self.occurred_at,
            account: self.actor,
            account_name: self.actor.and_then(|actor| names.get(&actor).cloned()),
            action: self.action,
            kind: self.resource_kind,
            thing: self.resource_id.filter(|_| !refused),
            shown: self.people,
            outcome: self.outcome,
            times: self.times,
            address: self.address,
            request_id: self.request_id,
        }
    }
}

/// Up to `limit` rows of an organisation, the newest first.
pub(super) async fn list(
    conn: &mut Conn,
    organisation: OrganisationId,
    filter: &AuditFilter,
    limit: i64,
) -> Result<Vec<AuditRow>, DbError> {
    let AuditFilter { account, action, thing, least, before, refused } = filter;
    Ok(on!(conn, |c| {
        let rows = sqlx::query_as(LIST).bind(organisation).bind(least).bind(before).bind(account).bind(action);
        rows.bind(thing).bind(i64::from(*refused)).bind(limit).fetch_all(c).await
    })?)
}
