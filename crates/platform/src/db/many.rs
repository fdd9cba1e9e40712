//! One insert of many rows, out of the statement of one.

use sqlx::AssertSqlSafe;

/// The statement `insert` of one row, which a test prepares, for so many rows: those that are there already are left, and the ids of
/// the others are given. Its parameters are those of the one, row by row.
pub fn many_rows(insert: &'static str, rows: usize) -> AssertSqlSafe<String> {
    let (head, of_one) = insert.split_once("values").unwrap_or_default();
    let width = of_one.matches('$').count();
    let row = |at: usize| (1..=width).map(|n| format!("${}", at * width + n)).collect::<Vec<_>>().join(", ");
    let rows = (0..rows).map(|at| format!("({})", row(at))).collect::<Vec<_>>().join(", ");
    AssertSqlSafe(format!("{head}values {rows} on conflict do nothing returning id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_parameters_of_its_own() {
        let two = many_rows("insert into t (id, a) values ($1, $2) on conflict do nothing", 2).0;
        assert_eq!(two, "insert into t (id, a) values ($1, $2), ($3, $4) on conflict do nothing returning id");
    }
}
