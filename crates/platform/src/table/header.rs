//! The header of a file: the row that names its columns, found below what stands above it.

use crate::cn::half_width;

use super::read::{Columns, Heads, TableError};

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
    /// Whether it has a lower row, under cells that are merged over several columns.
    pub(super) is_merged: bool,
}

/// A heading as it is compared: without spaces, underscores, stars and remarks in brackets.
fn word(heading: &str) -> String {
    let plain = half_width(heading).to_lowercase().replace('_', "");
    let plain = plain.trim_matches('*');
    plain.split('(').next().filter(|head| !head.is_empty()).unwrap_or(plain).trim_matches('*').to_owned()
}

impl Heads<'_> {
    /// Whether a person has said what a heading means.
    fn has_said(self, heading: &str) -> bool {
        self.said.iter().any(|(said, _)| word(said) == word(heading))
    }
}

/// The field that a heading names: as a person has said of it, else by its words.
fn field_of(heads: Heads<'_>, heading: &str) -> Option<&'static str> {
    let told = word(heading);
    if let Some((_, field)) = heads.said.iter().find(|(said, _)| word(said) == told) {
        return *field;
    }
    let same = |known: &str| word(known) == told;
    let known = heads.columns.words.iter().find(|(name, words)| same(name) || words.iter().any(|known| same(known)));
    known.map(|(name, _)| *name).filter(|_| !told.is_empty())
}

impl Header {
    /// The columns that a row names.
    pub(super) fn of(heads: Heads<'_>, cells: &[String]) -> Self {
        let filled = cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1);
        let headings: Vec<String> = cells[..filled].iter().map(|cell| cell.trim().to_owned()).collect();
        let mut fields: Vec<_> = headings.iter().map(|heading| field_of(heads, heading)).collect();
        for (name, words) in heads.columns.spare.iter().filter(|_| !headings.is_empty()) {
            if fields.contains(&Some(*name)) {
                continue;
            }
            let free = |at: &usize| fields[*at].is_none() && !heads.has_said(&headings[*at]);
            let at = |known: &&str| (0..fields.len()).filter(free).find(|at| word(&headings[*at]) == word(known));
            let found = words.iter().find_map(at);
            if let Some(at) = found {
                fields[at] = Some(*name);
            }
        }
        Self { fields, headings, is_merged: false }
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
    pub(super) fn under(&self, above: &Self, heads: Heads<'_>) -> Self {
        let width = self.headings.len().max(above.headings.len());
        let at = |headings: &[String], at: usize| headings.get(at).cloned().unwrap_or_default();
        let both = |column: usize| {
            let (low, high) = (at(&self.headings, column), at(&above.headings, column));
            if field_of(heads, &low).is_some() || high.is_empty() { low } else { high }
        };
        Self::of(heads, &(0..width).map(both).collect::<Vec<_>>())
    }

    /// Whether it is the lower of two rows of headings, whatever its words: it stands under cells that are merged over
    /// several columns and under no other, and has nothing in the columns that every row has.
    pub(super) fn is_below(&self, above: &Self, columns: &Columns) -> bool {
        let empty = |at: usize| above.headings.get(at).is_none_or(String::is_empty);
        let filled = |at: &usize| !self.headings[*at].is_empty();
        let mut inside = false;
        for at in (0..self.headings.len()).filter(filled) {
            let needed = above.fields.get(at).copied().flatten().is_some_and(|name| columns.needed.contains(&name));
            if needed || !(empty(at) || (empty(at + 1) && self.headings.get(at + 1).is_some_and(|low| !low.is_empty())))
            {
                return false;
            }
            inside |= empty(at);
        }
        inside
    }

    /// The header of two rows, of which this is the lower one; none where the two are no header together.
    pub(super) fn joined(&self, above: &Self, heads: Heads<'_>) -> Option<Self> {
        let is_merged = self.is_below(above, heads.columns);
        let together = above.known() > 0 && (self.known() > 0 || is_merged);
        together.then(|| Self { is_merged, ..self.under(above, heads) })
    }

    /// Whether it is rather the header than another: by the fields that it names, or since it is that one with a row of further
    /// headings below.
    pub(super) fn beats(&self, other: &Self) -> bool {
        self.known() > other.known() || (self.is_merged && self.known() == other.known())
    }

    /// Each heading with the field under it.
    pub(super) fn told(&self) -> Vec<(String, Option<&'static str>)> {
        self.headings
            .iter()
            .cloned()
            .zip(self.fields.iter().copied())
            .filter(|(heading, _)| !heading.is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns {
        words: &[("name", &["姓名"]), ("phone", &["电话", "手机号码"]), ("english_name", &["英文名"])],
        spare: &[("phone", &["家属电话", "单位电话"])],
        needed: &["name"],
        digits: &[],
        masks: &[],
    };
    const HEADS: Heads<'static> = Heads { columns: &COLUMNS, said: &[] };

    fn cells(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    fn header(told: &[&str]) -> Header {
        Header::of(HEADS, &cells(told))
    }

    #[test]
    fn a_spare_word_heads_a_column_where_no_other_does_and_a_persons_word_goes_before() {
        let phone = Some("phone");
        assert_eq!(header(&["单位电话", "家属电话"]).fields, [None, phone]);
        assert_eq!(header(&["家属电话", "电话"]).fields, [None, phone]);
        let said = [("电话".to_owned(), None), ("称呼".to_owned(), Some("name"))];
        let of = |told: &[&str]| Header::of(Heads { said: &said, ..HEADS }, &cells(told)).fields;
        assert_eq!(of(&["称 呼", "电话", "家属电话"]), [Some("name"), None, phone]);
        assert_eq!(of(&["称呼", "电话"]), [Some("name"), None]);
    }

    #[test]
    fn a_row_of_headings_below_merged_ones_is_no_row_of_data() {
        let above = header(&["姓名", "电话", "", "备注"]);
        let is_below = |told: &[&str]| header(told).is_below(&above, &COLUMNS);
        assert!(is_below(&["", "本人", "家属"]));
        assert!(
            !is_below(&["林某", "1", "2"]) && !is_below(&["", "1"]) && !is_below(&["", "", "", "x"]) && !is_below(&[])
        );
    }

    #[test]
    fn a_heading_is_known_however_it_is_decorated() {
        let name = Some("name");
        for heading in ["姓名", " 姓 名 ", "姓名*", "*姓名", "姓名（必填）", "Name", "\u{feff}姓名", "姓名 (老人)"]
        {
            assert_eq!(header(&[heading]).fields, [name], "{heading}");
        }
        assert_eq!(header(&["English Name", "手机号码"]).fields, [Some("english_name"), Some("phone")]);
        assert_eq!(header(&["家庭成员", "", "姓名", ""]).fields, [None, None, name]);
        assert_eq!(header(&["家庭成员", "", "姓名"]).unused(), ["家庭成员"]);
    }

    #[test]
    fn a_header_that_is_none_says_why() {
        assert_eq!(header(&["电话"]).check(&COLUMNS), Err(TableError::MissingColumns("姓名 (name)".into())));
        assert_eq!(header(&["姓名", "name"]).check(&COLUMNS), Err(TableError::TwiceColumn("name")));
        let both = header(&["", "手机号码", "备用"]).under(&header(&["姓名", "联系方式", ""]), HEADS);
        assert_eq!(both.headings, ["姓名", "手机号码", "备用"]);
    }
}
