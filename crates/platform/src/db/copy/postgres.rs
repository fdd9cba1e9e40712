//! Rows of `PostgreSQL`.

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::TryStreamExt as _;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::{Cell, CellKind, Column, CopyError, Table, ordered, quoted, stays};
use crate::crypto::hex;
use crate::db::as_text;

const COLUMNS_POSTGRES: &str = "select t.table_name::text, c.column_name::text, c.data_type::text
    from information_schema.tables t join information_schema.columns c using (table_schema, table_name)
    where t.table_schema = current_schema() and t.table_type = 'BASE TABLE'
    order by t.table_name, c.ordinal_position";
const REFERS_POSTGRES: &str = "select distinct t.relname::text, f.relname::text
    from pg_constraint c join pg_class t on t.oid = c.conrelid join pg_class f on f.oid = c.confrelid
    where c.contype = 'f' and t.relnamespace = current_schema()::regnamespace";

fn kind(data_type: &str) -> Option<CellKind> {
    Some(match data_type {
        "bigint" | "integer" | "smallint" => CellKind::Whole,
        "boolean" => CellKind::Truth,
        "double precision" => CellKind::Real,
        "text" => CellKind::Text,
        "timestamp with time zone" => CellKind::Moment,
        "date" => CellKind::Day,
        "jsonb" => CellKind::Json,
        "uuid" => CellKind::Uuid,
        "bytea" => CellKind::Bytes,
        _ => return None,
    })
}

pub(super) async fn tables(conn: &mut PgConnection) -> Result<Vec<Table>, CopyError> {
    let columns: Vec<(String, String, String)> = sqlx::query_as(COLUMNS_POSTGRES).fetch_all(&mut *conn).await?;
    let refers: Vec<(String, String)> = sqlx::query_as(REFERS_POSTGRES).fetch_all(conn).await?;
    let mut tables: Vec<Table> = Vec::new();
    for (table, name, data_type) in columns.into_iter().filter(|(table, ..)| !stays(table)) {
        let unknown = || CopyError::Table { table: table.clone(), cause: format!("a column of type {data_type}") };
        let column = Column { name, kind: kind(&data_type).ok_or_else(unknown)? };
        match tables.last_mut().filter(|last| last.name == table) {
            Some(last) => last.columns.push(column),
            None => tables.push(Table { name: table, columns: vec![column] }),
        }
    }
    Ok(ordered(tables, &refers))
}

pub(super) async fn rows<E: From<CopyError>>(
    conn: &mut PgConnection,
    table: &Table,
    mut each: impl AsyncFnMut(Vec<Cell>) -> Result<(), E>,
) -> Result<(), E> {
    let select = |column: &Column| match column.kind {
        CellKind::Whole => format!("{}::bigint", quoted(&column.name)),
        _ => quoted(&column.name),
    };
    let columns: Vec<_> = table.columns.iter().map(select).collect();
    let sql = format!("select {} from {}", columns.join(", "), quoted(&table.name));
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(CopyError::from)? {
        let cell = |(n, column): (usize, &Column)| {
            cell(&row, n, column.kind).map_err(|e| CopyError::Cell {
                table: table.name.clone(),
                column: column.name.clone(),
                cause: e.to_string(),
            })
        };
        let cells = table.columns.iter().enumerate().map(cell).collect::<Result<_, _>>()?;
        each(cells).await?;
    }
    Ok(())
}

pub(super) fn cell(row: &PgRow, n: usize, kind: CellKind) -> Result<Cell, sqlx::Error> {
    let read = match kind {
        CellKind::Whole => row.try_get::<Option<i64>, _>(n)?.map(Cell::Int),
        CellKind::Truth => row.try_get::<Option<bool>, _>(n)?.map(|yes| Cell::Int(i64::from(yes))),
        CellKind::Real => row.try_get::<Option<f64>, _>(n)?.map(Cell::Real),
        CellKind::Moment => row.try_get::<Option<DateTime<Utc>>, _>(n)?.map(|at| Cell::Text(as_text(at))),
        CellKind::Day => row.try_get::<Option<NaiveDate>, _>(n)?.map(|day| Cell::Text(day.to_string())),
        CellKind::Json => row.try_get::<Option<serde_json::Value>, _>(n)?.map(|value| Cell::Text(value.to_string())),
        CellKind::Uuid => row.try_get::<Option<Uuid>, _>(n)?.map(|id| Cell::Bytes(id.as_bytes().to_vec())),
        CellKind::Bytes => row.try_get::<Option<Vec<u8>>, _>(n)?.map(Cell::Bytes),
        CellKind::Plain | CellKind::Text => row.try_get::<Option<String>, _>(n)?.map(Cell::Text),
    };
    Ok(read.unwrap_or(Cell::Null))
}

/// A row in the text format of `COPY` (the documentation of COPY, "Text Format").
pub(super) fn line(table: &Table, row: &[Cell], out: &mut Vec<u8>) -> Result<(), CopyError> {
    for (n, (column, cell)) in table.columns.iter().zip(row).enumerate() {
        if n > 0 {
            out.push(b'\t');
        }
        field(column.kind, cell, out).map_err(|cause| CopyError::Cell {
            table: table.name.clone(),
            column: column.name.clone(),
            cause: cause.to_owned(),
        })?;
    }
    out.push(b'\n');
    Ok(())
}

fn field(kind: CellKind, cell: &Cell, out: &mut Vec<u8>) -> Result<(), &'static str> {
    match (kind, cell) {
        (_, Cell::Null) => out.extend(br"\N"),
        (CellKind::Truth, Cell::Int(n)) => out.push(if *n == 0 { b'f' } else { b't' }),
        (_, Cell::Int(n)) => out.extend(n.to_string().bytes()),
        (_, Cell::Real(x)) => out.extend(format!("{x:?}").bytes()),
        (CellKind::Uuid, Cell::Bytes(bytes)) if bytes.len() == 16 => out.extend(hex(bytes).bytes()),
        (CellKind::Uuid, Cell::Bytes(_)) => return Err("an id is not of 16 bytes"),
        (_, Cell::Bytes(bytes)) => {
            out.extend(br"\\x");
            out.extend(hex(bytes).bytes());
        }
        (_, Cell::Text(text)) => {
            for byte in text.bytes() {
                match byte {
                    0 => return Err("PostgreSQL keeps no character of code 0"),
                    b'\\' => out.extend(br"\\"),
                    b'\t' => out.extend(br"\t"),
                    b'\n' => out.extend(br"\n"),
                    b'\r' => out.extend(br"\r"),
                    other => out.push(other),
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn said(kind: CellKind, cell: Cell) -> String {
        let table = Table { name: "t".to_owned(), columns: vec![Column { name: "c".to_owned(), kind }] };
        let mut out = Vec::new();
        line(&table, &[cell], &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_value_is_written_as_the_format_wants_it() {
        assert_eq!(said(CellKind::Text, Cell::Null), "\\N\n");
        assert_eq!(said(CellKind::Text, Cell::Text("a\tb\\N\r\n王".to_owned())), "a\\tb\\\\N\\r\\n王\n");
        assert_eq!(said(CellKind::Truth, Cell::Int(1)), "t\n");
        assert_eq!(said(CellKind::Whole, Cell::Int(-3)), "-3\n");
        assert_eq!(said(CellKind::Real, Cell::Real(0.1)), "0.1\n");
        assert_eq!(said(CellKind::Bytes, Cell::Bytes(vec![0, 255])), "\\\\x00ff\n");
        assert_eq!(said(CellKind::Uuid, Cell::Bytes(vec![17; 16])), format!("{}\n", "11".repeat(16)));
    }

    #[test]
    fn what_the_server_cannot_hold_is_said_with_its_column() {
        let table =
            Table { name: "t".to_owned(), columns: vec![Column { name: "c".to_owned(), kind: CellKind::Text }] };
        let error = line(&table, &[Cell::Text("a\0".to_owned())], &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("t.c"), "{error}");
    }
}
