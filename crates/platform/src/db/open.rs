//! Opening a database. Its file or schema is made only where that is asked for.

use std::io;
use std::path::Path;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection};

use super::sqlite::SqliteDb;
use super::{ACQUIRE_WAIT_SECONDS_MAX, Db, DbError, Inner, POSTGRES_CONNECTIONS_MAX};

/// A connection that was idle for longer is asked whether it is still there before it is lent.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// Whether the schema and the extension that the migrations need are there.
const IS_MADE_POSTGRES: &str = "select exists (select from pg_namespace where nspname = $1)
    and exists (select from pg_extension where extname = 'btree_gist')";

/// One connection, or the place and the cause at once: a pool would try in silence and tell neither.
async fn connected(options: &PgConnectOptions) -> Result<PgConnection, DbError> {
    let wait = Duration::from_secs(ACQUIRE_WAIT_SECONDS_MAX);
    let tried = tokio::time::timeout(wait, PgConnection::connect_with(options)).await;
    let no_answer = |_| Err(sqlx::Error::Io(io::Error::from(io::ErrorKind::TimedOut)));
    tried.unwrap_or_else(no_answer).map_err(|cause| {
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        let host =
            options.get_socket().map_or_else(|| options.get_host().to_owned(), |path| path.display().to_string());
        DbError::NotConnected { place: format!("{host}:{}/{database}", options.get_port()), cause }
    })
}

async fn is_made(conn: &mut PgConnection, schema: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(IS_MADE_POSTGRES).bind(schema).fetch_one(conn).await?)
}

async fn make(conn: &mut PgConnection, schema: &'static str) -> Result<(), DbError> {
    // Services start at once, and "if not exists" races. The lock is held until the statements, which are one
    // transaction, are seen by others.
    let statement = format!(
        "select pg_advisory_xact_lock(727001); \
         create extension if not exists btree_gist with schema public; \
         create schema if not exists {schema};"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(conn).await?;
    Ok(())
}

impl Db {
    /// Opens `url`: `sqlite:PATH`, or a `postgres://` URL in which the service owns `schema`.
    /// The file or schema is created when missing; nothing is migrated.
    pub fn open<'a>(url: &'a str, schema: &'static str) -> BoxFuture<'a, Result<Self, DbError>> {
        Box::pin(async move {
            if let Some(path) = url.strip_prefix("sqlite:") {
                return Self::of_file(path).await;
            }
            let options: PgConnectOptions = url.parse()?;
            let mut bootstrap = connected(&options).await?;
            // An account of its own may make nothing in the database, and finds what was made for it.
            if !is_made(&mut bootstrap, schema).await? {
                make(&mut bootstrap, schema).await?;
            }
            bootstrap.close().await?;
            Self::of_server(options, schema).await
        })
    }

    /// The same of a file or schema that is there. Where it is not, nothing is made, and `None` is returned.
    pub fn open_existing<'a>(url: &'a str, schema: &'static str) -> BoxFuture<'a, Result<Option<Self>, DbError>> {
        Box::pin(async move {
            if let Some(path) = url.strip_prefix("sqlite:") {
                let is_there = Path::new(path).exists();
                return if is_there { Self::of_file(path).await.map(Some) } else { Ok(None) };
            }
            let options: PgConnectOptions = url.parse()?;
            let mut bootstrap = connected(&options).await?;
            let is_there = is_made(&mut bootstrap, schema).await?;
            bootstrap.close().await?;
            if is_there { Self::of_server(options, schema).await.map(Some) } else { Ok(None) }
        })
    }

    async fn of_file(path: &str) -> Result<Self, DbError> {
        Ok(Self::of(Inner::Sqlite(SqliteDb::open(path).await?)))
    }

    async fn of_server(options: PgConnectOptions, schema: &str) -> Result<Self, DbError> {
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS_MAX)
            // One that was used a moment ago is not asked whether it is still there: that is a way to the server and back for
            // every request.
            .test_before_acquire(false)
            .before_acquire(|conn, used| {
                Box::pin(async move {
                    if used.idle_for >= TRUSTED_IDLE {
                        conn.ping().await?;
                    }
                    Ok(true)
                })
            })
            .acquire_timeout(Duration::from_secs(ACQUIRE_WAIT_SECONDS_MAX))
            .connect_with(options.options([
                ("search_path", format!("{schema},public")),
                ("TimeZone", "UTC".into()),
                // Statements here read few rows; compiling a long one costs more than it saves, up to seconds.
                ("jit", "off".into()),
            ]))
            .await?;
        Ok(Self::of(Inner::Postgres(pool)))
    }
}
