//! Care facts in the database: sealed, as ids are.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use sanbao_platform::reseal::SealedColumn;
use uuid::Uuid;

use super::model::CareFacts;
use crate::account::id::{AccountId, PersonId};
use crate::account::person::sharing::{self, SharingScope};
use crate::account::problems::CARE_UNREADABLE;

const FIND: &str = "select sealed, version, changed_at from person_care where person_id = $1";
const INSERT: &str = "insert into person_care (person_id, sealed, copied_from, changed_at, changed_by, version)
    values ($1, $2, $3, $4, $5, 1) on conflict do nothing";
const UPDATE: &str = "update person_care set sealed = $3, changed_at = $4, changed_by = $5, version = version + 1
    where person_id = $1 and version = $2";
// What somebody has changed since is theirs.
const GIVE_BACK: &str = "delete from person_care where person_id = $1 and copied_from = $2 and version = 1";

const COUNT_SEALED: &str = "select count(*) from person_care";
const READ_SEALED: &str = "select person_id as id, sealed, cast(null as text) as blind_index from person_care
    where person_id > $1 order by person_id limit $2";
const WRITE_SEALED: &str = "update person_care set sealed = $2 where person_id = $1 and cast($3 as text) is null";

/// The facts, for sealing them anew under another key; nobody is found by them, so they have no index.
pub const SEALED: SealedColumn = SealedColumn {
    table: "person_care",
    count: COUNT_SEALED,
    read: READ_SEALED,
    write: WRITE_SEALED,
    place,
    domain: "person_care",
};

/// The context that a person's facts are sealed for.
fn place(person: Uuid) -> String {
    format!("person.care:{person}")
}

#[derive(sqlx_macros::FromRow)]
struct CareRow {
    sealed: Vec<u8>,
    version: i64,
    changed_at: DateTime<Utc>,
}

/// The facts as they are kept.
#[derive(Debug)]
pub(super) struct KeptCare {
    pub(super) facts: Personal<CareFacts>,
    /// Counts the changes; 0 where nothing is kept yet.
    pub(super) version: i64,
    pub(super) changed_at: Option<DateTime<Utc>>,
}

/// The facts of a person; an error when they do not open, which the log says once.
pub(super) async fn find(conn: &mut Conn, keys: &FieldKeys, person: PersonId) -> Result<KeptCare, Problem> {
    let row: Option<CareRow> =
        on!(conn, |c| sqlx::query_as(FIND).bind(person).fetch_optional(c).await).map_err(DbError::from)?;
    let Some(CareRow { sealed, version, changed_at }) = row else {
        return Ok(KeptCare { facts: CareFacts::default().into(), version: 0, changed_at: None });
    };
    let unreadable = || Problem::new(&CARE_UNREADABLE);
    let text = keys.open_or_report(&place(person.0), &sealed).ok_or_else(unreadable)?;
    let facts: CareFacts = serde_json::from_str(&text).map_err(Problem::internal)?;
    Ok(KeptCare { facts: facts.into(), version, changed_at: Some(changed_at) })
}

/// Keeps the facts over the version that was read; `false` when somebody else was faster.
pub(super) async fn write(
    tx: &mut Tx,
    ctx: &Ctx,
    keys: &FieldKeys,
    (person, read): (PersonId, i64),
    facts: &CareFacts,
) -> Result<bool, Problem> {
    let text = serde_json::to_string(facts).map_err(Problem::internal)?;
    let sealed = keys.seal(&place(person.0), &text);
    let by = AccountId::from(ctx.actor.subject);
    let rows = on!(tx, |c| {
        let row = match read {
            0 => sqlx::query(INSERT).bind(person).bind(&sealed).bind(None::<PersonId>),
            _ => sqlx::query(UPDATE).bind(person).bind(read).bind(&sealed),
        };
        row.bind(ctx.now()).bind(by).execute(c).await.map(|done| done.rows_affected())
    })
    .map_err(DbError::from)?;
    Ok(rows == 1)
}

/// Gives `to` the facts of `from`, where it has none.
pub(in crate::account::person) async fn take_over(
    tx: &mut Tx,
    ctx: &Ctx,
    keys: &FieldKeys,
    from: PersonId,
    to: PersonId,
) -> Result<(), Problem> {
    let kept = find(tx, keys, from).await?;
    if kept.version == 0 {
        return Ok(());
    }
    // Where the consent to keep them was taken back they go no further.
    for record in [from, to] {
        if sharing::is_withdrawn(tx, record, SharingScope::Keep).await? {
            return Ok(());
        }
    }
    let text = serde_json::to_string(kept.facts.unseen()).map_err(Problem::internal)?;
    let sealed = keys.seal(&place(to.0), &text);
    let by = AccountId::from(ctx.actor.subject);
    on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(to).bind(&sealed).bind(from).bind(ctx.now()).bind(by);
        row.execute(c).await.map(drop)
    })
    .map_err(DbError::from)?;
    Ok(())
}

/// Takes from a record what another has given it, unless somebody has changed it since.
pub(in crate::account::person) async fn give_back(tx: &mut Tx, from: PersonId, to: PersonId) -> Result<(), DbError> {
    Ok(on!(tx, |c| sqlx::query(GIVE_BACK).bind(from).bind(to).execute(c).await.map(drop))?)
}
