//! The common parts of tests: a fresh real database for each, on both engines; a router with all layers and people who
//! call it; neighbours that tell and are told; ports of their own. Only with the feature `testing`, which no program
//! has.
//!
//! `PostgreSQL` is found by `SANBAO_TEST_POSTGRES_URL`, which `tests/run` sets. Without it a test
//! fails, unless `SANBAO_TEST_ONLY_EMBEDDED` says that the half was left out on purpose. The same holds for NATS
//! and `SANBAO_TEST_NATS_URL`.

#![expect(clippy::unwrap_used, reason = "a test that cannot get on has failed")]

mod answer;
#[cfg(feature = "browser")]
mod browser;
mod everything;
mod forgotten;
mod neighbour;
mod ports;
mod server;
mod site;
mod statements;
mod template;
mod tls;
mod wait;
mod workbook;

use std::future::Future;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::auth::Passwords;
use crate::clock::Clock;
use crate::config::{RootSecret, Secret};
use crate::db::{Db, Migrations};
use crate::nats::{Nats, NatsConfig};
use crate::service::Deps;
use crate::web::Frame;

pub use answer::Answer;
#[cfg(feature = "browser")]
pub use browser::{Browser, Driver, Look};
pub use everything::everything;
pub use forgotten::Forgotten;
pub use neighbour::Neighbour;
pub use ports::{port, ports};
pub use site::{Person, Site};
pub use statements::StatementListener;
pub use tls::trusting_client;
pub use wait::{PATIENCE, eventually, patiently, until, until_agreed};
pub use workbook::{packed, workbook};

/// One of the two engines, with a place for a test's databases.
#[derive(Clone, Debug)]
pub enum TestEngine {
    /// Files under a folder that goes with the test.
    Sqlite(std::sync::Arc<tempfile::TempDir>),
    /// A database of its own on the test server.
    Postgres(String),
}

impl TestEngine {
    /// The engine's name, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// The URL of a service's database on this engine; the same name gives the same database.
    pub fn url(&self, service: &str) -> String {
        match self {
            Self::Sqlite(dir) => format!("sqlite:{}", dir.path().join(format!("{service}.db")).display()),
            Self::Postgres(url) => url.clone(),
        }
    }

    /// A service's migrated database.
    pub async fn database(&self, service: &'static str, migrations: &Migrations) -> Db {
        template::lay(self, service, migrations).await;
        #[expect(clippy::expect_used, reason = "a test without its database has failed")]
        let db = Db::open(&self.url(service), service).await.expect("test database opens");
        #[expect(clippy::expect_used, reason = "a test without its database has failed")]
        db.migrate(migrations).await.expect("test database migrates");
        db
    }

    /// The parts a service is built from, with fixed secrets and the given clock.
    pub async fn deps(&self, service: &'static str, migrations: &Migrations, clock: Clock) -> Deps {
        let root = RootSecret::from_bytes([42; 32]);
        #[expect(clippy::expect_used, reason = "a fixed seed is a key")]
        let keys = root.keys().expect("test keys");
        Deps {
            db: self.database(service, migrations).await,
            clock,
            keys,
            fields: root.fields(),
            passwords: Passwords::quick(),
            frame: Frame::default(),
            secure: false,
            dialling_code: "0574".parse().ok(),
            nats: None,
        }
    }
}

/// A fresh `SQLite` engine.
pub fn sqlite() -> TestEngine {
    #[expect(clippy::expect_used, reason = "a test without its folder has failed")]
    let dir = tempfile::tempdir().expect("temporary folder");
    TestEngine::Sqlite(std::sync::Arc::new(dir))
}

/// A fresh `PostgreSQL` database, or `None` when it was left out on purpose.
pub async fn postgres() -> Option<TestEngine> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    if std::env::var_os("SANBAO_TEST_POSTGRES_URL").is_none() {
        assert!(
            std::env::var_os("SANBAO_TEST_ONLY_EMBEDDED").is_some(),
            "SANBAO_TEST_POSTGRES_URL is not set: run tests/run, or tests/run --only-embedded"
        );
        return None;
    }
    let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    server::make(&name).await;
    Some(TestEngine::Postgres(server::admin_url(&name)))
}

/// Makes a test's database take no writes, as a standby or a full disk does, or take them again. Open connections are
/// ended.
pub async fn read_only(database: &str, on: bool) {
    use sqlx::Connection as _;
    let setting = if on { "on" } else { "off" };
    let statements = [
        format!("alter database {database} set default_transaction_read_only = {setting}"),
        format!("select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '{database}'"),
    ];
    let changed = async {
        let admin = std::env::var("SANBAO_TEST_POSTGRES_URL").unwrap_or_default();
        let mut conn = sqlx::PgConnection::connect(&admin).await?;
        for statement in statements {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut conn).await?;
        }
        conn.close().await
    };
    #[expect(clippy::expect_used, reason = "a test without its database has failed")]
    changed.await.expect("the test's database is changed");
}

/// A connection to the test's `nats-server`, with names of its own; `None` when it was left out on purpose.
pub async fn nats() -> Option<Nats> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let Ok(url) = std::env::var("SANBAO_TEST_NATS_URL") else {
        assert!(
            std::env::var_os("SANBAO_TEST_ONLY_EMBEDDED").is_some(),
            "SANBAO_TEST_NATS_URL is not set: run tests/run, or tests/run --only-embedded"
        );
        return None;
    };
    let prefix = format!("t{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let config = NatsConfig { prefix, ..NatsConfig::new(vec![Secret(url)]) };
    #[expect(clippy::expect_used, reason = "a test without its server has failed")]
    Some(Nats::connect(&config, "test").await.expect("test server answers"))
}

/// Takes the inherited settings from a command: those of the shell that runs the tests must not decide what it does.
pub fn forget_settings(command: &mut Command) {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SANBAO_")) {
        command.env_remove(name);
    }
}

/// Runs one test body on both engines, each with databases of its own.
pub async fn on_both<F: Future<Output = ()>>(body: impl Fn(TestEngine) -> F) {
    // A long test is a large future, which no stack should carry.
    Box::pin(body(sqlite())).await;
    if let Some(engine) = postgres().await {
        Box::pin(body(engine)).await;
    }
}
