//! Rows are read and checked away from the threads that answer requests: each is good, bad or none at all.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use sanbao_platform::clock::Clock;
use sanbao_platform::cn::DiallingCode;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::table::{Fault, RowError, RowPlace, TableError, TableFile, TableRow, whole_row};

use super::input::{self, RowWords, TABLE};
use super::meaning::{Meaning, Place};
use super::past::{self, Past};
use super::spared;
use crate::area::AreaCode;
use crate::request::category::Category;
use crate::request::input::{Draft, Rules};

/// Rows of one transaction: long enough to be fast, short enough that others get their turn.
pub(super) const CHUNK_ROWS: usize = 100;

/// A row that tells of a request.
#[derive(Clone)]
pub(super) struct Good {
    pub(super) place: RowPlace,
    pub(super) draft: Draft,
    /// The end that the request has come to elsewhere.
    pub(super) past: Option<Past>,
    /// The doubts about it.
    pub(super) doubts: Vec<RowError>,
    /// A keyed hash of what the row says.
    pub(super) content_index: String,
    /// The word of its category, where that means nothing here.
    pub(super) unknown: Option<String>,
}

/// A row that is not taken, and why.
pub(super) struct Bad {
    pub(super) row: Box<TableRow>,
    pub(super) faults: Vec<Fault>,
    pub(super) errors: Vec<RowError>,
    /// The word of its area, where that means nothing here.
    pub(super) unknown: Option<String>,
}

/// The outcome of a row: every row of a file has exactly one.
pub(super) enum Checked {
    Good(Box<Good>),
    Bad(Bad),
    /// It is no row of data, and is told.
    None(RowError),
}

/// The areas whose requests may be written; shared by the reading and the writing.
pub(super) type Scope = Arc<BTreeSet<AreaCode>>;

/// The file and what its rows are held against. It goes from thread to thread.
pub(super) struct Reading {
    pub(super) table: TableFile,
    pub(super) clock: Clock,
    pub(super) fields: FieldKeys,
    pub(super) own: Option<DiallingCode>,
    pub(super) meaning: Meaning,
    pub(super) scope: Scope,
    /// The numbers that have come before: two hashes of each, since a million numbers themselves take too much room.
    pub(super) seen: HashSet<[u64; 2]>,
    pub(super) hashes: [RandomState; 2],
}

/// The words of a row as they are meant: the row itself, and what was put in the place of what it says.
struct Meant {
    words: RowWords,
    /// The category that was said for its word.
    category: Option<Category>,
    /// The words that were put in, so that another meaning makes another row of it.
    marks: String,
}

impl Reading {
    /// The next rows, `most` at most, checked.
    pub(super) fn next(mut self, most: usize) -> Result<(Self, Vec<Checked>), TableError> {
        let rows = self.table.more_rows(most)?;
        let checked = rows.into_iter().map(|row| self.check(row)).collect();
        Ok((self, checked))
    }

    fn check(&mut self, row: TableRow) -> Checked {
        if let Some(fault) = row.skipped() {
            return Checked::None(RowError::new(row.fault_line(), fault, None, &TABLE));
        }
        let words = match input::request(&row) {
            Ok(words) => words,
            Err(code) => {
                let fault = whole_row(code);
                let errors = vec![RowError::new(row.fault_line(), fault.clone(), None, &TABLE)];
                return Checked::Bad(Bad { row: Box::new(row), faults: vec![fault], errors, unknown: None });
            }
        };
        let place = row.fault_line();
        let error = |f: &Fault| RowError::new(place, f.clone(), words.cell(f.field).as_deref(), &TABLE);
        match self.read(&words) {
            Ok((mut good, doubts)) => {
                good.place = place;
                good.doubts = doubts.iter().map(error).collect();
                Checked::Good(Box::new(good))
            }
            Err(faults) => {
                let errors = faults.iter().map(error).collect();
                let nowhere = |f: &Fault| matches!(f.code, "area_unknown" | "area_ambiguous");
                let unknown = faults.iter().any(nowhere).then(|| words.request.area_code.clone()).flatten();
                Checked::Bad(Bad { row: Box::new(row), faults, errors, unknown })
            }
        }
    }

    /// The request that a row tells of, and the doubts about it; or what is wrong with it.
    fn read(&mut self, raw: &RowWords) -> Result<(Good, Vec<Fault>), Vec<Fault>> {
        let one = |field, code, zh, en| Err(vec![Fault::new(field, code, zh, en)]);
        let mut meant = self.meant(raw).map_err(|fault| vec![fault])?;
        let (past, mut doubts) = past::read(&mut meant.words);
        let rules = Rules { now: self.clock.now(), own: self.own.as_ref(), file: true };
        let (mut draft, more) = spared::read(&meant.words, rules)?;
        doubts.extend(more);
        if let Some(category) = meant.category {
            (draft.details.category, draft.details.category_raw) = (category, None);
            if category == Category::Other {
                draft.details.category_raw.clone_from(&raw.request.category);
            }
        }
        if !self.meaning.has(&draft.details.area_code) {
            return one("area_code", "area_unknown", "没有这个区域", "There is no such area");
        }
        if !self.scope.contains(&draft.details.area_code) {
            return one("area_code", "area_out_of_scope", "不在您负责的区域内", "Not within your area");
        }
        let number = draft.external_id.as_deref().unwrap_or_default();
        if !self.seen.insert([self.hashes[0].hash_one(number), self.hashes[1].hash_one(number)]) {
            let zh = "编号在文件中重复，只取第一条";
            return one("external_id", "duplicate_in_file", zh, "Twice in this file; the first is taken");
        }
        let unknown = draft.details.category_raw.clone().filter(|_| meant.category.is_none());
        let content_index = self.content_index(raw, &meant.marks);
        Ok((Good { place: 0_u64.into(), draft, past, doubts: Vec::new(), content_index, unknown }, doubts))
    }

    /// The words of a row as they are meant for this source.
    fn meant(&self, raw: &RowWords) -> Result<Meant, Fault> {
        let (mut words, mut marks) = (raw.clone(), String::new());
        if let Some(text) = &raw.request.area_code
            && let Place::Named(code) = self.meaning.place(text)?
        {
            marks = format!("area={code}");
            words.request.area_code = Some(code.to_string());
        }
        let category = raw.request.category.as_deref().and_then(|text| self.meaning.category(text));
        if let Some(category) = category {
            marks = format!("{marks} category={category}");
        }
        Ok(Meant { words, category, marks })
    }

    /// A keyed hash of what the row says, and of what was made of it.
    fn content_index(&self, raw: &RowWords, marks: &str) -> String {
        let mut text = serde_json::to_string(&raw.request).unwrap_or_default();
        for more in [raw.state.as_deref(), raw.finished_at.as_deref(), Some(marks)].into_iter().flatten() {
            // Of a row that says no more than ever it stays what it was.
            if !more.is_empty() {
                text.push('\u{1f}');
                text.push_str(more);
            }
        }
        self.fields.fingerprint("import.row", &text)
    }
}
