//! Both engines' schemas, read back from the engines after their migrations and compared as sets of facts.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, SqliteConnection};

use crate::engines::{self, Server};
use crate::rules::SERVICES;
use crate::tree::{self, File};

/// The facts of a schema, one sentence each, in SQLite's terms.
type Facts = BTreeSet<String>;

/// The types that stand where SQLite has the second: the value's storage, not its meaning.
const TYPES: &[(&str, &str)] = &[
    ("uuid", "blob"),
    ("bytea", "blob"),
    ("text", "text"),
    ("date", "text"),
    ("jsonb", "text"),
    ("timestamp with time zone", "text"),
    ("boolean", "integer"),
    ("smallint", "integer"),
    ("integer", "integer"),
    ("bigint", "integer"),
    ("real", "real"),
    ("double precision", "real"),
];

const SQLITE_COLUMNS: &str = r#"
    select t.name, c.name, lower(c.type), c."notnull" or c.pk > 0, c.dflt_value is not null, c.pk, t.strict
    from pragma_table_list t join pragma_table_xinfo(t.name) c
    where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite\_%' escape '\'
    order by t.name, c.pk"#;
const SQLITE_UNIQUE: &str = r#"
    select t.name, l.name, l.partial, coalesce(i.name, '<expression>')
    from pragma_table_list t join pragma_index_list(t.name) l join pragma_index_info(l.name) i
    where t.schema = 'main' and t.type = 'table' and l."unique"
    order by t.name, l.name, i.seqno"#;
const SQLITE_FOREIGN: &str = r#"
    select t.name, cast(f.id as text), f."table", lower(f.on_delete), f."from"
    from pragma_table_list t join pragma_foreign_key_list(t.name) f
    where t.schema = 'main' and t.type = 'table'
    order by t.name, f.id, f.seq"#;
const POSTGRES_COLUMNS: &str = "
    select t.table_name::text, c.column_name::text, c.data_type::text, c.is_nullable = 'NO',
        c.column_default is not null and c.column_default not like 'nextval(%'
    from information_schema.tables t join information_schema.columns c using (table_schema, table_name)
    where t.table_schema = current_schema() and t.table_type = 'BASE TABLE'";
const POSTGRES_UNIQUE: &str = "
    select t.relname::text, i.relname::text, x.indpred is not null, coalesce(a.attname::text, '<expression>')
    from pg_index x join pg_class t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
    cross join lateral unnest(x.indkey::int2[]) with ordinality k (attnum, place)
    left join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum and k.attnum > 0
    where x.indisunique and t.relnamespace = current_schema()::regnamespace and k.place <= x.indnkeyatts
    order by 1, 2, k.place";
const POSTGRES_FOREIGN: &str = "
    select t.relname::text, c.conname::text, f.relname::text,
        case c.confdeltype when 'c' then 'cascade' when 'n' then 'set null' when 'd' then 'set default'
            when 'r' then 'restrict' else 'no action' end, a.attname::text
    from pg_constraint c join pg_class t on t.oid = c.conrelid join pg_class f on f.oid = c.confrelid
    cross join lateral unnest(c.conkey) with ordinality k (attnum, place)
    join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum
    where c.contype = 'f' and t.relnamespace = current_schema()::regnamespace
    order by 1, 2, k.place";

fn column_fact(table: &str, column: &str, storage: &str, not_null: bool, default: bool) -> String {
    let null = if not_null { "not null" } else { "nullable" };
    let default = if default { ", has a default" } else { "" };
    format!("{table}.{column} is {storage}, {null}{default}")
}

/// Rows (table, index, partial, column), in the index's order of columns, as one fact for each index.
fn unique_facts(rows: Vec<(String, String, bool, String)>) -> Facts {
    let mut indexes: BTreeMap<(String, String, bool), Vec<String>> = BTreeMap::new();
    for (table, index, partial, column) in rows {
        indexes.entry((table, index, partial)).or_default().push(column);
    }
    let fact = |((table, _, partial), columns): ((String, String, bool), Vec<String>)| {
        format!(
            "{table} is unique by ({}){}",
            columns.join(", "),
            if partial { " where a condition holds" } else { "" }
        )
    };
    indexes.into_iter().map(fact).collect()
}

/// Rows (table, key, target, on delete, column), in the key's order of columns, as one fact for each key.
fn foreign_facts(rows: Vec<(String, String, String, String, String)>) -> Facts {
    let mut keys: BTreeMap<(String, String, String, String), Vec<String>> = BTreeMap::new();
    for (table, key, target, on_delete, column) in rows {
        keys.entry((table, key, target, on_delete)).or_default().push(column);
    }
    let fact = |((table, _, target, on_delete), columns): ((String, String, String, String), Vec<String>)| {
        format!("{table} ({}) references {target}, on delete {on_delete}", columns.join(", "))
    };
    keys.into_iter().map(fact).collect()
}

async fn sqlite_facts(conn: &mut SqliteConnection) -> Facts {
    let columns: Vec<(String, String, String, bool, bool, i64, bool)> =
        sqlx::query_as(SQLITE_COLUMNS).fetch_all(&mut *conn).await.unwrap();
    let mut facts = Facts::new();
    let mut keys: BTreeMap<&String, Vec<&str>> = BTreeMap::new();
    for (table, column, storage, not_null, default, key, strict) in &columns {
        facts.insert(column_fact(table, column, storage, *not_null, *default));
        if *key > 0 {
            keys.entry(table).or_default().push(column);
        }
        if !strict {
            facts.insert(format!("{table} is not strict"));
        }
    }
    // The rowid's alias is a key without an index.
    facts.extend(keys.into_iter().map(|(table, columns)| format!("{table} is unique by ({})", columns.join(", "))));
    facts.extend(unique_facts(sqlx::query_as(SQLITE_UNIQUE).fetch_all(&mut *conn).await.unwrap()));
    facts.extend(foreign_facts(sqlx::query_as(SQLITE_FOREIGN).fetch_all(&mut *conn).await.unwrap()));
    facts
}

async fn postgres_facts(conn: &mut PgConnection) -> Facts {
    let columns: Vec<(String, String, String, bool, bool)> =
        sqlx::query_as(POSTGRES_COLUMNS).fetch_all(&mut *conn).await.unwrap();
    let mut facts = Facts::new();
    for (table, column, kind, not_null, default) in columns {
        let storage = TYPES.iter().find(|(postgres, _)| *postgres == kind).map_or(kind.as_str(), |(_, sqlite)| sqlite);
        facts.insert(column_fact(&table, &column, storage, not_null, default));
    }
    facts.extend(unique_facts(sqlx::query_as(POSTGRES_UNIQUE).fetch_all(&mut *conn).await.unwrap()));
    facts.extend(foreign_facts(sqlx::query_as(POSTGRES_FOREIGN).fetch_all(&mut *conn).await.unwrap()));
    facts
}

/// Facts that hold on one engine alone.
fn differences(owner: &str, sqlite: &Facts, postgres: &Facts) -> Vec<String> {
    let only = |engine: &str, facts: Vec<&String>| {
        facts.into_iter().map(|f| format!("migrations/{owner}: only on {engine}: {f}")).collect::<Vec<_>>()
    };
    let mut found = only("SQLite", sqlite.difference(postgres).collect());
    found.extend(only("PostgreSQL", postgres.difference(sqlite).collect()));
    found
}

#[tokio::test]
async fn both_engines_have_the_same_schema() {
    let files = tree::files();
    let server = Server::open("schema").await;
    let mut findings = Vec::new();
    for owner in ["platform"].iter().chain(SERVICES) {
        let sqlite = sqlite_facts(&mut engines::sqlite(&engines::migrations(&files, owner, "sqlite")).await).await;
        findings
            .extend(sqlite.iter().filter(|f| f.ends_with("is not strict")).map(|f| format!("migrations/{owner}: {f}")));
        if let Some(server) = &server {
            let mut conn = server.schema(owner, &engines::migrations(&files, owner, "postgres")).await;
            findings.extend(differences(owner, &sqlite, &postgres_facts(&mut conn).await));
        }
    }
    if let Some(server) = server {
        server.close().await;
    }
    crate::assert_tidy(&findings);
}

/// The same small schema on both engines; each sample changes one side by one replacement.
const SAMPLE_SQLITE: &str = "
    create table home (id blob not null primary key, name text not null) strict;
    create table stay (
        seq integer primary key autoincrement, home blob not null references home (id) on delete cascade,
        lane integer not null default 0, at text not null, note text, unique (home, at)
    ) strict;
    create unique index stay_by_lane on stay (home, lane) where lane > 0;
    create table lone (id blob not null) strict;";
const SAMPLE_POSTGRES: &str = "
    create table home (id uuid primary key, name text not null);
    create table stay (
        seq bigint generated always as identity primary key, home uuid not null references home (id) on delete cascade,
        lane integer not null default 0, at timestamptz not null, note text, unique (home, at)
    );
    create unique index stay_by_lane on stay (home, lane) where lane > 0;
    create table lone (id bytea not null);";
const SAMPLE_CHANGES: &[(&str, &str)] = &[
    ("note text", "note text not null"),
    ("note text", "note integer"),
    ("note text", "note text default 'x'"),
    (", note text", ""),
    (", unique (home, at)", ""),
    ("unique (home, at)", "unique (at, home)"),
    ("create unique index", "create index"),
    (" where lane > 0", ""),
    (" on delete cascade", ""),
    (" references home (id) on delete cascade", ""),
    ("create table lone", "create table alone"),
    ("name text", "title text"),
];

#[tokio::test]
async fn a_difference_of_the_schemas_is_found() {
    let Some(server) = Server::open("samples").await else { return };
    let sqlite = async |sql: &str| sqlite_facts(&mut engines::sqlite(&[&File::new("sample", sql)]).await).await;
    let (one, postgres) = (sqlite(SAMPLE_SQLITE).await, &File::new("sample", SAMPLE_POSTGRES));
    let other = postgres_facts(&mut server.schema("sample", &[postgres]).await).await;
    assert_eq!(differences("sample", &one, &other), Vec::<String>::new());
    for (number, (from, to)) in SAMPLE_CHANGES.iter().enumerate() {
        let changed = sqlite(&SAMPLE_SQLITE.replacen(from, to, 1)).await;
        assert!(!differences("sample", &changed, &other).is_empty(), "SQLite: {from} -> {to} is not seen");
        let changed = File::new("sample", &SAMPLE_POSTGRES.replacen(from, to, 1));
        let changed = postgres_facts(&mut server.schema(&format!("sample{number}"), &[&changed]).await).await;
        assert!(!differences("sample", &one, &changed).is_empty(), "PostgreSQL: {from} -> {to} is not seen");
    }
    let loose = sqlite(&SAMPLE_SQLITE.replacen(" strict", "", 1)).await;
    assert!(loose.contains("home is not strict"));
    server.close().await;
}
