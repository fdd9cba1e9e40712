//! What was measured, as a table.

use std::fmt::Write as _;

/// The runs of one contestant in one scenario: a row of values for each run, in the order of the columns.
pub struct Row {
    /// The contestant.
    pub name: &'static str,
    /// Each run's values; `None` when it failed or was discarded.
    pub runs: Vec<Option<Vec<f64>>>,
    /// What went wrong, or what else there is to know.
    pub notes: Vec<String>,
}

/// A scenario's table.
pub struct Table<'a> {
    /// The scenario's name and what it does.
    pub title: &'a str,
    /// What each value is, with its unit.
    pub columns: &'a [&'a str],
    /// The contestants, the floor first.
    pub rows: &'a [Row],
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len().checked_sub(1)? / 2;
    Some(if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle], values[middle + 1]) })
}

/// A number with three significant digits or none behind the point.
fn shown(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        v if v > 0.0 => 3,
        _ => 0,
    };
    format!("{value:.digits$}")
}

impl Table<'_> {
    /// Markdown: for each contestant and value the median, the spread and the ratio to the floor, which is the
    /// median of the ratios of each run to the floor's run beside it.
    pub fn text(&self) -> String {
        let mut text = format!("\n## {}\n\n| contestant | value | median | least – most | × floor |\n", self.title);
        text.push_str("|---|---|---|---|---|\n");
        let floor = self.rows.first();
        for row in self.rows {
            for (at, column) in self.columns.iter().enumerate() {
                let mut values: Vec<f64> = row.runs.iter().flatten().map(|run| run[at]).collect();
                let beside = |(run, base): (&Option<Vec<f64>>, &Option<Vec<f64>>)| {
                    let (run, base) = (run.as_ref()?[at], base.as_ref()?[at]);
                    (base > 0.0).then_some(run / base)
                };
                let mut ratios: Vec<f64> =
                    floor.map(|f| row.runs.iter().zip(&f.runs).filter_map(beside).collect()).unwrap_or_default();
                let Some(middle) = median(&mut values) else {
                    let _ = writeln!(text, "| {} | {column} | – | – | – |", row.name);
                    continue;
                };
                let spread = [values.first(), values.last()].map(|v| v.copied().map_or_else(String::new, shown));
                let ratio = median(&mut ratios).map_or_else(|| "–".to_owned(), shown);
                let (name, middle) = (row.name, shown(middle));
                let _ = writeln!(text, "| {name} | {column} | {middle} | {} – {} | {ratio} |", spread[0], spread[1]);
            }
        }
        for row in self.rows {
            for note in &row.notes {
                let _ = writeln!(text, "\n{}: {note}", row.name);
            }
        }
        text
    }
}
