//! The report of the measurements, as a table, and what it is held against.

use std::fmt::Write as _;

use crate::contestants::{EMBEDDED, FLOOR};

/// A value that a scenario gives, or one that follows from it.
pub struct Column {
    /// The value's name, with its unit.
    pub name: &'static str,
    /// The place of another column: this one is how much more that is than the embedded log's in the same round, and
    /// no scenario gives it.
    pub over_embedded: Option<usize>,
    /// The contestants that a bar is for, and the bar.
    pub bars: &'static [(&'static [&'static str], Bar)],
}

/// The bar to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// The median ratio to the floor is no more than this.
    TimesFloor(f64),
    /// The median is no more than this.
    AtMost(f64),
    /// The median is no less than this.
    AtLeast(f64),
    /// No run is more than this.
    EachAtMost(f64),
}

/// The runs of one contestant in one scenario: a row of values for each run, in the order of the columns.
pub struct Row {
    /// The contestant.
    pub name: &'static str,
    /// Each run's values; `None` when it failed. A value that is not a number was not there to be measured.
    pub runs: Vec<Option<Vec<f64>>>,
    /// The failures, or what else there is to know.
    pub notes: Vec<String>,
}

/// A scenario's table.
pub struct Table<'a> {
    /// The scenario's name and what it does.
    pub title: &'a str,
    /// The meaning of each value.
    pub columns: &'a [Column],
    /// The contestants, the floor first.
    pub rows: &'a [Row],
}

/// The summary of a contestant's runs in one column.
struct Summary {
    median: f64,
    least: f64,
    greatest: f64,
    times_floor: Option<f64>,
}

impl Column {
    /// A value without a bar.
    pub const fn plain(name: &'static str) -> Self {
        Self::barred(name, &[])
    }

    /// A value with bars.
    pub const fn barred(name: &'static str, bars: &'static [(&'static [&'static str], Bar)]) -> Self {
        Self { name, over_embedded: None, bars }
    }
}

impl Bar {
    /// The bar in words, and whether it was met.
    fn text(self, summary: &Summary) -> String {
        let (words, met) = match self {
            Self::TimesFloor(most) => {
                (format!("≤ {most} × floor"), summary.times_floor.is_some_and(|times| times <= most))
            }
            Self::AtMost(most) => (format!("≤ {most}"), summary.median <= most),
            Self::AtLeast(least) => (format!("≥ {least}"), summary.median >= least),
            Self::EachAtMost(most) => (format!("each ≤ {most}"), summary.greatest <= most),
        };
        format!("{words}: {}", if met { "met" } else { "missed" })
    }
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
        let mut text = format!("\n## {}\n\n", self.title);
        text.push_str("| contestant | value | median | least – most | × floor | bar |\n|---|---|---|---|---|---|\n");
        for row in self.rows {
            for (at, column) in self.columns.iter().enumerate() {
                let (name, column_name) = (row.name, column.name);
                let bar = column.bars.iter().find(|(names, _)| names.contains(&name)).map(|(_, bar)| bar);
                let Some(summary) = self.summary(at, row) else {
                    // A figure that this contestant cannot have, such as the CPU of servers that it has not, is left out.
                    if bar.is_some() || row.runs.iter().all(Option::is_none) {
                        let bar = bar.map_or("", |_| "not measured");
                        let _ = writeln!(text, "| {name} | {column_name} | – | – | – | {bar} |");
                    }
                    continue;
                };
                let bar = bar.map_or_else(String::new, |bar| bar.text(&summary));
                let [median, least, greatest] = [summary.median, summary.least, summary.greatest].map(shown);
                let times = summary.times_floor.map_or_else(|| "–".to_owned(), shown);
                let _ =
                    writeln!(text, "| {name} | {column_name} | {median} | {least} – {greatest} | {times} | {bar} |");
            }
        }
        for row in self.rows {
            for note in &row.notes {
                let _ = writeln!(text, "\n{}: {note}", row.name);
            }
        }
        text
    }

    fn summary(&self, at: usize, row: &Row) -> Option<Summary> {
        let rounds = 0..row.runs.len();
        let mut values: Vec<f64> = rounds.clone().filter_map(|round| self.value(at, row, round)).collect();
        let times = |round| {
            let base = self.value(at, self.rows.first()?, round).filter(|base| *base > 0.0)?;
            Some(self.value(at, row, round)? / base)
        };
        // How much more than something else is has no ratio.
        let mut ratios: Vec<f64> = match self.columns[at].over_embedded {
            None => rounds.filter_map(times).collect(),
            Some(_) => Vec::new(),
        };
        let times_floor = median(&mut ratios);
        let median = median(&mut values)?;
        Some(Summary { median, least: *values.first()?, greatest: *values.last()?, times_floor })
    }

    /// The value that a run gave, if it gave it.
    fn value(&self, at: usize, row: &Row, round: usize) -> Option<f64> {
        let given = |row: &Row, at: usize| row.runs.get(round)?.as_ref()?.get(at).copied().filter(|v| !v.is_nan());
        match self.columns[at].over_embedded {
            None => given(row, at),
            Some(_) if [FLOOR, EMBEDDED].contains(&row.name) => None,
            Some(other) => {
                let embedded = self.rows.iter().find(|row| row.name == EMBEDDED)?;
                Some(given(row, other)? - given(embedded, other)?)
            }
        }
    }
}
