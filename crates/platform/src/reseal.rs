//! Sealing a network's fields anew under its current key, and finding its blind indexes anew.
//!
//! It goes in two passes over everything that is sealed. The first *learns* which index of before is which index of
//! now, from every value that opens. The second *renews* row by row, those among them that hold an index and no value,
//! and the events of the outbox that carry one. Each batch is a transaction, and whatever was renewed is passed over the
//! next time: it can be broken off anywhere and begun again.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use sqlx::types::{Json, Uuid};

use crate::crypto::FieldKeys;
use crate::db::{Db, DbError, Tx, expect_rows};
use crate::on;

/// How many rows one transaction takes.
pub const BATCH_ROWS: i64 = 500;

const OUTBOX_COUNT: &str = "select count(*) from outbox";
const OUTBOX_READ: &str = "select seq, data from outbox where seq > $1 order by seq limit $2";
const OUTBOX_WRITE: &str = "update outbox set data = $2 where seq = $1";

/// A column of sealed values with its blind index. A service declares it with its statements, each a constant.
#[derive(Clone, Copy, Debug)]
pub struct SealedColumn {
    /// The table, for people.
    pub table: &'static str,
    /// How many rows hold a value or an index.
    pub count: &'static str,
    /// Rows after the id `$1` in order of their ids, `$2` at most: id, sealed value, index.
    pub read: &'static str,
    /// Writes the row of the id `$1`: its sealed value `$2`, its index `$3`.
    pub write: &'static str,
    /// The place that a row's value is sealed for.
    pub place: fn(Uuid) -> String,
    /// The domain of its index.
    pub domain: &'static str,
}

/// Which index of before is which index of now.
#[derive(Debug, Default)]
pub struct Indexes {
    now: HashMap<String, String>,
    current: HashSet<String>,
}

/// The step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows and events that were looked at.
    pub seen: u64,
    /// Those that were written anew.
    pub renewed: u64,
    /// Values that do not open under any key; they stay as they are.
    pub unreadable: u64,
    /// Indexes of which no value is known; they stay as they are, and find nobody any more.
    pub unknown: u64,
}

impl Report {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            seen: self.seen + other.seen,
            renewed: self.renewed + other.renewed,
            unreadable: self.unreadable + other.unreadable,
            unknown: self.unknown + other.unknown,
        }
    }
}

#[derive(Debug, sqlx_macros::FromRow)]
struct Row {
    id: Uuid,
    sealed: Option<Vec<u8>>,
    blind_index: Option<String>,
}

async fn count(db: &Db, statement: &'static str) -> Result<u64, DbError> {
    let mut conn = db.read().await?;
    let rows: i64 = on!(conn, |c| sqlx::query_scalar(statement).fetch_one(c).await)?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

async fn rows_after(tx: &mut Tx, column: &SealedColumn, after: Uuid) -> Result<Vec<Row>, DbError> {
    Ok(on!(tx, |c| sqlx::query_as(column.read).bind(after).bind(BATCH_ROWS).fetch_all(c).await)?)
}

/// The first pass over one column. `progress` hears how many rows are done, and of how many.
pub async fn learn(
    db: &Db,
    keys: &FieldKeys,
    column: &SealedColumn,
    indexes: &mut Indexes,
    mut progress: impl FnMut(u64, u64),
) -> Result<(), DbError> {
    let (all, mut done, mut after) = (count(db, column.count).await?, 0, Uuid::nil());
    loop {
        let mut tx = db.begin().await?;
        let rows = rows_after(&mut tx, column, after).await?;
        drop(tx);
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        for row in &rows {
            let value = row.sealed.as_ref().and_then(|sealed| keys.open(&(column.place)(row.id), sealed).ok());
            let Some(value) = value else { continue };
            let current = keys.blind_index(column.domain, &value);
            for former in keys.former_indexes(column.domain, &value) {
                indexes.now.insert(former, current.clone());
            }
            indexes.current.insert(current);
        }
        done += rows.len() as u64;
        progress(done, all);
    }
}

/// The second pass over one column.
pub async fn renew(
    db: &Db,
    keys: &FieldKeys,
    column: &SealedColumn,
    indexes: &Indexes,
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, DbError> {
    let (all, mut report, mut after) = (count(db, column.count).await?, Report::default(), Uuid::nil());
    while let Some(last) = renew_batch(db, keys, column, indexes, after, &mut report).await? {
        after = last;
        progress(report.seen, all);
    }
    Ok(report)
}

/// One transaction of the second pass; the last id that it took, `None` at the end.
async fn renew_batch(
    db: &Db,
    keys: &FieldKeys,
    column: &SealedColumn,
    indexes: &Indexes,
    after: Uuid,
    report: &mut Report,
) -> Result<Option<Uuid>, DbError> {
    let mut tx = db.begin().await?;
    let rows = rows_after(&mut tx, column, after).await?;
    for row in &rows {
        report.seen += 1;
        let Some((sealed, index)) = renewed(row, keys, column, indexes, report) else { continue };
        let written = on!(tx, |c| {
            let written = sqlx::query(column.write).bind(row.id).bind(&sealed).bind(&index).execute(c).await;
            written.map(|done| done.rows_affected())
        })?;
        expect_rows(column.table, 1, written)?;
        report.renewed += 1;
    }
    tx.commit().await?;
    Ok(rows.last().map(|row| row.id))
}

/// The value and the index that a row should have, if these are others than it has.
fn renewed(
    row: &Row,
    keys: &FieldKeys,
    column: &SealedColumn,
    indexes: &Indexes,
    report: &mut Report,
) -> Option<(Option<Vec<u8>>, Option<String>)> {
    let place = (column.place)(row.id);
    let value = row.sealed.as_ref().and_then(|sealed| keys.open_or_report(&place, sealed));
    report.unreadable += u64::from(row.sealed.is_some() && value.is_none());
    let sealed = match (&row.sealed, &value) {
        (Some(sealed), Some(value)) if !keys.is_current(sealed) => Some(keys.seal(&place, value)),
        (sealed, _) => sealed.clone(),
    };
    let index = match (&row.blind_index, &value) {
        (None, _) => None,
        (Some(_), Some(value)) => Some(keys.blind_index(column.domain, value)),
        (Some(index), None) => {
            report.unknown += u64::from(!indexes.knows(index));
            Some(indexes.now.get(index).unwrap_or(index).clone())
        }
    };
    (sealed != row.sealed || index != row.blind_index).then_some((sealed, index))
}

impl Indexes {
    fn knows(&self, index: &str) -> bool {
        self.now.contains_key(index) || self.current.contains(index)
    }

    /// Puts the index of now into each place of `value` that holds one of before; whether there was any.
    fn renew(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.now.get(text.as_str()) {
                Some(now) => {
                    text.clone_from(now);
                    true
                }
                None => false,
            },
            Value::Array(items) => items.iter_mut().fold(false, |any, item| self.renew(item) | any),
            Value::Object(fields) => fields.values_mut().fold(false, |any, field| self.renew(field) | any),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

/// The second pass over a service's events: a consumer that takes them later finds their people by the new indexes.
pub async fn renew_outbox(db: &Db, indexes: &Indexes, mut progress: impl FnMut(u64, u64)) -> Result<Report, DbError> {
    let (all, mut report, mut after) = (count(db, OUTBOX_COUNT).await?, Report::default(), 0_i64);
    loop {
        let mut tx = db.begin().await?;
        let rows: Vec<(i64, Json<Value>)> =
            on!(tx, |c| sqlx::query_as(OUTBOX_READ).bind(after).bind(BATCH_ROWS).fetch_all(c).await)?;
        let Some((last, _)) = rows.last() else { return Ok(report) };
        after = *last;
        for (seq, Json(mut data)) in rows {
            report.seen += 1;
            if indexes.renew(&mut data) {
                let write = Json(data);
                on!(tx, |c| sqlx::query(OUTBOX_WRITE).bind(seq).bind(&write).execute(c).await.map(drop))?;
                report.renewed += 1;
            }
        }
        tx.commit().await?;
        progress(report.seen, all);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::db::{Migrations, Script};
    use crate::testing::on_both;

    const CARDS: Migrations = Migrations {
        sqlite: &[Script {
            version: 100,
            name: "card",
            sql: "create table card (id blob primary key not null, number_sealed blob, number_index text) strict;",
        }],
        postgres: &[Script {
            version: 100,
            name: "card",
            sql: "create table card (id uuid primary key, number_sealed bytea, number_index text);",
        }],
    };
    const NUMBERS: SealedColumn = SealedColumn {
        table: "card",
        count: "select count(*) from card",
        read: "select id, number_sealed as sealed, number_index as blind_index from card where id > $1
            order by id limit $2",
        write: "update card set number_sealed = $2, number_index = $3 where id = $1",
        place,
        domain: "number",
    };
    const EVENT: &str = "insert into outbox (event_id, kind, subject, occurred_at, data) values ($1, 'k', $1, $2, $3)";
    const EVENTS: &str = "select data from outbox order by seq";

    fn place(id: Uuid) -> String {
        format!("card.number:{id}")
    }

    fn id(n: u64) -> Uuid {
        Uuid::from_u128(u128::from(n))
    }

    async fn insert(tx: &mut Tx, n: u64, sealed: Option<Vec<u8>>, index: Option<String>) {
        on!(tx, |c| sqlx::query("insert into card (id, number_sealed, number_index) values ($1, $2, $3)")
            .bind(id(n))
            .bind(&sealed)
            .bind(&index)
            .execute(c)
            .await
            .map(drop))
        .unwrap();
    }

    async fn add(db: &Db, n: u64, sealed: Option<Vec<u8>>, index: Option<String>) {
        let mut tx = db.begin().await.unwrap();
        insert(&mut tx, n, sealed, index).await;
        tx.commit().await.unwrap();
    }

    async fn stored(db: &Db) -> Vec<Row> {
        let mut tx = db.begin().await.unwrap();
        let (mut rows, mut after) = (Vec::new(), Uuid::nil());
        loop {
            let more = rows_after(&mut tx, &NUMBERS, after).await.unwrap();
            let Some(last) = more.last() else { return rows };
            after = last.id;
            rows.extend(more);
        }
    }

    /// More than a batch of cards under the first key, one of them unreadable, one with an index alone, one whose index
    /// belongs to nobody; and an event that carries an index.
    async fn fill(db: &Db, keys: &FieldKeys) -> u64 {
        let many = u64::try_from(BATCH_ROWS).unwrap() + 20;
        let mut tx = db.begin().await.unwrap();
        for n in 1..=many {
            let (number, place) = (format!("number {n}"), place(id(n)));
            let (sealed, index) = (keys.seal(&place, &number), keys.blind_index("number", &number));
            insert(&mut tx, n, Some(sealed), Some(index)).await;
        }
        let data =
            Json(serde_json::json!({ "card": { "number_index": keys.blind_index("number", "number 3") }, "n": 3 }));
        let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        on!(tx, |c| sqlx::query(EVENT).bind(id(1)).bind(now).bind(&data).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        add(db, many + 1, Some(b"no cipher text at all".to_vec()), Some("its index".into())).await;
        add(db, many + 2, None, Some(keys.blind_index("number", "number 5"))).await;
        add(db, many + 3, None, Some("an index of nobody".into())).await;
        many
    }

    #[tokio::test]
    async fn everything_is_renewed_even_after_it_was_broken_off() {
        on_both(|engine| async move {
            let db = engine.database("cards", &CARDS).await;
            let root = [7; 32];
            let (before, keys) = (FieldKeys::new(&root), FieldKeys::with(&root, &[(1, [8; 32])]));
            let many = fill(&db, &before).await;
            // One batch, and then the process is gone with all that it has learnt.
            let mut indexes = Indexes::default();
            learn(&db, &keys, &NUMBERS, &mut indexes, |_, _| ()).await.unwrap();
            let mut first = Report::default();
            renew_batch(&db, &keys, &NUMBERS, &indexes, Uuid::nil(), &mut first).await.unwrap();
            assert_eq!(first.renewed, u64::try_from(BATCH_ROWS).unwrap());

            let (mut indexes, mut told) = (Indexes::default(), Vec::new());
            learn(&db, &keys, &NUMBERS, &mut indexes, |_, _| ()).await.unwrap();
            let report = renew(&db, &keys, &NUMBERS, &indexes, |done, all| told.push((done, all))).await.unwrap();
            assert_eq!(report, Report { seen: many + 3, renewed: 20 + 1, unreadable: 1, unknown: 2 });
            assert_eq!(told.last(), Some(&(many + 3, many + 3)));
            let events = renew_outbox(&db, &indexes, |_, _| ()).await.unwrap();
            assert_eq!((events.seen, events.renewed), (1, 1));

            let rows = stored(&db).await;
            for (n, row) in (1..=many).zip(&rows) {
                let (number, sealed) = (format!("number {n}"), row.sealed.as_ref().unwrap());
                assert!(keys.is_current(sealed));
                assert_eq!(keys.open(&place(row.id), sealed).unwrap(), number);
                assert_eq!(row.blind_index.as_deref(), Some(&*keys.blind_index("number", &number)));
            }
            let left: Vec<_> = rows[rows.len() - 3..].iter().map(|r| r.blind_index.clone().unwrap()).collect();
            assert_eq!(left, ["its index", &keys.blind_index("number", "number 5"), "an index of nobody"]);
            let mut conn = db.read().await.unwrap();
            let Json(event): Json<Value> = on!(conn, |c| sqlx::query_scalar(EVENTS).fetch_one(c).await).unwrap();
            assert_eq!(event["card"]["number_index"], keys.blind_index("number", "number 3"));

            let idle = renew(&db, &keys, &NUMBERS, &indexes, |_, _| ()).await.unwrap();
            assert_eq!((idle.renewed, idle.seen), (0, many + 3), "{}", engine.name());
        })
        .await;
    }
}
