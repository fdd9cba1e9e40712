//! Databases of tests as copies of one that was migrated once: a hundred migrations for each test are most of what it does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use sqlx::Connection as _;
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::{TestEngine, admin_url, create_database};
use crate::db::{Db, Migrations};

/// Service, engine and the numbers of its migrations.
type Schema = (&'static str, &'static str, Vec<i64>);

/// The databases that others are copied from: a file, or the name of one on the test server.
static TEMPLATES: LazyLock<Mutex<BTreeMap<Schema, Arc<Template>>>> = LazyLock::new(Mutex::default);

#[derive(Debug)]
enum Template {
    File(PathBuf, #[expect(dead_code, reason = "the folder goes with it")] TempDir),
    Database(String),
}

/// Lays a migrated copy where the engine has nothing for the service yet; leaves what is there alone.
pub(super) async fn lay(engine: &TestEngine, service: &'static str, migrations: &Migrations) {
    match engine {
        TestEngine::Sqlite(dir) => {
            let place = dir.path().join(format!("{service}.db"));
            if !place.exists() {
                copy_file(&*template(engine, service, migrations).await, &place);
            }
        }
        TestEngine::Postgres(url) => {
            if is_empty(url).await {
                copy_database(&*template(engine, service, migrations).await, url).await;
            }
        }
    }
}

fn copy_file(template: &Template, place: &Path) {
    if let Template::File(file, _) = template {
        std::fs::copy(file, place).unwrap();
    }
}

/// The template of a schema, which is made at its first use.
async fn template(engine: &TestEngine, service: &'static str, migrations: &Migrations) -> Arc<Template> {
    let scripts = if matches!(engine, TestEngine::Sqlite(_)) { migrations.sqlite } else { migrations.postgres };
    let schema = (service, engine.name(), scripts.iter().map(|script| script.version).collect());
    let mut templates = TEMPLATES.lock().await;
    if let Some(template) = templates.get(&schema) {
        return Arc::clone(template);
    }
    let template = Arc::new(match engine {
        TestEngine::Sqlite(_) => {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("template.db");
            migrated(&format!("sqlite:{}", file.display()), service, migrations).await;
            Template::File(file, dir)
        }
        TestEngine::Postgres(_) => {
            let name = format!("t{}_template_{}", std::process::id(), templates.len());
            create_database(&name, "template0").await;
            migrated(&admin_url(&name), service, migrations).await;
            Template::Database(name)
        }
    });
    templates.insert(schema, Arc::clone(&template));
    template
}

/// Migrates a new database, and leaves nobody connected to it.
async fn migrated(url: &str, service: &'static str, migrations: &Migrations) {
    let db = Db::open(url, service).await.unwrap();
    db.migrate(migrations).await.unwrap();
    db.close().await;
}

/// Whether nobody has made a schema in a database.
async fn is_empty(url: &str) -> bool {
    let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
    let schemas = "select count(*) from pg_namespace where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')";
    let found: i64 = sqlx::query_scalar(schemas).fetch_one(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    found == 0
}

async fn copy_database(template: &Template, url: &str) {
    let (Template::Database(from), Some((_, name))) = (template, url.rsplit_once('/')) else { return };
    let mut conn = sqlx::PgConnection::connect(&admin_url("postgres")).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("drop database {name}"))).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    create_database(name, from).await;
}
