//! The header of a file: the row that names its columns, found below what stands above it.

use crate::cn::half_width;

use super::read::{Columns, TableError};

/// Rows among which the header is looked for: a title, who made the file, and when, stand above it.
pub(super) const HEADER_ROWS_MAX: usize = 10;
/// Headings of no field that are named at most.
const UNUSED_MAX: usize = 30;

/// The header as it was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// The field of each column; none where nothing is known by its heading.
    pub(super) fields: Vec<Option<&'static str>>,
    /// The headings as they stand.
    pub(super) headings: Vec<String>,
}

/// A heading as it is compared: without spaces, underscores, stars and remarks in brackets.
fn word(heading: &str) -> String {
    let plain = half_width(heading).to_lowercase().replace('_', "");
    let plain = plain.trim_matches('*');
    plain.split('(').next().filter(|head| !head.is_empty()).unwrap_or(plain).trim_matches('*').to_owned()
}

/// The field that a heading names.
fn field_of(columns: &Columns, heading: &str) -> Option<&'static str> {
    let told = word(heading);
    let same = |known: &str| word(known) == told;
    let known = columns.words.iter().find(|(name, words)| same(name) || words.iter().any(|known| same(known)));
    known.map(|(name, _)| *name).filter(|_| !told.is_empty())
}

impl Header {
    /// The columns that a row names.
    pub(super) fn of(columns: &Columns, cells: &[String]) -> Self {
        let filled = cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1);
        let headings: Vec<String> = cells[..filled].iter().map(|cell| cell.trim().to_owned()).collect();
        let fields = headings.iter().map(|heading| field_of(columns, heading)).collect();
        Self { fields, headings }
    }

    /// How many fields it names.
    pub(super) fn known(&self) -> usize {
        self.fields.iter().flatten().count()
    }

    /// Whether it is the header of such a file, or what is wrong with it.
    pub(super) fn check(&self, columns: &Columns) -> Result<(), TableError> {
        let mut seen = Vec::new();
        for name in self.fields.iter().flatten() {
            if seen.contains(name) {
                return Err(TableError::TwiceColumn(name));
            }
            seen.push(*name);
        }
        let has = |name: &&str| self.fields.contains(&Some(*name));
        let missing: Vec<&str> = columns.needed.iter().filter(|name| !has(name)).copied().collect();
        if !missing.is_empty() {
            let shown = |name: &&str| {
                let words = columns.words.iter().find(|(field, _)| field == name).map(|(_, words)| *words);
                words.and_then(<[&str]>::first).map_or_else(|| (*name).to_owned(), |zh| format!("{zh} ({name})"))
            };
            return Err(TableError::MissingColumns(missing.iter().map(shown).collect::<Vec<_>>().join(", ")));
        }
        Ok(())
    }

    /// The headings under which nothing is read.
    pub(super) fn unused(&self) -> Vec<String> {
        let pairs = self.fields.iter().zip(&self.headings);
        let unused = pairs.filter(|(field, heading)| field.is_none() && !heading.is_empty());
        unused.map(|(_, heading)| heading.chars().take(40).collect()).take(UNUSED_MAX).collect()
    }

    /// The header with what stands in the row above it, where cells of that are merged over several columns.
    pub(super) fn under(&self, above: &Self, columns: &Columns) -> Self {
        let width = self.headings.len().max(above.headings.len());
        let at = |headings: &[String], at: usize| headings.get(at).cloned().unwrap_or_default();
        let both = |column: usize| {
            let (low, high) = (at(&self.headings, column), at(&above.headings, column));
            if field_of(columns, &low).is_some() || high.is_empty() { low } else { high }
        };
        Self::of(columns, &(0..width).map(both).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns {
        words: &[("name", &["姓名"]), ("phone", &["电话", "手机号码"]), ("english_name", &["英文名"])],
        needed: &["name"],
        digits: &[],
        masks: &[],
    };

    fn header(cells: &[&str]) -> Header {
        Header::of(&COLUMNS, &cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_heading_is_known_however_it_is_decorated() {
        let name = Some("name");
        for heading in ["姓名", " 姓 名 ", "姓名*", "*姓名", "姓名（必填）", "Name", "\u{feff}姓名", "姓名 (老人)"]
        {
            assert_eq!(header(&[heading]).fields, [name], "{heading}");
        }
        assert_eq!(header(&["English Name", "手机号码"]).fields, [Some("english_name"), Some("phone")]);
        assert_eq!(header(&["家属电话", "", "姓名", ""]).fields, [None, None, name]);
        assert_eq!(header(&["家属电话", "", "姓名"]).unused(), ["家属电话"]);
    }

    #[test]
    fn a_header_that_is_none_says_why() {
        assert_eq!(header(&["电话"]).check(&COLUMNS), Err(TableError::MissingColumns("姓名 (name)".into())));
        assert_eq!(header(&["姓名", "name"]).check(&COLUMNS), Err(TableError::TwiceColumn("name")));
        let both = header(&["", "手机号码", "备用"]).under(&header(&["姓名", "联系方式", ""]), &COLUMNS);
        assert_eq!(both.headings, ["姓名", "手机号码", "备用"]);
    }
}
