//! The sum of a table's rows, the same on both engines and in any order: what says that a copy is whole.

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Cell, CellKind, Table};

/// How many rows, and the sum of their hashes modulo 2^128. A row that is missing, changed or there twice changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    pub rows: u64,
    sum: u128,
}

impl Digest {
    /// Takes a row of `table` into account. By the kinds of its columns, two spellings of one value count as one: JSON of another
    /// order or spacing, a moment of another precision.
    pub fn take(&mut self, table: &Table, row: &[Cell]) {
        let mut hash = Sha256::new();
        for (column, cell) in table.columns.iter().zip(row) {
            put(&mut hash, column.kind, cell);
        }
        let bytes = hash.finalize();
        let half = bytes.first_chunk::<16>().map_or(0, |half| u128::from_be_bytes(*half));
        self.rows += 1;
        self.sum = self.sum.wrapping_add(half);
    }
}

fn put(hash: &mut Sha256, kind: CellKind, cell: &Cell) {
    let mut field = |tag: u8, bytes: &[u8]| {
        hash.update([tag]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    match (kind, cell) {
        (_, Cell::Null) => field(0, &[]),
        (_, Cell::Int(n)) => field(1, &n.to_be_bytes()),
        (_, Cell::Real(x)) => field(2, &x.to_bits().to_be_bytes()),
        (CellKind::Json, Cell::Text(text)) => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(value) => field(3, value.to_string().as_bytes()),
            Err(_) => field(4, text.as_bytes()),
        },
        (CellKind::Moment, Cell::Text(text)) => match DateTime::parse_from_rfc3339(text) {
            Ok(at) => field(5, &at.timestamp_micros().to_be_bytes()),
            Err(_) => field(4, text.as_bytes()),
        },
        (_, Cell::Text(text)) => field(4, text.as_bytes()),
        (_, Cell::Bytes(bytes)) => field(6, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Column;
    use super::*;

    fn of(kind: CellKind, rows: &[Cell]) -> Digest {
        let table = Table { name: "t".to_owned(), columns: vec![Column { name: "c".to_owned(), kind }] };
        let mut digest = Digest::default();
        for cell in rows {
            digest.take(&table, std::slice::from_ref(cell));
        }
        digest
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn the_order_of_rows_is_nothing_and_their_number_and_content_are() {
        let [a, b] = [text("a"), text("b")];
        let whole = of(CellKind::Text, &[a.clone(), b.clone()]);
        assert_eq!(whole, of(CellKind::Text, &[b.clone(), a.clone()]));
        for other in [&[a.clone()][..], &[a.clone(), a.clone()], &[a.clone(), b.clone(), b], &[a, text("B")]] {
            assert_ne!(whole, of(CellKind::Text, other), "{other:?}");
        }
    }

    #[test]
    fn two_spellings_of_one_value_are_one() {
        let json = |t: &str| of(CellKind::Json, &[text(t)]);
        assert_eq!(json(r#"{"b": 1, "a":[2]}"#), json(r#"{"a":[2],"b":1}"#));
        assert_ne!(json(r#"{"a":[2]}"#), json(r#"{"a":[3]}"#));
        let at = |t: &str| of(CellKind::Moment, &[text(t)]);
        assert_eq!(at("2026-11-29T08:00:00+00:00"), at("2026-11-29T08:00:00.000000+00:00"));
        assert_ne!(at("2026-11-29T08:00:00+00:00"), at("2026-11-29T08:00:00.000001+00:00"));
    }

    #[test]
    fn nothing_zero_and_empty_are_three_things() {
        let all = [Cell::Null, Cell::Int(0), text(""), Cell::Bytes(Vec::new()), Cell::Real(0.0)];
        for (n, a) in all.iter().enumerate() {
            for b in &all[n + 1..] {
                assert_ne!(of(CellKind::Plain, std::slice::from_ref(a)), of(CellKind::Plain, std::slice::from_ref(b)));
            }
        }
    }
}
