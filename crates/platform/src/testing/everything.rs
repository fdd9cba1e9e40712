//! Every value of a database as one text, in which a test looks for what must not be there.

use std::fmt::Write as _;

use crate::db::Db;
use crate::db::copy::{Cell, CopyError, Snapshot};

/// The rows of all tables: a line each, with the table's name in front. Bytes are shown as text where they are one.
pub async fn everything(db: &Db) -> String {
    let mut snapshot = Snapshot::of_one(db).await.unwrap();
    let mut text = String::new();
    for table in snapshot.tables().await.unwrap() {
        let each = async |row: Vec<Cell>| {
            let cells = row.into_iter().map(|cell| match cell {
                Cell::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Cell::Text(text) => text,
                other => format!("{other:?}"),
            });
            let _ = writeln!(text, "{} {}", table.name, cells.collect::<Vec<_>>().join(" | "));
            Ok::<_, CopyError>(())
        };
        snapshot.rows(&table, each).await.unwrap();
    }
    text
}
