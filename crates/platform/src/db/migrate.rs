//! Migrations: two embedded folders with the same file names, one per engine.

use std::borrow::Cow;

use futures_util::future::BoxFuture;
use sqlx::PgPool;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::{Db, DbError, Inner, PLATFORM};
use crate::auth::ended;

/// One migration file: its number, its name and its text.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// The number before the underscore.
    pub version: i64,
    /// The file's name, which orders the scripts.
    pub name: &'static str,
    pub sql: &'static str,
}

/// A service's migrations for both engines; `tidy` checks that they describe the same tables.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// Files of `migrations/<service>/sqlite`.
    pub sqlite: &'static [Script],
    /// Files of `migrations/<service>/postgres`.
    pub postgres: &'static [Script],
}

#[cfg(any(test, feature = "testing"))]
impl Migrations {
    /// Those before the one of this version: a database of a former release, for tests of what a migration keeps.
    #[must_use]
    pub fn before(&self, version: i64) -> Self {
        let before =
            |scripts: &'static [Script]| &scripts[..scripts.iter().take_while(|s| s.version < version).count()];
        Self { sqlite: before(self.sqlite), postgres: before(self.postgres) }
    }
}

/// Whether each number is greater than the one before.
#[doc(hidden)]
pub const fn ascends(versions: &[i64]) -> bool {
    let mut at = 1;
    while at < versions.len() {
        if versions[at - 1] >= versions[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Embeds the files named, of both engines' folders, in the order they run. It does not compile where a number is not
/// greater than the one before.
#[macro_export]
macro_rules! migrations {
    ($service:literal: $($version:literal $name:literal),+ $(,)?) => {{
        const { assert!($crate::db::ascends(&[$($version),+]), "migrations stand in the order of their numbers") };
        $crate::db::Migrations {
            sqlite: &[$($crate::db::Script {
                version: $version,
                name: $name,
                sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/", $service, "/sqlite/", $name, ".sql")),
            }),+],
            postgres: &[$($crate::db::Script {
                version: $version,
                name: $name,
                sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/", $service, "/postgres/", $name, ".sql")),
            }),+],
        }
    }};
}

fn migrator(scripts: &[Script]) -> Migrator {
    let migrations: Vec<Migration> = scripts
        .iter()
        .map(|s| {
            Migration::new(
                s.version,
                Cow::Borrowed(s.name),
                MigrationType::Simple,
                sqlx::SqlStr::from_static(s.sql),
                false,
            )
        })
        .collect();
    Migrator::with_migrations(migrations)
}

async fn run_postgres(pool: &PgPool, scripts: &[Script]) -> Result<(), DbError> {
    Ok(migrator(scripts).run(pool).await?)
}

pub(super) async fn run_sqlite(conn: &mut sqlx::SqliteConnection, scripts: &[Script]) -> Result<(), DbError> {
    Ok(migrator(scripts).run_direct(None, conn, false).await?)
}

impl Db {
    /// Brings the schema to the newest version, the platform's own tables, then the service's, and reads which log-ins
    /// have ended.
    pub fn migrate<'a>(&'a self, service: &'a Migrations) -> BoxFuture<'a, Result<(), DbError>> {
        Box::pin(async move {
            let scripts = self.scripts(service);
            self.is_not_newer(&scripts).await?;
            self.run(&scripts).await?;
            ended::load(self).await
        })
    }

    /// Reads which log-ins have ended, where the schema is of this version already: nothing is migrated.
    pub async fn take_as_it_is(&self) -> Result<(), DbError> {
        ended::load(self).await
    }

    /// The numbers of the migrations that this program has for a service, in their order.
    pub fn known(&self, service: &Migrations) -> Vec<i64> {
        let mut versions: Vec<_> = self.scripts(service).iter().map(|script| script.version).collect();
        versions.sort_unstable();
        versions
    }

    pub(super) fn scripts(&self, service: &Migrations) -> Vec<Script> {
        match &self.engine {
            Inner::Sqlite(_) => [PLATFORM.sqlite, service.sqlite].concat(),
            Inner::Postgres(_) => [PLATFORM.postgres, service.postgres].concat(),
        }
    }

    /// Brings an empty schema to the state of an earlier version, which had these migrations.
    pub async fn migrate_to(&self, service: &Migrations, applied: &[i64]) -> Result<(), DbError> {
        let all = self.scripts(service);
        if let Some(schema) = applied.iter().find(|version| !all.iter().any(|script| script.version == **version)) {
            let known = all.iter().map(|script| script.version).max().unwrap_or(0);
            return Err(DbError::Newer { schema: *schema, known });
        }
        let scripts: Vec<_> = all.into_iter().filter(|script| applied.contains(&script.version)).collect();
        self.is_not_newer(&scripts).await?;
        self.run(&scripts).await
    }

    async fn run(&self, scripts: &[Script]) -> Result<(), DbError> {
        match &self.engine {
            Inner::Sqlite(db) => db.migrate(scripts).await,
            Inner::Postgres(db) => run_postgres(db, scripts).await,
        }
    }
}
