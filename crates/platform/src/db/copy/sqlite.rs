//! Rows of `SQLite`.

use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, TypeInfo as _, ValueRef as _};

use super::{Cell, CellKind, Column, CopyError, Table, ordered, quoted, stays};
use crate::db::DbError;

const COLUMNS_SQLITE: &str = r"select t.name, c.name from pragma_table_list t join pragma_table_xinfo(t.name) c
    where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite\_%' escape '\'
    order by t.name, c.cid";
const REFERS_SQLITE: &str = r#"select distinct t.name, f."table" from pragma_table_list t join pragma_foreign_key_list(t.name) f
    where t.schema = 'main' and t.type = 'table'"#;

pub(super) async fn tables(conn: &mut SqliteConnection) -> Result<Vec<Table>, DbError> {
    let columns: Vec<(String, String)> = sqlx::query_as(COLUMNS_SQLITE).fetch_all(&mut *conn).await?;
    let refers: Vec<(String, String)> = sqlx::query_as(REFERS_SQLITE).fetch_all(conn).await?;
    let mut tables: Vec<Table> = Vec::new();
    for (table, name) in columns.into_iter().filter(|(table, _)| !stays(table)) {
        let column = Column { name, kind: CellKind::Plain };
        match tables.last_mut().filter(|last| last.name == table) {
            Some(last) => last.columns.push(column),
            None => tables.push(Table { name: table, columns: vec![column] }),
        }
    }
    Ok(ordered(tables, &refers))
}

pub(super) async fn rows<E: From<CopyError>>(
    conn: &mut SqliteConnection,
    table: &Table,
    mut each: impl AsyncFnMut(Vec<Cell>) -> Result<(), E>,
) -> Result<(), E> {
    let sql = format!("select {} from {}", table.columns(), quoted(&table.name));
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(CopyError::from)? {
        each(cells(table, &row)?).await?;
    }
    Ok(())
}

fn cells(table: &Table, row: &SqliteRow) -> Result<Vec<Cell>, CopyError> {
    let cell = |(n, column): (usize, &Column)| {
        let read = row.try_get_raw(n).map_err(|e| e.to_string()).and_then(cell);
        read.map_err(|cause| CopyError::Cell { table: table.name.clone(), column: column.name.clone(), cause })
    };
    table.columns.iter().enumerate().map(cell).collect()
}

pub(super) fn cell(value: SqliteValueRef<'_>) -> Result<Cell, String> {
    use sqlx::{Decode, Sqlite};
    fn read<'r, T: Decode<'r, Sqlite>>(value: SqliteValueRef<'r>) -> Result<T, String> {
        T::decode(value).map_err(|e| e.to_string())
    }
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let kind = value.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" | "BOOLEAN" => Cell::Int(read(value)?),
        "REAL" => Cell::Real(read(value)?),
        "TEXT" => Cell::Text(read(value)?),
        "BLOB" => Cell::Bytes(read(value)?),
        other => return Err(format!("it is stored as {other}")),
    })
}

/// Writes rows of one table; nothing of it is durable before the transaction around it is.
pub(super) async fn insert(conn: &mut SqliteConnection, table: &Table, rows: &[Vec<Cell>]) -> Result<(), CopyError> {
    let row = format!("({})", vec!["?"; table.columns.len()].join(", "));
    let all = vec![row.as_str(); rows.len()].join(", ");
    let sql = format!("insert into {} ({}) values {all}", quoted(&table.name), table.columns());
    let mut insert = sqlx::query(AssertSqlSafe(sql));
    for cell in rows.iter().flatten() {
        insert = match cell {
            Cell::Null => insert.bind(None::<i64>),
            Cell::Int(n) => insert.bind(n),
            Cell::Real(x) => insert.bind(x),
            Cell::Text(text) => insert.bind(text),
            Cell::Bytes(bytes) => insert.bind(bytes),
        };
    }
    let written = insert.execute(conn).await?.rows_affected();
    if written != rows.len() as u64 {
        let cause = format!("{written} of {} rows were taken", rows.len());
        return Err(CopyError::Table { table: table.name.clone(), cause });
    }
    Ok(())
}
