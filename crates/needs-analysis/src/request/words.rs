//! The names and addresses of requests, each once: a part of one is looked for among them, and not in a million rows.

use std::collections::BTreeSet;

use sanbao_platform::db::{Conn, Db, DbError, Engine, Tx};
use sanbao_platform::on;
use sqlx::types::Json;

use super::id::RequestId;
use super::model::Request;

/// So many are looked at by one statement when those are swept out that no request has any more.
const SWEPT_AT_ONCE: i64 = 500;

const KEEP_SQLITE: &str = "insert into request_text (kind, text)
    select json_extract(value, '$[0]'), lower(json_extract(value, '$[1]')) from json_each($1) where true
    on conflict do nothing";
const KEEP_POSTGRES: &str = "insert into request_text (kind, text)
    select value ->> 0, lower(value ->> 1) from jsonb_array_elements($1) on conflict do nothing";
const OF: &str = "select elder_name, address from request where id = $1";
// The texts after `$1`, `$2` that no request has.
const UNUSED: &str = "select kind, text, is_used from (
        select t.kind, t.text, case t.kind
            when 'name' then exists (select 1 from request r where lower(r.elder_name) = t.text)
            else exists (select 1 from request r where lower(r.address) = t.text and r.address is not null) end as is_used
        from request_text t where (t.kind, t.text) > ($1, $2) order by t.kind, t.text limit $3) x
    order by kind, text";
pub(super) const FORGET: &str = "delete from request_text where kind = $1 and text = lower($2)
    and not exists (select 1 from request r where $1 = 'name' and lower(r.elder_name) = lower($2))
    and not exists (select 1 from request r where $1 = 'address' and lower(r.address) = lower($2)
        and r.address is not null)";

#[derive(Debug, sqlx_macros::FromRow)]
struct KeptText {
    kind: String,
    #[sqlx(rename = "text")]
    words: String,
    is_used: bool,
}

/// Keeps the names and addresses of requests that are written.
pub(super) async fn keep(conn: &mut Conn, requests: &[&Request]) -> Result<(), DbError> {
    let mut texts = BTreeSet::new();
    for request in requests {
        let elder = request.details.elder.unseen();
        texts.insert(("name", elder.name.as_str()));
        texts.extend(elder.address.as_deref().map(|address| ("address", address)));
    }
    let statement = match conn.engine() {
        Engine::Sqlite(_) => KEEP_SQLITE,
        Engine::Postgres(_) => KEEP_POSTGRES,
    };
    // In one order for everybody: who writes the same texts waits, and not in a circle.
    let texts = Json(texts);
    on!(conn, |c| sqlx::query(statement).bind(&texts).execute(c).await.map(drop))?;
    Ok(())
}

/// The name and the address of a request, before it is emptied.
pub(super) async fn of(conn: &mut Conn, id: RequestId) -> Result<(String, Option<String>), DbError> {
    let row: Option<(String, Option<String>)> = on!(conn, |c| sqlx::query_as(OF).bind(id).fetch_optional(c).await)?;
    Ok(row.unwrap_or_default())
}

/// Forgets a name and an address that no request has any more.
pub(super) async fn forget(tx: &mut Tx, name: &str, address: Option<&str>) -> Result<(), DbError> {
    for (kind, text) in [("name", Some(name)), ("address", address)] {
        if let Some(text) = text {
            on!(tx, |c| sqlx::query(FORGET).bind(kind).bind(text).execute(c).await.map(drop))?;
        }
    }
    Ok(())
}

/// Forgets all that no request has any more: of imports that were taken back, and of what was put right; how many.
pub async fn sweep(db: &Db) -> Result<usize, DbError> {
    let (mut after, mut swept) = ((String::new(), String::new()), 0);
    loop {
        let mut conn = db.read().await?;
        let texts: Vec<KeptText> = on!(&mut conn, |c| {
            sqlx::query_as(UNUSED).bind(&after.0).bind(&after.1).bind(SWEPT_AT_ONCE).fetch_all(c).await
        })?;
        drop(conn);
        let Some(last) = texts.last() else { return Ok(swept) };
        after = (last.kind.clone(), last.words.clone());
        let unused: Vec<&KeptText> = texts.iter().filter(|text| !text.is_used).collect();
        if unused.is_empty() {
            continue;
        }
        let mut tx = db.begin().await?;
        for text in &unused {
            on!(&mut tx, |c| sqlx::query(FORGET).bind(&text.kind).bind(&text.words).execute(c).await.map(drop))?;
        }
        tx.commit().await?;
        swept += unused.len();
    }
}
