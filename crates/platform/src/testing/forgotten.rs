//! Whether all of a database is accounted for: told to the person whom it tells of, or listed with the reason why not.

use crate::db::Db;
use crate::db::copy::Snapshot;

/// The parts of a database that a file tells, and those that it does not.
#[derive(Clone, Copy, Debug)]
pub struct Forgotten<'a> {
    /// Tables with the columns that are told; a name that is no table's is passed over.
    pub told: &'a [(&'static str, Vec<String>)],
    /// Columns of these tables that are not told: table, column, reason.
    pub left_out: &'a [(&'a str, &'a str, &'a str)],
    /// Tables that are not told: name, reason.
    pub elsewhere: &'a [(&'a str, &'a str)],
}

impl Forgotten<'_> {
    /// The tables and columns that are in no list or in two, and the names in lists that the database does not have.
    pub async fn findings(&self, db: &Db) -> Vec<String> {
        let tables = Snapshot::of_one(db).await.unwrap().tables().await.unwrap();
        let mut findings = Vec::new();
        for table in &tables {
            let name = table.name.as_str();
            let told = self.told.iter().find(|(told, _)| *told == name);
            let elsewhere = self.elsewhere.iter().any(|(other, _)| *other == name);
            let Some((_, columns)) = told else {
                findings.extend((!elsewhere).then(|| format!("the table {name} is in no list")));
                continue;
            };
            findings.extend(elsewhere.then(|| format!("the table {name} is in two lists")));
            for column in table.columns.iter().map(|column| column.name.as_str()) {
                let left_out = self.left_out.iter().any(|(of, other, _)| (*of, *other) == (name, column));
                if left_out == columns.iter().any(|told| told == column) {
                    findings
                        .push(format!("{name}.{column} is in {} list", if left_out { "more than one" } else { "no" }));
                }
            }
        }
        let known = |name: &str, column: Option<&str>| {
            let table = tables.iter().find(|table| table.name == name);
            table.is_some_and(|table| column.is_none_or(|column| table.columns.iter().any(|c| c.name == column)))
        };
        let gone = self.left_out.iter().filter(|(table, column, _)| !known(table, Some(column)));
        findings.extend(gone.map(|(table, column, _)| format!("there is no {table}.{column}")));
        let gone = self.elsewhere.iter().filter(|(table, _)| !known(table, None));
        findings.extend(gone.map(|(table, _)| format!("there is no table {table}")));
        findings
    }
}
