//! Every constant of SQL in the crates is prepared on both engines against its owner's schema.

use sqlx::{AssertSqlSafe, Executor, PgConnection, SqlSafeStr, SqliteConnection};

use crate::engines::{self, Server};
use crate::rules::{SERVICES, is_statement};
use crate::tokens;
use crate::tree::{self, File};

/// PostgreSQL's answer about a parameter such as `$1` in `$1 is null or name = $1`. This check names no types, the
/// code that binds a value does, so a statement of which only this is said is sound.
const UNTYPED_PARAMETER: &str = "could not determine data type of parameter";

/// A statement and where it stands.
#[derive(Debug)]
struct Statement {
    place: String,
    sql: String,
    /// A name that ends in an engine's is for that engine alone.
    sqlite: bool,
    postgres: bool,
}

/// The statements of one crate.
fn statements(files: &[File], owner: &str) -> Vec<Statement> {
    let source = format!("crates/{owner}/src/");
    let mut found = Vec::new();
    let files = || files.iter().filter(|f| f.is_rust() && f.path.starts_with(&source));
    // A file that cannot be read as Rust is a finding of the rules.
    let groups = |file: &File| tokens::groups(&file.text).unwrap_or_default();
    let macros: Vec<_> = files().flat_map(|file| tokens::text_macros(&groups(file))).collect();
    for file in files() {
        for text in tokens::text_consts(&groups(file)) {
            // A part may have parts of its own.
            let filled =
                |text: String| macros.iter().fold(text, |sql, (name, part)| sql.replace(&format!("<{name}!>"), part));
            let begun = text.text.clone();
            let known = (0..MACROS_DEEP_MAX).fold(text.text, |text, _| filled(text));
            // A macro that takes arguments is not filled in: what begins with one is no statement yet.
            if is_statement(&begun) || (is_statement(&known) && !known.contains("!>")) {
                found.push(Statement {
                    place: file.finding(text.line, &text.name),
                    sql: known,
                    sqlite: !text.name.ends_with("_POSTGRES"),
                    postgres: !text.name.ends_with("_SQLITE"),
                });
            }
        }
    }
    found
}

/// Macros of texts stand within one another so deep at most.
const MACROS_DEEP_MAX: usize = 3;

/// The table in which the numbers of migrations are kept by the program that runs them.
const NUMBERS: &str = "create table _sqlx_migrations (version bigint primary key)";

async fn prepare_on_sqlite(conn: &mut SqliteConnection, sql: &str) -> Result<(), sqlx::Error> {
    conn.prepare(AssertSqlSafe(sql.to_owned()).into_sql_str()).await.map(drop)
}

async fn prepare_on_postgres(conn: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    match conn.prepare(AssertSqlSafe(sql.to_owned()).into_sql_str()).await {
        Err(sqlx::Error::Database(e)) if e.message().starts_with(UNTYPED_PARAMETER) => Ok(()),
        prepared => prepared.map(drop),
    }
}

#[tokio::test]
async fn every_statement_prepares_on_both_engines() {
    let files = tree::files();
    let server = Server::open("statements").await;
    let (mut findings, mut count) = (Vec::new(), 0);
    for owner in ["platform"].iter().chain(SERVICES) {
        let statements = statements(&files, owner);
        count += statements.len();
        let mut sqlite = engines::sqlite(&engines::migrations(&files, owner, "sqlite")).await;
        sqlx::raw_sql(NUMBERS).execute(&mut sqlite).await.unwrap();
        for s in statements.iter().filter(|s| s.sqlite) {
            findings.extend(
                prepare_on_sqlite(&mut sqlite, &s.sql).await.err().map(|e| format!("{} on SQLite: {e}", s.place)),
            );
        }
        let Some(server) = &server else { continue };
        let mut postgres = server.schema(owner, &engines::migrations(&files, owner, "postgres")).await;
        sqlx::raw_sql(NUMBERS).execute(&mut postgres).await.unwrap();
        for s in statements.iter().filter(|s| s.postgres) {
            let outcome = prepare_on_postgres(&mut postgres, &s.sql).await;
            findings.extend(outcome.err().map(|e| format!("{} on PostgreSQL: {e}", s.place)));
        }
    }
    if let Some(server) = server {
        server.close().await;
    }
    assert!(count > 10, "only {count} statements found: does the search still work?");
    crate::assert_tidy(&findings);
}

/// Rust text, and the (name, SQL) that must be found in it.
const SAMPLES: &[(&str, &[(&str, &str)])] = &[
    ("const A: &str = \"select 1\";", &[("A", "select 1")]),
    ("pub(crate) const A: &'static str = \"insert into a\n  values (1)\";", &[("A", "insert into a\n  values (1)")]),
    ("const A: &str = r#\"update \"a\" set b = 1\"#;", &[("A", "update \"a\" set b = 1")]),
    ("const A: &str = \"delete \\\n     from a\";", &[("A", "delete from a")]),
    ("mod m { impl X { const A: &str = \"\n  with x as (select 1)\"; } }", &[("A", "\n  with x as (select 1)")]),
    ("fn f() { static A: &str = \"Select 1\"; }", &[("A", "Select 1")]),
    ("const A: &str = concat!(\"select \", \"1\", COLUMNS);", &[("A", "select 1<?>")]),
    (
        "macro_rules! c { () => { \"1\" }; } const A: &str = concat!(\"select \", c!(), \" where \", d!());",
        &[("A", "select 1 where <d!>")],
    ),
    ("const A: &str = \"selection\"; const B: &str = \"without\"; const fn f() {} const N: usize = 1;", &[]),
    ("// const A: &str = \"select 1\";", &[]),
];

#[test]
fn statements_are_found() {
    for (text, expected) in SAMPLES {
        let found = statements(&[File::new("crates/booking/src/a.rs", text)], "booking");
        let found: Vec<_> = found.iter().map(|s| (s.place.rsplit(' ').next().unwrap(), s.sql.as_str())).collect();
        assert_eq!(found, *expected, "{text}");
    }
    let one_engine = "const A_SQLITE: &str = \"select 1\"; const B_POSTGRES: &str = \"select 1\";";
    let found = statements(&[File::new("crates/booking/src/a.rs", one_engine)], "booking");
    assert_eq!(found.iter().map(|s| (s.sqlite, s.postgres)).collect::<Vec<_>>(), [(true, false), (false, true)]);
}

#[tokio::test]
async fn a_statement_that_does_not_prepare_is_found() {
    const BAD: &[&str] = &["select nothing from a", "select id from nowhere", "select id frm a", "select <?> from a"];
    const GOOD: &[&str] = &["select id from a where id = $1 limit $2", "select id from a where $1 is null or id = $1"];
    const BAD_ON_POSTGRES: &str = "select id from a where id = $1 and lower($1) = 'y'";
    let sample = File::new("sample", "create table a (id integer not null primary key)");
    let mut sqlite = engines::sqlite(&[&sample]).await;
    for sql in BAD {
        assert!(prepare_on_sqlite(&mut sqlite, sql).await.is_err(), "{sql}");
    }
    for sql in GOOD {
        assert!(prepare_on_sqlite(&mut sqlite, sql).await.is_ok(), "{sql}");
    }
    let Some(server) = Server::open("prepare").await else { return };
    let mut postgres = server.schema("sample", &[&sample]).await;
    for sql in BAD.iter().chain([&BAD_ON_POSTGRES]) {
        assert!(prepare_on_postgres(&mut postgres, sql).await.is_err(), "{sql}");
    }
    for sql in GOOD {
        assert!(prepare_on_postgres(&mut postgres, sql).await.is_ok(), "{sql}");
    }
    server.close().await;
}
