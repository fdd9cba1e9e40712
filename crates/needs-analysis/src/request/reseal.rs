//! The sealed resident ids, for sealing them anew under another key; and what is derived from their indexes.

use sanbao_platform::cn::BLIND_INDEX_DOMAIN;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::on;
use sanbao_platform::reseal::{BATCH_ROWS, Report, SealedColumn};
use uuid::Uuid;

use super::details::{person_key, place};

const COUNT: &str =
    "select count(*) from request where national_id_sealed is not null or national_id_index is not null";
const READ: &str = "select id, national_id_sealed as sealed, national_id_index as blind_index from request
    where id > $1 and (national_id_sealed is not null or national_id_index is not null) order by id limit $2";
const WRITE: &str = "update request set national_id_sealed = $2, national_id_index = $3 where id = $1";

const ELDER_COUNT: &str = "select count(*) from elder where national_id_index is not null";
const ELDER_READ: &str = "select person_id as id, cast(null as bytea) as sealed, national_id_index as blind_index
    from elder where person_id > $1 and national_id_index is not null order by person_id limit $2";
const ELDER_WRITE: &str = "update elder set national_id_index = $3 where person_id = $1 and cast($2 as bytea) is null";

const KEY_COUNT: &str = "select count(*) from request where person_key is not null";
const KEY_READ: &str = "select id, elder_name, phone, national_id_index, person_key from request
    where id > $1 and person_key is not null order by id limit $2";
const KEY_WRITE: &str = "update request set person_key = $2 where id = $1";

/// Requests' resident ids.
pub const NATIONAL_IDS: SealedColumn =
    SealedColumn { table: "request", count: COUNT, read: READ, write: WRITE, place, domain: BLIND_INDEX_DOMAIN };

/// The sealed contacts of the network's elders: indexes without values.
pub const ELDERS: SealedColumn = SealedColumn {
    table: "elder",
    count: ELDER_COUNT,
    read: ELDER_READ,
    write: ELDER_WRITE,
    place,
    domain: BLIND_INDEX_DOMAIN,
};

#[derive(sqlx_macros::FromRow)]
struct Keyed {
    id: Uuid,
    elder_name: String,
    phone: Option<String>,
    national_id_index: Option<String>,
    person_key: Uuid,
}

/// Finds anew by which key each request's elder is counted, once the indexes are those of now.
pub async fn renew_person_keys(
    db: &Db,
    fields: &FieldKeys,
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, DbError> {
    let mut conn = db.read().await?;
    let all: i64 = on!(conn, |c| sqlx::query_scalar(KEY_COUNT).fetch_one(c).await)?;
    let (mut report, mut after) = (Report::default(), Uuid::nil());
    loop {
        let mut tx = db.begin().await?;
        let rows: Vec<Keyed> = on!(tx, |c| sqlx::query_as(KEY_READ).bind(after).bind(BATCH_ROWS).fetch_all(c).await)?;
        let Some(last) = rows.last() else { return Ok(report) };
        after = last.id;
        for row in &rows {
            report.seen += 1;
            let key = person_key(row.national_id_index.as_deref(), &row.elder_name, row.phone.as_deref(), fields);
            if key != Some(row.person_key) {
                on!(tx, |c| sqlx::query(KEY_WRITE).bind(row.id).bind(key).execute(c).await.map(drop))?;
                report.renewed += 1;
            }
        }
        tx.commit().await?;
        progress(report.seen, u64::try_from(all).unwrap_or(0));
    }
}
