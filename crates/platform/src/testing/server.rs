//! The test server's databases: made, renamed and dropped over one connection for all tests of a process, since a connection for
//! each would be a good part of what making one costs.

use std::sync::{LazyLock, Mutex};

use sqlx::postgres::PgRow;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::sync::{mpsc, oneshot};

/// A statement, and where its first row goes.
type AdminStatement = (String, oneshot::Sender<Result<Option<PgRow>, sqlx::Error>>);

/// The connection's thread: a connection belongs to the runtime that opened it, and each test has one of its own.
static ADMINISTRATOR: LazyLock<mpsc::UnboundedSender<AdminStatement>> = LazyLock::new(|| {
    let (orders, mut received) = mpsc::unbounded_channel::<AdminStatement>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut conn = connect(&admin_url("postgres")).await;
            while let Some((statement, answer)) = received.recv().await {
                let row = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).fetch_optional(&mut conn).await;
                let _ = answer.send(row);
            }
        });
    });
    orders
});

/// Empty databases that nobody has connected to.
static SPARE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The URL of a database on the test server.
pub(super) fn admin_url(name: &str) -> String {
    let admin = std::env::var("SANBAO_TEST_POSTGRES_URL").unwrap_or_default();
    let base = admin.rsplit_once('/').map_or(admin.as_str(), |(base, _)| base);
    format!("{base}/{name}")
}

pub(super) async fn connect(url: &str) -> PgConnection {
    #[expect(clippy::expect_used, reason = "a test without its database has failed")]
    PgConnection::connect(url).await.expect("test server answers")
}

async fn order(statement: String) -> Option<PgRow> {
    let (answer, told) = oneshot::channel();
    ADMINISTRATOR.send((statement, answer)).unwrap();
    told.await.unwrap().unwrap()
}

/// Makes an empty database.
pub(super) async fn make(name: &str) {
    let spare = SPARE.lock().unwrap().pop();
    match spare {
        Some(spare) => drop(order(format!("alter database {spare} rename to {name}")).await),
        None => copy("template0", name).await,
    }
}

/// Puts a copy of a database to which nobody is connected in the place of another.
pub(super) async fn replace(place: &str, original: &str) {
    if is_untouched(place).await {
        let spare = format!("{place}_spare");
        order(format!("alter database {place} rename to {spare}")).await;
        SPARE.lock().unwrap().push(spare);
    } else {
        order(format!("drop database {place}")).await;
    }
    copy(original, place).await;
}

/// Whether nobody has ever connected to an empty database: the first connection leaves a file of its own.
pub(super) async fn is_untouched(name: &str) -> bool {
    let row = order(format!("select pg_database_size('{name}') = pg_database_size('template0')")).await;
    row.unwrap().get(0)
}

async fn copy(original: &str, name: &str) {
    /// The first version that copies page by page unless it is told to copy files, which is several times as quick.
    const COPIES_PAGES: i32 = 150_000;
    let version = order("select current_setting('server_version_num')::int".to_owned()).await;
    let strategy = if version.unwrap().get::<i32, _>(0) < COPIES_PAGES { "" } else { "strategy file_copy" };
    order(format!("create database {name} template {original} {strategy}")).await;
}
