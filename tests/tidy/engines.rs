//! Databases of both engines with a service's schema, made from the migration files as they stand.

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::tree::File;

/// The texts that make a service's schema: the platform's migrations first, then its own, in order.
pub fn migrations<'a>(files: &'a [File], owner: &str, engine: &str) -> Vec<&'a File> {
    let mut folders = vec![format!("migrations/platform/{engine}/")];
    if owner != "platform" {
        folders.push(format!("migrations/{owner}/{engine}/"));
    }
    folders.iter().flat_map(|folder| files.iter().filter(move |f| f.path.starts_with(folder))).collect()
}

/// An embedded database in memory, brought to `migrations`.
pub async fn sqlite(migrations: &[&File]) -> SqliteConnection {
    let mut conn = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    for file in migrations {
        let sql = AssertSqlSafe(file.text.clone());
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap_or_else(|e| panic!("{}: {e}", file.path));
    }
    conn
}

/// A database of this test's own on the server that `tests/run` started.
pub struct Server {
    admin: String,
    database: String,
}

impl Server {
    /// `None` when PostgreSQL was left out on purpose.
    pub async fn open(test: &str) -> Option<Self> {
        let Ok(admin) = std::env::var("SANBAO_TEST_POSTGRES_URL") else {
            assert!(
                std::env::var_os("SANBAO_TEST_ONLY_EMBEDDED").is_some(),
                "SANBAO_TEST_POSTGRES_URL is not set: run tests/run, or tests/run --only-embedded"
            );
            eprintln!("PostgreSQL is left out: {test} saw SQLite alone");
            return None;
        };
        let server = Self { admin, database: format!("tidy_{test}_{}", std::process::id()) };
        server.administer(format!("drop database if exists {}", server.database)).await;
        server.administer(format!("create database {} template template0", server.database)).await;
        Some(server)
    }

    async fn administer(&self, sql: String) {
        let mut conn = PgConnection::connect(&self.admin).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    }

    /// A connection to a schema of its own, brought to `migrations`.
    pub async fn schema(&self, owner: &str, migrations: &[&File]) -> PgConnection {
        let schema = owner.replace('-', "_");
        let base = self.admin.rsplit_once('/').unwrap().0;
        let mut conn = PgConnection::connect(&format!("{base}/{}", self.database)).await.unwrap();
        let home = format!(
            "create extension if not exists btree_gist with schema public; create schema {schema}; \
             set search_path to {schema}, public"
        );
        sqlx::raw_sql(AssertSqlSafe(home)).execute(&mut conn).await.unwrap();
        for file in migrations {
            let sql = AssertSqlSafe(file.text.clone());
            sqlx::raw_sql(sql).execute(&mut conn).await.unwrap_or_else(|e| panic!("{}: {e}", file.path));
        }
        conn
    }

    /// Takes the database away again; the server may be a developer's own.
    pub async fn close(self) {
        self.administer(format!("drop database {} with (force)", self.database)).await;
    }
}
