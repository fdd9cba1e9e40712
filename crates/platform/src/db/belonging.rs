//! Which network a database is of: the marks of the keys that it was written under, compared at every start, so that a
//! database never meets a secret, a program or a neighbour that is not its own.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Conn, Db, DbError, Engine, Migrations};
use crate::crypto::FieldKeyId;
use crate::on;

const HAS_TABLE_SQLITE: &str = "select count(*) from sqlite_master where type = 'table' and name = $1";
const HAS_TABLE_POSTGRES: &str =
    "select count(*) from information_schema.tables where table_schema = current_schema() and table_name = $1";
const APPLIED: &str = "select version from _sqlx_migrations order by version";
const COUNT_USES: &str = "select count(*) from (select id from audit limit 1) a";
const NOTE_BACKUP: &str = "insert into kept_backup (id, made_at) values (1, $1)
    on conflict (id) do update set made_at = excluded.made_at";
const LAST_BACKUP: &str = "select made_at from kept_backup where id = 1";
const ROOT: &str = "select root from network_mark";
const MARK_ROOT: &str = "insert into network_mark (id, root, marked_at) values (1, $1, $2) on conflict do nothing";
const FIELD_KEYS: &str = "select key_id, mark from field_key_mark order by key_id";
const MARK_FIELD_KEY: &str =
    "insert into field_key_mark (key_id, mark, marked_at) values ($1, $2, $3) on conflict do nothing";

/// The marks of a network's keys: they tell keys apart, and nothing of a key can be computed from one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMarks {
    /// That of the root secret.
    pub root: String,
    /// Those of the later keys of fields at rest, by id.
    pub fields: BTreeMap<FieldKeyId, String>,
}

/// The content of a database before it is migrated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding {
    /// Nothing: it was just made, or its making was cut short.
    Nothing,
    /// Tables that nobody has used, of a first start that was cut short.
    Unused,
    /// A network that was never marked: it was last served before there were marks.
    Unmarked,
    /// A network under these keys.
    Marked(KeyMarks),
}

impl Holding {
    /// Whether something would be lost with it.
    pub fn is_used(&self) -> bool {
        matches!(self, Self::Unmarked | Self::Marked(_))
    }
}

async fn has_table(conn: &mut Conn, name: &str) -> Result<bool, DbError> {
    let found: i64 = match conn.engine() {
        Engine::Sqlite(c) => sqlx::query_scalar(HAS_TABLE_SQLITE).bind(name).fetch_one(c).await?,
        Engine::Postgres(c) => sqlx::query_scalar(HAS_TABLE_POSTGRES).bind(name).fetch_one(c).await?,
    };
    Ok(found > 0)
}

impl Db {
    /// Its content.
    pub async fn holding(&self) -> Result<Holding, DbError> {
        let mut conn = self.read().await?;
        if !has_table(&mut conn, "_sqlx_migrations").await? {
            return Ok(Holding::Nothing);
        }
        if let Some(marks) = marks(&mut conn).await? {
            return Ok(Holding::Marked(marks));
        }
        if !has_table(&mut conn, "audit").await? {
            return Ok(Holding::Unused);
        }
        let uses: i64 = on!(conn, |c| sqlx::query_scalar(COUNT_USES).fetch_one(c).await)?;
        Ok(if uses == 0 { Holding::Unused } else { Holding::Unmarked })
    }

    /// The migrations that have run here, by their numbers.
    async fn applied(&self) -> Result<Vec<i64>, DbError> {
        let mut conn = self.read().await?;
        if !has_table(&mut conn, "_sqlx_migrations").await? {
            return Ok(Vec::new());
        }
        Ok(on!(conn, |c| sqlx::query_scalar(APPLIED).fetch_all(c).await)?)
    }

    /// The migrations of this program that have not run here yet, in their order.
    ///
    /// # Errors
    /// A newer program has written here.
    pub async fn pending(&self, service: &Migrations) -> Result<Vec<&'static str>, DbError> {
        let scripts = self.scripts(service);
        self.is_not_newer(&scripts).await?;
        let applied = self.applied().await?;
        let mut pending: Vec<_> = scripts.iter().filter(|script| !applied.contains(&script.version)).collect();
        pending.sort_unstable_by_key(|script| script.version);
        Ok(pending.into_iter().map(|script| script.name).collect())
    }

    /// Refuses a schema that a newer program has written: this one would misread it.
    pub(super) async fn is_not_newer(&self, known: &[super::Script]) -> Result<(), DbError> {
        let applied = self.applied().await?;
        match applied.iter().rev().find(|version| !known.iter().any(|script| script.version == **version)) {
            Some(schema) => {
                let known = known.iter().map(|script| script.version).max().unwrap_or(0);
                Err(DbError::Newer { schema: *schema, known })
            }
            None => Ok(()),
        }
    }

    /// Writes down that a backup with this database in it was made at `at`.
    pub async fn note_backup(&self, at: DateTime<Utc>) -> Result<(), DbError> {
        let mut tx = self.begin().await?;
        on!(tx, |c| sqlx::query(NOTE_BACKUP).bind(at).execute(c).await.map(drop))?;
        tx.commit().await
    }

    /// When the last backup was made that was written down here.
    pub async fn last_backup(&self) -> Result<Option<DateTime<Utc>>, DbError> {
        let mut conn = self.read().await?;
        Ok(on!(conn, |c| sqlx::query_scalar(LAST_BACKUP).fetch_optional(c).await)?)
    }

    /// Marks a migrated database with a network's keys. Marks that are there stay.
    pub async fn mark(&self, marks: &KeyMarks, now: DateTime<Utc>) -> Result<(), DbError> {
        let mut tx = self.begin().await?;
        on!(tx, |c| sqlx::query(MARK_ROOT).bind(&marks.root).bind(now).execute(c).await.map(drop))?;
        for (id, mark) in &marks.fields {
            let id = i64::from(*id);
            on!(tx, |c| sqlx::query(MARK_FIELD_KEY).bind(id).bind(mark).bind(now).execute(c).await.map(drop))?;
        }
        tx.commit().await
    }
}

async fn marks(conn: &mut Conn) -> Result<Option<KeyMarks>, DbError> {
    if !has_table(conn, "network_mark").await? {
        return Ok(None);
    }
    let root: Option<String> = on!(conn, |c| sqlx::query_scalar(ROOT).fetch_optional(c).await)?;
    let Some(root) = root else { return Ok(None) };
    let rows: Vec<(i64, String)> = on!(conn, |c| sqlx::query_as(FIELD_KEYS).fetch_all(c).await)?;
    let fields = rows.into_iter().filter_map(|(id, mark)| Some((FieldKeyId::try_from(id).ok()?, mark))).collect();
    Ok(Some(KeyMarks { root, fields }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::db::{Migrations, PLATFORM, Script};
    use crate::testing::{self, TestEngine};

    const NOTHING: Migrations = Migrations { sqlite: &[], postgres: &[] };
    const NEWER: &[Script] = &[Script { version: 9999, name: "9999_later", sql: "create table later (id bigint)" }];

    async fn engines() -> Vec<TestEngine> {
        std::iter::once(testing::sqlite()).chain(testing::postgres().await).collect()
    }

    #[tokio::test]
    async fn a_database_says_what_it_holds() {
        for engine in engines().await {
            let db = engine.database("holding", &NOTHING).await;
            assert_eq!(db.holding().await.unwrap(), Holding::Unused, "migrated, and nothing done");
            let now = DateTime::UNIX_EPOCH;
            let mut tx = db.begin().await.unwrap();
            crate::audit::record_as(&mut tx, now, None, "test", "test", None, "test", "done").await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(db.holding().await.unwrap(), Holding::Unmarked);
            let first = KeyMarks { root: "first".to_owned(), fields: BTreeMap::from([(1, "one".to_owned())]) };
            db.mark(&first, now).await.unwrap();
            assert_eq!(db.holding().await.unwrap(), Holding::Marked(first.clone()));
            let fields = BTreeMap::from([(1, "another".to_owned()), (2, "two".to_owned())]);
            db.mark(&KeyMarks { root: "second".to_owned(), fields }, now).await.unwrap();
            let fields = BTreeMap::from([(1, "one".to_owned()), (2, "two".to_owned())]);
            let both = KeyMarks { fields, ..first };
            assert_eq!(db.holding().await.unwrap(), Holding::Marked(both), "what was marked first stays");
        }
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused_by_its_number() {
        for engine in engines().await {
            let db = engine.database("newer", &Migrations { sqlite: NEWER, postgres: NEWER }).await;
            let error = db.migrate(&NOTHING).await.unwrap_err();
            let known = PLATFORM.sqlite.iter().map(|s| s.version).max().unwrap();
            assert!(matches!(error, DbError::Newer { schema: 9999, known: k } if k == known), "{error}");
            assert!(error.to_string().contains("newer Sanbao (schema 9999"), "{error}");
        }
    }
}
