//! All rows of a database, read at one moment and written elsewhere, whichever engine is on either side: what a backup, a
//! restore and a move to another engine are made of.
//!
//! A row travels in the form that `SQLite` stores it in ([`Cell`]); `PostgreSQL` gives and takes the same form. Tables come in
//! an order in which each stands behind those that it refers to. The rows of one [`Snapshot`] are of one moment, however
//! long it is read.

mod digest;
mod postgres;
mod sink;
mod snapshot;
mod sqlite;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::DbError;

pub use digest::Digest;
pub use sink::{Sink, matched};
pub use snapshot::{Bearings, Snapshot};
pub use told::{ToldRow, told};

/// Whether a table is of this one database and travels nowhere: that of the migrations, which a migrated database has already, and
/// others whose name begins with an underscore.
fn stays(table: &str) -> bool {
    table.starts_with('_')
}

/// A value as `SQLite` stores it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Cell {
    Null,
    /// Whole numbers and truth values.
    Int(i64),
    Real(f64),
    /// Text; moments in RFC 3339 with `+00:00`, days as `2026-11-29`, JSON.
    Text(String),
    /// Ids and sealed fields.
    Bytes(Vec<u8>),
}

/// The kind of values in a column, where the engine says so: `SQLite` has one word for several of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CellKind {
    /// As `SQLite` keeps it, without another meaning.
    Plain,
    Whole,
    Truth,
    Real,
    Text,
    Moment,
    Day,
    Json,
    Uuid,
    Bytes,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub kind: CellKind,
}

/// A table as it is copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
}

impl Table {
    /// The names of its columns, as a list of SQL.
    fn columns(&self) -> String {
        self.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
    }
}

/// Why rows were not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error(transparent)]
    Database(#[from] DbError),
    /// The two sides have different tables, so they are of different versions.
    #[error("the table {table} is not the same on both sides: {cause}")]
    Table {
        table: String,
        /// The difference.
        cause: String,
    },
    /// A value that the other side cannot hold.
    #[error("a value of {table}.{column} cannot be copied: {cause}")]
    Cell {
        table: String,
        column: String,
        /// The fault, without the value.
        cause: String,
    },
}

impl From<sqlx::Error> for CopyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// A name as SQL takes it, whatever it is.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `tables` in an order in which each stands behind those that it refers to; a table that refers to itself refers to nothing
/// else by that.
fn ordered(tables: Vec<Table>, refers: &[(String, String)]) -> Vec<Table> {
    let mut left: BTreeMap<String, Table> = tables.into_iter().map(|table| (table.name.clone(), table)).collect();
    let (mut done, mut all) = (BTreeSet::new(), Vec::with_capacity(left.len()));
    while !left.is_empty() {
        let waits = |name: &String| {
            let mut targets = refers.iter().filter(|(from, to)| from == name && to != name);
            targets.any(|(_, to)| !done.contains(to) && left.contains_key(to))
        };
        let ready: Vec<String> = left.keys().filter(|name| !waits(name)).cloned().collect();
        // Two that refer to each other can stand in no order; the engine that minds will say so.
        let ready = if ready.is_empty() { left.keys().cloned().collect() } else { ready };
        for name in ready {
            all.extend(left.remove(&name));
            done.insert(name);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Table {
        Table { name: name.to_owned(), columns: Vec::new() }
    }

    #[test]
    fn a_table_stands_behind_those_that_it_refers_to() {
        let refers = [("a", "c"), ("c", "b"), ("b", "b"), ("d", "a")];
        let refers: Vec<_> = refers.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        let order = ordered(["a", "b", "c", "d"].map(table).to_vec(), &refers);
        let names: Vec<_> = order.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["b", "c", "a", "d"]);
    }

    #[test]
    fn tables_in_a_circle_all_come() {
        let refers = vec![("a".to_owned(), "b".to_owned()), ("b".to_owned(), "a".to_owned())];
        assert_eq!(ordered(["a", "b"].map(table).to_vec(), &refers).len(), 2);
    }
}
