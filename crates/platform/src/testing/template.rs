//! Databases of tests as copies of one that was filled once: a hundred migrations for each test would be most of what it
//! does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use sqlx::Connection as _;
use tokio::sync::OnceCell;

use super::{TestEngine, postgres, server, sqlite};
use crate::db::{Db, Migrations};

/// The original of copies: a folder, or a database on the test server to which nobody is connected.
type Template = Arc<OnceCell<TestEngine>>;

/// By engine and contents.
static TEMPLATES: LazyLock<Mutex<BTreeMap<(&'static str, String), Template>>> = LazyLock::new(Mutex::default);

impl TestEngine {
    /// Gives an engine that holds nothing yet a copy of what `make` made once for all tests of this process that ask
    /// for the same contents; one that holds something is left alone. `make` leaves nobody connected.
    pub async fn like(&self, contents: &str, make: impl AsyncFnOnce(&Self)) {
        if !self.is_empty().await {
            return;
        }
        let template = {
            let mut templates = TEMPLATES.lock().unwrap();
            Arc::clone(templates.entry((self.name(), contents.to_owned())).or_default())
        };
        let original = template.get_or_init(async || {
            let original = match self {
                Self::Sqlite(_) => sqlite(),
                Self::Postgres(_) => postgres().await.unwrap(),
            };
            make(&original).await;
            original
        });
        self.copy(original.await).await;
    }

    /// Whether nobody has made a database or a schema here.
    async fn is_empty(&self) -> bool {
        match self {
            Self::Sqlite(dir) => std::fs::read_dir(dir.path()).unwrap().next().is_none(),
            Self::Postgres(url) if server::is_untouched(database_of(url)).await => true,
            Self::Postgres(url) => {
                let schemas = "select count(*) from pg_namespace where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')";
                let mut conn = server::connect(url).await;
                let found: i64 = sqlx::query_scalar(schemas).fetch_one(&mut conn).await.unwrap();
                conn.close().await.unwrap();
                found == 0
            }
        }
    }

    async fn copy(&self, original: &Self) {
        match (self, original) {
            (Self::Sqlite(place), Self::Sqlite(original)) => copy_files(original.path(), place.path()),
            (Self::Postgres(place), Self::Postgres(original)) => {
                server::replace(database_of(place), database_of(original)).await;
            }
            _ => unreachable!("a template is of the engine that asks for it"),
        }
    }
}

/// The name of the database that a URL leads to.
fn database_of(url: &str) -> &str {
    url.rsplit_once('/').unwrap().1
}

fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A service's database as a copy of one that was migrated once.
pub(super) async fn lay(engine: &TestEngine, service: &'static str, migrations: &Migrations) {
    let scripts = if matches!(engine, TestEngine::Sqlite(_)) { migrations.sqlite } else { migrations.postgres };
    let versions: Vec<i64> = scripts.iter().map(|script| script.version).collect();
    let migrate = async |original: &TestEngine| {
        let db = Db::open(&original.url(service), service).await.unwrap();
        db.migrate(migrations).await.unwrap();
        db.close().await;
    };
    engine.like(&format!("{service} {versions:?}"), migrate).await;
}
