//! Migrated, empty databases that take the rows of others.

use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};

use super::{Cell, CellKind, Column, CopyError, Digest, Table, postgres, quoted, sqlite};
use crate::bus::PLACE;
use crate::db::{Db, DbError, Inner};

/// Bytes that go to a server at a time.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// Values in one statement of `SQLite`, whose own bound is 32,766.
const VALUES_MAX: usize = 2_000;

const IDENTITIES_POSTGRES: &str = "select c.table_name::text, c.column_name::text from information_schema.columns c
    where c.table_schema = current_schema() and c.is_identity = 'YES'";

/// The databases of one network, filled together. On `PostgreSQL` it is one transaction: until [`commit`](Self::commit) none of it
/// is there. `SQLite` has a transaction a file, so that the files must stand where nobody serves them until all are done.
#[derive(Debug)]
pub struct Sink {
    target: Target,
    /// The database that is being filled.
    at: usize,
    /// Rows that wait to be written, in the form of the engine.
    waiting: Waiting,
}

#[derive(Debug)]
enum Target {
    Sqlite(Vec<SqliteConnection>),
    Postgres(Box<PgConnection>, Vec<&'static str>),
}

#[derive(Debug, Default)]
struct Waiting {
    rows: Vec<Vec<Cell>>,
    lines: Vec<u8>,
}

impl Sink {
    /// Over databases, each with its schema. On `PostgreSQL` all of them are of one server and one account.
    pub async fn open(all: &[(Db, &'static str)]) -> Result<Self, DbError> {
        let mut files = Vec::new();
        let mut target = None;
        for (db, _) in all {
            match &db.engine {
                Inner::Sqlite(db) => {
                    let mut conn = db.readers().apart().await?;
                    // Rows come behind those that they refer to, and were checked where they come from.
                    sqlx::raw_sql("pragma query_only = off; pragma foreign_keys = off; begin immediate")
                        .execute(&mut conn)
                        .await?;
                    files.push(conn);
                }
                Inner::Postgres(pool) => {
                    if target.is_none() {
                        let mut conn = pool.acquire().await?.detach();
                        sqlx::query("begin").execute(&mut conn).await?;
                        target =
                            Some(Target::Postgres(Box::new(conn), all.iter().map(|(_, schema)| *schema).collect()));
                    }
                }
            }
        }
        let target = target.unwrap_or(Target::Sqlite(files));
        Ok(Self { target, at: 0, waiting: Waiting::default() })
    }

    /// Goes to the database with this number, and empties it of what migrations put there. Its tables.
    pub async fn enter(&mut self, at: usize) -> Result<Vec<Table>, CopyError> {
        self.at = at;
        if let Target::Postgres(conn, schemas) = &mut self.target {
            let path = format!("set local search_path = {}, public", quoted(schemas[at]));
            sqlx::raw_sql(AssertSqlSafe(path)).execute(&mut **conn).await?;
        }
        let tables = match &mut self.target {
            Target::Sqlite(files) => sqlite::tables(&mut files[at]).await?,
            Target::Postgres(conn, _) => postgres::tables(conn).await?,
        };
        for table in tables.iter().rev() {
            let clear = format!("delete from {}", quoted(&table.name));
            match &mut self.target {
                Target::Sqlite(files) => {
                    sqlx::raw_sql(AssertSqlSafe(clear)).execute(&mut files[at]).await.map(drop)?;
                }
                Target::Postgres(conn, _) => {
                    sqlx::raw_sql(AssertSqlSafe(clear)).execute(&mut **conn).await.map(drop)?;
                }
            }
        }
        Ok(tables)
    }

    /// Writes a row of a table, some time before [`finish`](Self::finish) of that table returns.
    pub async fn write(&mut self, table: &Table, row: Vec<Cell>) -> Result<(), CopyError> {
        match &self.target {
            Target::Sqlite(_) => {
                self.waiting.rows.push(row);
                if (self.waiting.rows.len() + 1) * table.columns.len() > VALUES_MAX {
                    self.flush(table).await?;
                }
            }
            Target::Postgres(..) => {
                postgres::line(table, &row, &mut self.waiting.lines)?;
                if self.waiting.lines.len() >= CHUNK_BYTES {
                    self.flush(table).await?;
                }
            }
        }
        Ok(())
    }

    async fn flush(&mut self, table: &Table) -> Result<(), CopyError> {
        match &mut self.target {
            Target::Sqlite(files) => {
                let rows = std::mem::take(&mut self.waiting.rows);
                if rows.is_empty() { Ok(()) } else { sqlite::insert(&mut files[self.at], table, &rows).await }
            }
            Target::Postgres(conn, _) => {
                if self.waiting.lines.is_empty() {
                    return Ok(());
                }
                let statement = format!("copy {} ({}) from stdin", quoted(&table.name), table.columns());
                let mut copy = conn.copy_in_raw(&statement).await?;
                let lines = std::mem::take(&mut self.waiting.lines);
                copy.send(lines).await?;
                copy.finish().await?;
                Ok(())
            }
        }
    }

    /// Writes what waits of a table, and reads the whole table again: the sum of what stands there.
    pub async fn finish(&mut self, table: &Table) -> Result<Digest, CopyError> {
        self.flush(table).await?;
        let mut digest = Digest::default();
        let each = async |row: Vec<Cell>| {
            digest.take(table, &row);
            Ok::<_, CopyError>(())
        };
        match &mut self.target {
            Target::Sqlite(files) => sqlite::rows(&mut files[self.at], table, each).await?,
            Target::Postgres(conn, _) => postgres::rows(conn, table, each).await?,
        }
        Ok(digest)
    }

    /// Lets numbers that the engine gives go on behind those that were copied into the database that is being filled.
    pub async fn leave(&mut self) -> Result<(), CopyError> {
        let (conn, schemas) = match &mut self.target {
            Target::Postgres(conn, schemas) => (conn, schemas),
            Target::Sqlite(files) => {
                // SQLite sees to its numbers by itself. Nothing there gives a place behind the commit, as the source may have meant to.
                sqlx::raw_sql(PLACE).execute(&mut files[self.at]).await?;
                return Ok(());
            }
        };
        let identities: Vec<(String, String)> = sqlx::query_as(IDENTITIES_POSTGRES).fetch_all(&mut **conn).await?;
        for (table, column) in identities {
            let (schema, table, column) = (quoted(schemas[self.at]), quoted(&table), quoted(&column));
            let next = format!(
                "select setval(pg_get_serial_sequence('{schema}.{table}', '{}'), coalesce(max({column}), 1), \
                 max({column}) is not null) from {schema}.{table}",
                column.trim_matches('"')
            );
            sqlx::raw_sql(AssertSqlSafe(next)).execute(&mut **conn).await?;
        }
        Ok(())
    }

    /// Makes everything durable.
    pub async fn commit(self) -> Result<(), DbError> {
        match self.target {
            Target::Sqlite(files) => {
                for mut conn in files {
                    sqlx::query("commit").execute(&mut conn).await?;
                }
            }
            Target::Postgres(mut conn, _) => sqlx::query("commit").execute(&mut *conn).await.map(drop)?,
        }
        Ok(())
    }
}

/// The table of `own` that rows of `source` go into: by the columns of the source, in their order, with the kinds that either side
/// knows.
///
/// # Errors
/// A table or column that only one side has: the two are of different versions.
pub fn matched(own: &[Table], source: &Table) -> Result<Table, CopyError> {
    let differs = |cause: String| CopyError::Table { table: source.name.clone(), cause };
    let target = own.iter().find(|table| table.name == source.name);
    let target = target.ok_or_else(|| differs("the target does not have it".to_owned()))?;
    if let Some(more) = target.columns.iter().find(|column| !source.columns.iter().any(|c| c.name == column.name)) {
        return Err(differs(format!("the source has no column {}", more.name)));
    }
    let column = |source: &Column| {
        let own = target.columns.iter().find(|column| column.name == source.name);
        let own = own.ok_or_else(|| differs(format!("the target has no column {}", source.name)))?;
        let kind = if own.kind == CellKind::Plain { source.kind } else { own.kind };
        Ok::<_, CopyError>(Column { name: source.name.clone(), kind })
    };
    Ok(Table { name: source.name.clone(), columns: source.columns.iter().map(column).collect::<Result<_, _>>()? })
}
