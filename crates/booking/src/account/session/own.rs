//! The log-ins of an account, as its owner and its administrator see them.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use sanbao_platform::on;
use serde::Serialize;
use utoipa::ToSchema;

use super::place::DeviceKind;
use crate::account::config::SESSION_HOURS_MAX;
use crate::account::id::{AccountId, SessionId};

const LIST: &str = "select s.id, s.created_at, s.seen_at, s.seen_from, s.agent, d.kind as device
    from login_session s left join device d on d.id = s.device_id
    where s.account_id = $1 and s.ended_at is null and s.created_at > $2
    and exists (select 1 from refresh_token t where t.session_id = s.id and t.used_at is null and t.expires_at > $3)
    order by s.created_at desc, s.id limit 100";

/// One log-in of an account.
#[derive(Clone, Debug, Serialize, ToSchema, sqlx_macros::FromRow)]
pub struct LogInView {
    pub id: SessionId,
    /// Whether it is the one that asks.
    #[sqlx(default)]
    pub this: bool,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When it was last renewed.
    pub seen_at: Option<DateTime<Utc>>,
    /// From which network address that was.
    pub seen_from: Option<String>,
    /// The program and its system.
    pub agent: Option<String>,
    /// Whose device it is on; nothing of a program.
    pub device: Option<DeviceKind>,
}

/// The caller's log-ins that have not ended, the newest first; 100 at most.
pub(in crate::account) async fn list(conn: &mut Conn, ctx: &Ctx) -> Result<Vec<LogInView>, DbError> {
    list_of(conn, ctx, ctx.actor.subject.into()).await
}

/// The same of any account, which the caller was found to manage.
pub(in crate::account) async fn list_of(
    conn: &mut Conn,
    ctx: &Ctx,
    account: AccountId,
) -> Result<Vec<LogInView>, DbError> {
    let (now, since) = (ctx.now(), ctx.now() - Duration::hours(SESSION_HOURS_MAX));
    let mut rows: Vec<LogInView> =
        on!(conn, |c| { sqlx::query_as(LIST).bind(account).bind(since).bind(now).fetch_all(c).await })?;
    for row in &mut rows {
        row.this = row.id.0 == ctx.actor.session;
    }
    Ok(rows)
}
