//! Drafts in the database, sealed.

use chrono::{DateTime, Utc};
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use sanbao_platform::reseal::SealedColumn;
use uuid::Uuid;

use super::input::DraftParts;
use super::model::{ConsultDraft, DraftTold};
use crate::account::{AccountId, PersonId};
use crate::consult::id::ConsultDraftId;

/// One organisation's drafts are counted one after the other.
const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(727018, hashtext($1))";
const OWNER: &str = "select account_id, organisation_id, version from consult_draft where id = $1";
const COUNT: &str = "select count(*), coalesce(sum(case when account_id = $2 then 1 else 0 end), 0)
    from consult_draft where organisation_id = $1";
const INSERT: &str =
    "insert into consult_draft (id, organisation_id, account_id, resident_id, sealed, changed_at, version)
    values ($1, $2, $3, $4, $5, $6, 1) on conflict do nothing";
const UPDATE: &str = "update consult_draft set resident_id = $3, sealed = $4, changed_at = $5, version = version + 1
    where id = $1 and version = $2";
const DISCARD: &str = "delete from consult_draft where id = $1 and account_id = $2 and organisation_id = $3";
const FORGET: &str = "delete from consult_draft where changed_at <= $1";
// A record that leads on is that of the one it leads to, who may be of another house by now.
const MINE: &str = "select d.id, p.id as resident_id, p.name as resident_name, d.sealed, d.changed_at, d.version
    from consult_draft d left join person w on w.id = d.resident_id
    left join person p on p.id = coalesce(w.merged_into, w.id) and p.organisation_id = d.organisation_id
    where d.account_id = $1 and d.organisation_id = $2 and ($3 is null or d.id = $3) order by d.changed_at desc, d.id";

const COUNT_SEALED: &str = "select count(*) from consult_draft";
const READ_SEALED: &str = "select id, sealed, cast(null as text) as blind_index from consult_draft
    where id > $1 order by id limit $2";
const WRITE_SEALED: &str = "update consult_draft set sealed = $2 where id = $1 and cast($3 as text) is null";

/// The drafts, for sealing them anew under another key; nobody is found by them, so they have no index.
pub const SEALED: SealedColumn = SealedColumn {
    table: "consult_draft",
    count: COUNT_SEALED,
    read: READ_SEALED,
    write: WRITE_SEALED,
    place,
    domain: "consult_draft",
};

/// The context that a draft is sealed for.
fn place(id: Uuid) -> String {
    format!("consult.draft:{id}")
}

/// Whose a draft is, and its version.
#[derive(Clone, Copy, Debug, sqlx_macros::FromRow)]
pub(super) struct Owned {
    account_id: AccountId,
    organisation_id: OrganisationId,
    pub(super) version: i64,
}

impl Owned {
    /// Whether the caller writes it, for the same organisation.
    pub(super) fn is_of(self, ctx: &Ctx) -> bool {
        self.account_id == ctx.actor.subject.into() && self.organisation_id == ctx.actor.organisation
    }
}

#[derive(sqlx_macros::FromRow)]
struct DraftRow {
    id: ConsultDraftId,
    resident_id: Option<PersonId>,
    resident_name: Option<String>,
    sealed: Vec<u8>,
    changed_at: DateTime<Utc>,
    version: i64,
}

impl DraftRow {
    /// The draft, or none where it does not open, which the log says once.
    fn opened(self, keys: &FieldKeys) -> Option<ConsultDraft> {
        let text = keys.open_or_report(&place(self.id.0), &self.sealed)?;
        let parts: DraftParts = serde_json::from_str(&text).ok()?;
        let parts = DraftParts { resident_id: self.resident_id, ..parts };
        let told = DraftTold { resident_name: self.resident_name, parts };
        let (id, resident_id, changed_at) = (self.id, self.resident_id, self.changed_at);
        Some(ConsultDraft { id, resident_id, told: told.into(), changed_at, version: self.version })
    }
}

/// Lets one new draft of the caller's organisation be counted at a time.
pub(super) async fn lock(tx: &mut Tx, ctx: &Ctx) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(LOCK_POSTGRES).bind(ctx.actor.organisation.to_string()).execute(c).await?;
    }
    Ok(())
}

/// Whose a draft is.
pub(super) async fn owner(conn: &mut Conn, id: ConsultDraftId) -> Result<Option<Owned>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(OWNER).bind(id).fetch_optional(c).await)?)
}

/// How many drafts the caller's organisation has, and the caller.
pub(super) async fn counted(conn: &mut Conn, ctx: &Ctx) -> Result<(i64, i64), DbError> {
    let (organisation, account) = (ctx.actor.organisation, ctx.actor.subject);
    Ok(on!(conn, |c| sqlx::query_as(COUNT).bind(organisation).bind(account).fetch_one(c).await)?)
}

/// Keeps a draft over the version that was read; `false` when it was changed since, or is there already.
pub(super) async fn write(
    tx: &mut Tx,
    ctx: &Ctx,
    keys: &FieldKeys,
    (id, read): (ConsultDraftId, Option<i64>),
    parts: &DraftParts,
) -> Result<bool, Problem> {
    let unnamed = DraftParts { resident_id: None, ..parts.clone() };
    let text = serde_json::to_string(&unnamed).map_err(Problem::internal)?;
    let sealed = keys.seal(&place(id.0), &text);
    let (organisation, account) = (ctx.actor.organisation, ctx.actor.subject);
    let rows = on!(tx, |c| {
        let row = match read {
            None => sqlx::query(INSERT).bind(id).bind(organisation).bind(account),
            Some(version) => sqlx::query(UPDATE).bind(id).bind(version),
        };
        row.bind(parts.resident_id).bind(&sealed).bind(ctx.now()).execute(c).await.map(|done| done.rows_affected())
    })
    .map_err(DbError::from)?;
    Ok(rows == 1)
}

/// The caller's drafts, or the one of this id among them, the last changed first.
pub(super) async fn mine(
    conn: &mut Conn,
    ctx: &Ctx,
    keys: &FieldKeys,
    only: Option<ConsultDraftId>,
) -> Result<Vec<ConsultDraft>, DbError> {
    let (account, organisation) = (ctx.actor.subject, ctx.actor.organisation);
    let rows: Vec<DraftRow> =
        on!(conn, |c| sqlx::query_as(MINE).bind(account).bind(organisation).bind(only).fetch_all(c).await)?;
    Ok(rows.into_iter().filter_map(|row| row.opened(keys)).collect())
}

/// Discards a draft of the caller's; `false` where it is none.
pub(super) async fn discard(tx: &mut Tx, ctx: &Ctx, id: ConsultDraftId) -> Result<bool, DbError> {
    let (account, organisation) = (ctx.actor.subject, ctx.actor.organisation);
    let rows = on!(tx, |c| {
        sqlx::query(DISCARD).bind(id).bind(account).bind(organisation).execute(c).await.map(|r| r.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Discards what was last changed up to a moment; how many.
pub(super) async fn forget(tx: &mut Tx, until: DateTime<Utc>) -> Result<u64, DbError> {
    Ok(on!(tx, |c| sqlx::query(FORGET).bind(until).execute(c).await.map(|r| r.rows_affected()))?)
}

/// The text that a draft was sealed from, for the file of all that is kept of somebody.
pub(crate) fn told(keys: &FieldKeys, id: Uuid, sealed: &[u8]) -> Option<serde_json::Value> {
    let text = keys.open_or_report(&place(id), sealed)?;
    serde_json::from_str(&text).ok()
}
