//! The meaning of the words of a file: areas by their names, and what a person has once said of a source's own words.

use std::collections::{HashMap, HashSet};

use sanbao_platform::cn::half_width;
use sanbao_platform::table::Fault;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::COLUMNS;
use super::mapping::{Mapping, MappingKind};
use crate::area::AreaCode;
use crate::request::category::Category;
use sanbao_platform::text_enum::TextEnum as _;

/// Unknown words of a kind that are told one by one.
pub(super) const UNKNOWN_MAX: usize = 50;
/// Characters of such a word that are told.
const UNKNOWN_CHARS_MAX: usize = 40;

/// A word of a file that means nothing here yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnknownWord {
    /// The word as the file has it.
    pub said: String,
    /// Rows that have it.
    pub rows: i64,
}

/// The words of a file that mean nothing here yet: the first of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnknownWords {
    /// Of the column of categories: such rows are kept under `other`.
    pub categories: Vec<UnknownWord>,
    /// Of the column of areas: such rows are refused.
    pub areas: Vec<UnknownWord>,
}

impl UnknownWords {
    /// Counts a word of a kind.
    pub(super) fn add(&mut self, kind: MappingKind, said: &str) {
        let words = match kind {
            MappingKind::Category => &mut self.categories,
            MappingKind::Area => &mut self.areas,
            MappingKind::Column => return,
        };
        let said: String = said.trim().chars().take(UNKNOWN_CHARS_MAX).collect();
        if let Some(word) = words.iter_mut().find(|word| word.said == said) {
            word.rows += 1;
        } else if words.len() < UNKNOWN_MAX {
            words.push(UnknownWord { said, rows: 1 });
        }
    }
}

/// The meanings of words for one source.
#[derive(Debug, Default)]
pub(super) struct Meaning {
    /// The codes that there are.
    codes: HashSet<String>,
    /// The areas of each name, within the reach of the importing person.
    names: HashMap<String, Vec<AreaCode>>,
    said_areas: HashMap<String, AreaCode>,
    said_categories: HashMap<String, Category>,
    /// The meanings of headings.
    pub(super) headings: Vec<(String, Option<&'static str>)>,
}

/// The meanings of headings among those of all words.
pub(super) fn headings(said: &[Mapping]) -> Vec<(String, Option<&'static str>)> {
    let columns = said.iter().filter(|mapping| mapping.kind == MappingKind::Column);
    let field = |meant: Option<&str>| COLUMNS.iter().find(|name| Some(**name) == meant).copied();
    columns.map(|mapping| (mapping.said.clone(), field(mapping.meant.as_deref()))).collect()
}

/// The area that a text names.
pub(super) enum Place {
    /// A code, as it stands in the file.
    Code,
    /// The area of a name.
    Named(AreaCode),
}

fn word(text: &str) -> String {
    half_width(text).to_lowercase()
}

impl Meaning {
    /// All that is known of areas, and was said of words; `named` are the areas that names may mean.
    pub(super) fn new(codes: HashSet<String>, named: Vec<(AreaCode, String)>, said: Vec<Mapping>) -> Self {
        let mut meaning = Self { codes, headings: headings(&said), ..Self::default() };
        for (code, name) in named {
            meaning.names.entry(word(&name)).or_default().push(code);
        }
        for Mapping { kind, said, meant } in said {
            let meant = meant.as_deref();
            match kind {
                MappingKind::Column => {}
                MappingKind::Area => {
                    meaning
                        .said_areas
                        .extend(meant.and_then(|m| AreaCode::parse(m).ok()).map(|code| (word(&said), code)));
                }
                MappingKind::Category => {
                    let category = meant.and_then(Category::from_text).unwrap_or(Category::Other);
                    meaning.said_categories.insert(word(&said), category);
                }
            }
        }
        meaning
    }

    pub(super) fn has(&self, code: &AreaCode) -> bool {
        self.codes.contains(code.as_str())
    }

    /// The category that was said for a word.
    pub(super) fn category(&self, text: &str) -> Option<Category> {
        self.said_categories.get(&word(text)).copied()
    }

    /// The area that a text names: by what was said, by its code, or by a name that one area alone has, perhaps behind those of
    /// the areas that it lies in.
    pub(super) fn place(&self, text: &str) -> Result<Place, Fault> {
        if let Some(code) = self.said_areas.get(&word(text)) {
            return Ok(Place::Named(code.clone()));
        }
        let code = half_width(text);
        if self.codes.contains(text.trim()) || self.codes.contains(code.strip_suffix(".0").unwrap_or(&code)) {
            return Ok(Place::Code);
        }
        let last = text.rsplit(['/', '\\', '>', '＞', '／', '→']).next().unwrap_or_default();
        match self.names.get(&word(text)).or_else(|| self.names.get(&word(last))).map(Vec::as_slice) {
            Some([only]) => Ok(Place::Named(only.clone())),
            Some([_, ..]) => {
                let zh = "有几个区域叫这个名字，请在导入页面选定一个，或者填写区域编码";
                let en = "Several areas have this name: choose one on the page of the import, or write the code";
                Err(Fault::new("area_code", "area_ambiguous", zh, en))
            }
            _ => Ok(Place::Code),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn code(text: &str) -> AreaCode {
        AreaCode::parse(text).unwrap()
    }

    fn meaning() -> Meaning {
        let named = [("330211001001", "胜利路社区"), ("330211001001-G1", "一网格"), ("330211001002-G1", "一网格")];
        let said = |kind, said: &str, meant: Option<&str>| Mapping {
            kind,
            said: said.into(),
            meant: meant.map(str::to_owned),
        };
        let said = vec![
            said(MappingKind::Area, "胜利", Some("330211001001")),
            said(MappingKind::Category, "遛狗", Some("visit")),
            said(MappingKind::Category, "杂", None),
            said(MappingKind::Column, "单号", Some("external_id")),
            said(MappingKind::Column, "手机", None),
        ];
        let codes = named.iter().map(|(code, _)| (*code).to_owned()).collect();
        Meaning::new(codes, named.iter().map(|(c, name)| (code(c), (*name).to_owned())).collect(), said)
    }

    #[test]
    fn an_area_is_found_by_its_code_its_name_and_by_what_was_said() {
        let place = |text: &str| match meaning().place(text) {
            Ok(Place::Code) => "code".to_owned(),
            Ok(Place::Named(code)) => code.to_string(),
            Err(fault) => fault.code.to_owned(),
        };
        for (text, expected) in [
            ("330211001001", "code"),
            ("330211001001.0", "code"),
            ("胜利路 社区", "330211001001"),
            ("招宝山街道/胜利路社区", "330211001001"),
            ("胜利", "330211001001"),
            ("一网格", "area_ambiguous"),
            ("别处", "code"),
        ] {
            assert_eq!(place(text), expected, "{text}");
        }
        assert_eq!(
            (meaning().category("遛 狗"), meaning().category("杂")),
            (Some(Category::Visit), Some(Category::Other))
        );
        assert_eq!(meaning().headings, [("单号".to_owned(), Some("external_id")), ("手机".to_owned(), None)]);
    }

    #[test]
    fn unknown_words_are_counted_up_to_a_bound() {
        let mut words = UnknownWords::default();
        for n in 0..=UNKNOWN_MAX {
            words.add(MappingKind::Category, &format!("词{n}"));
            words.add(MappingKind::Category, " 词0 ");
        }
        assert_eq!((words.categories.len(), words.categories[0].rows), (UNKNOWN_MAX, 52));
    }
}
