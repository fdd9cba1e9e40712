//! Orders in the database.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::{OrganisationId, SubjectId, uuid_v7};
use sanbao_platform::on;
use sanbao_platform::problem::{CONFLICT, Problem};
use uuid::Uuid;

use super::order::{DualOrder, OrderKind};
use super::view::OrderView;
use crate::account::id::AccountId;

/// How long an order waits, in days.
const ORDER_DAYS: i64 = 7;
/// Orders of one organisation that wait at a time; its list shows them all.
const WAITING_MAX: i64 = 100;

const INSERT: &str = "insert into dual_control_order
    (id, organisation_id, kind, subject, name, wish, given_by, given_in, given_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
/// The orders that stand at `$2`: not answered, not run out, of somebody who may still give them.
macro_rules! orders {
    ($where:literal) => {
        concat!(
            "select r.id, r.organisation_id, r.kind, r.subject, r.name, r.wish, r.given_by, r.given_in,
    a.display_name as by, r.given_at, r.expires_at from dual_control_order r join account a on a.id = r.given_by
    where r.organisation_id = $1 and r.ended_at is null and r.expires_at > $2 and a.status = 'active'
    and exists (select 1 from membership m
        where m.account_id = r.given_by and m.organisation_id = r.given_in and m.role = 'administrator')",
            $where
        )
    };
}
const FIND: &str = orders!(" and r.id = $3");
const LIST: &str = orders!(" order by r.given_at desc, r.id desc limit $3");
const END: &str = "update dual_control_order set ended_at = $3, ended_by = $4, outcome = $5, wish = null,
    name = '', subject = '' where organisation_id = $1 and id = $2 and ended_at is null";
/// The same order of before, or the one of the same kind about the same account: one of them waits at a time.
const REPLACE: &str = "update dual_control_order set ended_at = $4, ended_by = $5, outcome = 'replaced', wish = null,
    name = '', subject = '' where organisation_id = $1 and kind = $2 and subject = $3 and kind <> 'offer' and ended_at is null";
/// Of an order that has run out nothing is kept but that there was one.
const RUN_OUT: &str =
    "update dual_control_order set ended_at = $2, ended_by = given_by, outcome = 'run_out', wish = null,
    name = '', subject = '' where organisation_id = $1 and ended_at is null and expires_at <= $2";

/// An order that waits.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(in crate::account) struct StandingOrder {
    pub(in crate::account) id: Uuid,
    pub(super) organisation_id: OrganisationId,
    pub(in crate::account) kind: OrderKind,
    pub(super) subject: String,
    /// The name of the one it is about.
    pub(in crate::account) name: String,
    wish: Option<String>,
    pub(in crate::account) given_by: AccountId,
    /// Where that account was administrator.
    pub(super) given_in: OrganisationId,
    /// The name of that account.
    pub(in crate::account) by: String,
    pub(super) given_at: DateTime<Utc>,
    pub(in crate::account) expires_at: DateTime<Utc>,
}

impl StandingOrder {
    /// Whether it is about an account.
    pub(in crate::account) fn is_about(&self, account: SubjectId) -> bool {
        self.subject == account.to_string()
    }

    pub(super) fn wish(&self) -> Result<DualOrder, Problem> {
        serde_json::from_str(self.wish.as_deref().unwrap_or_default()).map_err(Problem::internal)
    }
}

/// Writes an order down, in place of what it is to do, and tells of it; `name` is of the one it is about.
pub(in crate::account) async fn give(
    tx: &mut Tx,
    ctx: &Ctx,
    organisation: OrganisationId,
    wish: &DualOrder,
    name: &str,
) -> Result<OrderView, Problem> {
    let (id, now, by) = (uuid_v7(ctx.now()), ctx.now(), ctx.actor.subject);
    let (kind, subject) = (wish.kind(), wish.subject());
    let text = serde_json::to_string(wish).map_err(Problem::internal)?;
    on!(tx, |c| sqlx::query(RUN_OUT).bind(organisation).bind(now).execute(c).await.map(drop))?;
    on!(tx, |c| {
        let row = sqlx::query(REPLACE).bind(organisation).bind(kind).bind(&subject).bind(now).bind(by);
        row.execute(c).await.map(drop)
    })?;
    if list(tx, organisation, now).await?.len() >= usize::try_from(WAITING_MAX).unwrap_or(usize::MAX) {
        let zh = format!("等待确认的申请已有 {WAITING_MAX} 项，请先确认或拒绝其中一些");
        let en = format!("{WAITING_MAX} orders wait already: confirm or refuse some of them first");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(id).bind(organisation).bind(kind).bind(&subject).bind(name).bind(&text);
        let row = row.bind(by).bind(ctx.actor.organisation).bind(now).bind(now + Duration::days(ORDER_DAYS));
        row.execute(c).await.map(drop)
    })?;
    audit::record_with(tx, ctx, [organisation], "dual_control.ask_second", "dual_control_order", id).await?;
    let order = find(tx, (organisation, id), now).await?;
    Ok(OrderView::of(order.ok_or_else(|| Problem::internal("an order is gone at its beginning"))?))
}

/// One order, while it stands.
pub(super) async fn find(
    conn: &mut Conn,
    (organisation, id): (OrganisationId, Uuid),
    now: DateTime<Utc>,
) -> Result<Option<StandingOrder>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(organisation).bind(now).bind(id).fetch_optional(c).await)?)
}

/// The orders of an organisation that wait, the newest first; 100 at most.
pub(in crate::account) async fn list(
    conn: &mut Conn,
    organisation: OrganisationId,
    now: DateTime<Utc>,
) -> Result<Vec<StandingOrder>, DbError> {
    Ok(on!(conn, |c| { sqlx::query_as(LIST).bind(organisation).bind(now).bind(WAITING_MAX).fetch_all(c).await })?)
}

/// Ends an order; `false` when it has ended already. What it was is forgotten.
pub(super) async fn end(
    tx: &mut Tx,
    (organisation, id): (OrganisationId, Uuid),
    ctx: &Ctx,
    outcome: &'static str,
) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(END).bind(organisation).bind(id).bind(ctx.now()).bind(ctx.actor.subject).bind(outcome);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}
