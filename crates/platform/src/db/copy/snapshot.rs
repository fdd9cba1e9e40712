//! A database as it is at one moment, for as long as it is read.

use sqlx::{PgConnection, SqliteConnection};

use super::{Cell, CopyError, Table, postgres, quoted, sqlite};
use crate::db::{Db, DbError, Engine, Inner};

const APPLIED: &str = "select version from _sqlx_migrations order by version";
const HEARD: &str = "select publisher, position from inbox_cursor";
const LAST: &str = "select coalesce(max(position), 0) from outbox";
const PIN_SQLITE: &str = "select count(*) from sqlite_master";

/// A read transaction of its own connection.
#[derive(Debug)]
pub struct Snapshot(Source);

#[derive(Debug)]
enum Source {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

/// How a database has heard the others, at its moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearings {
    /// The position of its own newest event.
    pub last: i64,
    /// Publishers with the positions up to which they were heard.
    pub heard: Vec<(String, i64)>,
}

impl Snapshot {
    /// Takes the snapshots of several databases. On `PostgreSQL` they are of exactly one moment, on `SQLite` of moments close to each
    /// other: by [`bearings`](Self::bearings) a reader knows whether they fit.
    pub async fn of(all: &[Db]) -> Result<Vec<Self>, DbError> {
        let mut exported: Option<String> = None;
        let mut snapshots = Vec::with_capacity(all.len());
        for db in all {
            snapshots.push(Self::taken(db, &mut exported).await?);
        }
        Ok(snapshots)
    }

    /// Takes the snapshot of one database.
    pub async fn of_one(db: &Db) -> Result<Self, DbError> {
        Self::taken(db, &mut None).await
    }

    async fn taken(db: &Db, exported: &mut Option<String>) -> Result<Self, DbError> {
        Ok(Self(match &db.engine {
            Inner::Sqlite(db) => {
                let mut conn = db.readers().apart().await?;
                sqlx::query("begin").execute(&mut conn).await?;
                sqlx::query(PIN_SQLITE).execute(&mut conn).await?;
                Source::Sqlite(Box::new(conn))
            }
            Inner::Postgres(pool) => {
                let mut conn = pool.acquire().await?.detach();
                sqlx::raw_sql("begin transaction isolation level repeatable read read only").execute(&mut conn).await?;
                match exported {
                    // An id that the server itself has given.
                    Some(id) => {
                        let join = format!("set transaction snapshot '{id}'");
                        sqlx::raw_sql(sqlx::AssertSqlSafe(join)).execute(&mut conn).await?;
                    }
                    None => {
                        let id: String = sqlx::query_scalar("select pg_export_snapshot()").fetch_one(&mut conn).await?;
                        *exported = Some(id);
                    }
                }
                Source::Postgres(Box::new(conn))
            }
        }))
    }

    pub(crate) fn engine(&mut self) -> Engine<&mut SqliteConnection, &mut PgConnection> {
        match &mut self.0 {
            Source::Sqlite(conn) => Engine::Sqlite(conn),
            Source::Postgres(conn) => Engine::Postgres(conn),
        }
    }

    /// As of a connection that is lent: this one goes back to nobody.
    #[expect(clippy::unused_self, reason = "`on!` says it of every connection")]
    pub(crate) fn settle(&self) {}

    /// The migrations that it has.
    pub async fn applied(&mut self) -> Result<Vec<i64>, DbError> {
        Ok(crate::on!(self, |c| sqlx::query_scalar(APPLIED).fetch_all(c).await)?)
    }

    /// How it stands to the others.
    pub async fn bearings(&mut self) -> Result<Bearings, DbError> {
        let last = crate::on!(self, |c| sqlx::query_scalar(LAST).fetch_one(c).await)?;
        let heard = crate::on!(self, |c| sqlx::query_as(HEARD).fetch_all(c).await)?;
        Ok(Bearings { last, heard })
    }

    /// Its tables, each behind those that it refers to.
    pub async fn tables(&mut self) -> Result<Vec<Table>, CopyError> {
        match self.engine() {
            Engine::Sqlite(conn) => Ok(sqlite::tables(conn).await?),
            Engine::Postgres(conn) => postgres::tables(conn).await,
        }
    }

    /// How many rows a table has.
    pub async fn count(&mut self, table: &Table) -> Result<u64, DbError> {
        let sql = format!("select count(*) from {}", quoted(&table.name));
        let rows: i64 = crate::on!(self, |c| sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(c).await)?;
        Ok(rows.unsigned_abs())
    }

    /// Hands every row of a table to `each`.
    pub async fn rows<E: From<CopyError>>(
        &mut self,
        table: &Table,
        each: impl AsyncFnMut(Vec<Cell>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.engine() {
            Engine::Sqlite(conn) => sqlite::rows(conn, table, each).await,
            Engine::Postgres(conn) => postgres::rows(conn, table, each).await,
        }
    }
}
