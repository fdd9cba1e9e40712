//! Rows of any statement with the names of their columns, alike on both engines: for files in which somebody is told
//! all that is kept of them.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, TypeInfo as _};
use uuid::Uuid;

use super::{Cell, CellKind, postgres, sqlite};
use crate::db::{Conn, DbError, Engine};

/// A row: its columns in the statement's order, each with its value. Ids and moments are texts, truth values 0 or 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToldRow(pub Vec<(String, Value)>);

impl Serialize for ToldRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The rows of a statement whose parameters are ids. `json` names the columns that hold JSON. A column of bytes that are no
/// id is an error: sealed fields are opened by those who have the key.
pub async fn told(
    conn: &mut Conn,
    statement: &'static str,
    ids: &[Uuid],
    json: &[&str],
) -> Result<Vec<ToldRow>, DbError> {
    match conn.engine() {
        Engine::Sqlite(c) => {
            let query = ids.iter().fold(sqlx::query(statement), |query, id| query.bind(*id));
            query.fetch_all(c).await?.iter().map(|row| of_sqlite(row, json)).collect()
        }
        Engine::Postgres(c) => {
            let query = ids.iter().fold(sqlx::query(statement), |query, id| query.bind(*id));
            query.fetch_all(c).await?.iter().map(|row| of_postgres(row, json)).collect()
        }
    }
}

fn of_sqlite(row: &SqliteRow, json: &[&str]) -> Result<ToldRow, DbError> {
    let value = |(n, column): (usize, &sqlx::sqlite::SqliteColumn)| {
        let cell = sqlite::cell(row.try_get_raw(n)?).map_err(undecoded)?;
        Ok((column.name().to_owned(), value_of(cell, json.contains(&column.name()))?))
    };
    row.columns().iter().enumerate().map(value).collect::<Result<_, DbError>>().map(ToldRow)
}

fn of_postgres(row: &PgRow, json: &[&str]) -> Result<ToldRow, DbError> {
    let value = |(n, column): (usize, &sqlx::postgres::PgColumn)| {
        let cell = match column.type_info().name() {
            "INT2" => row.try_get::<Option<i16>, _>(n)?.map_or(Cell::Null, |whole| Cell::Int(whole.into())),
            "INT4" => row.try_get::<Option<i32>, _>(n)?.map_or(Cell::Null, |whole| Cell::Int(whole.into())),
            name => postgres::cell(row, n, kind(name))?,
        };
        let is_json = json.contains(&column.name()) || column.type_info().name() == "JSONB";
        Ok((column.name().to_owned(), value_of(cell, is_json)?))
    };
    row.columns().iter().enumerate().map(value).collect::<Result<_, DbError>>().map(ToldRow)
}

fn kind(name: &str) -> CellKind {
    match name {
        "INT8" => CellKind::Whole,
        "BOOL" => CellKind::Truth,
        "FLOAT8" => CellKind::Real,
        "TIMESTAMPTZ" => CellKind::Moment,
        "DATE" => CellKind::Day,
        "JSONB" => CellKind::Json,
        "UUID" => CellKind::Uuid,
        "BYTEA" => CellKind::Bytes,
        _ => CellKind::Text,
    }
}

fn undecoded(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DbError {
    sqlx::Error::Decode(cause.into()).into()
}

fn value_of(cell: Cell, json: bool) -> Result<Value, DbError> {
    Ok(match cell {
        Cell::Null => Value::Null,
        Cell::Int(whole) => whole.into(),
        Cell::Real(real) => real.into(),
        Cell::Text(text) if json => serde_json::from_str(&text).map_err(undecoded)?,
        Cell::Text(text) => text.into(),
        Cell::Bytes(bytes) => Uuid::from_slice(&bytes).map_err(undecoded)?.to_string().into(),
    })
}
