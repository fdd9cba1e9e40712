//! The plan of an import: which change of the tree each row of a file would be; pure.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use sanbao_platform::cn::AreaCodeFault;
use sanbao_platform::text_enum::TextEnum as _;

use super::view::AreaReport;
use crate::area::id::AreaCode;
use crate::area::input::is_name;
use crate::area::model::{Area, Level};
use crate::area::seed::SINCE;
use sanbao_platform::table::{Columns, Fault, TableRow, when, whole_row};

/// The columns of a file of areas.
pub const COLUMNS: Columns = Columns {
    words: &[
        ("code", &["编码", "区域编码", "代码", "区域代码"]),
        ("level", &["级别", "层级", "类型"]),
        ("name_zh", &["名称", "区域名称", "name"]),
        ("name_en", &["英文名", "英文名称", "english_name", "english name"]),
        ("parent", &["上级", "上级编码", "上级区域", "所属区域"]),
        ("from", &["生效日期", "自", "起始日期", "valid_from"]),
    ],
    spare: &[],
    needed: &["code", "level", "name_zh", "parent"],
    digits: &["code", "parent"],
    masks: &[],
};

/// The words for levels beside their names.
const LEVELS: [(&str, Level); 9] = [
    ("街道", Level::Street),
    ("镇", Level::Street),
    ("社区", Level::Community),
    ("村", Level::Community),
    ("小区", Level::Compound),
    ("网格", Level::Grid),
    ("楼道", Level::Building),
    ("单元", Level::Building),
    ("楼栋", Level::Building),
];

/// An area as the tree has it.
#[derive(Clone, Debug)]
pub struct Node {
    pub area: Area,
    /// In what it was laid last, and since when.
    pub place: Option<(String, NaiveDate)>,
}

/// The tree as it stands, and as the rows before would leave it.
#[derive(Debug)]
pub struct Tree {
    /// All areas by their codes.
    pub nodes: HashMap<String, Node>,
    /// The areas of the caller.
    pub own: Vec<String>,
    /// The day of the import.
    pub today: NaiveDate,
}

/// The change that a good row makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new area, with the place that it has from a day on.
    Add(Area, Option<(AreaCode, NaiveDate)>),
    /// Another name, another place from a day on, or both.
    Update { area: Area, renamed: bool, moved: Option<(AreaCode, NaiveDate)> },
}

/// A row that was read: its line, and its cells.
struct Cells<'a> {
    line: u64,
    by_field: &'a [(&'static str, String)],
}

impl Cells<'_> {
    fn get(&self, field: &str) -> Option<&str> {
        self.by_field.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_str())
    }
}

/// The changes that the rows of a file make, larger areas first; what is bad is counted in the report.
pub fn plan(rows: &[TableRow], tree: &mut Tree, report: &mut AreaReport) -> Vec<Change> {
    let mut good: Vec<(Level, Cells<'_>)> = Vec::new();
    for row in rows {
        report.total += 1;
        if row.skipped().is_some() {
            report.skipped += 1;
            continue;
        }
        match readable(row) {
            Ok(found) => good.push(found),
            Err((fault, value)) => report.bad(row.fault_line(), fault, value),
        }
    }
    good.sort_by_key(|(level, cells)| (std::cmp::Reverse(*level), cells.line));
    let (mut seen, mut changes) = (HashSet::new(), Vec::new());
    for (level, cells) in good {
        match tree.change(level, &cells, &mut seen) {
            Ok(Some(change)) => {
                tree.apply(&change);
                match &change {
                    Change::Add(..) => report.created += 1,
                    Change::Update { moved, .. } => {
                        report.updated += 1;
                        report.moved += u64::from(moved.is_some());
                    }
                }
                changes.push(change);
            }
            Ok(None) => report.unchanged += 1,
            Err(fault) => {
                let value = cells.get(fault.field);
                report.bad(cells.line, fault, value);
            }
        }
    }
    changes
}

/// The level and the cells of a row, or what is wrong with it as a whole.
fn readable(row: &TableRow) -> Result<(Level, Cells<'_>), (Fault, Option<&str>)> {
    let by_field = row.cells.as_deref().map_err(|code| (whole_row(code), None))?;
    let cells = Cells { line: row.line, by_field };
    let Some(text) = by_field.iter().find(|(name, _)| *name == "level").map(|(_, text)| text.as_str()) else {
        return Err((Fault::new("level", "required", "请填写级别", "A level is needed"), None));
    };
    let level = Level::from_text(text).or_else(|| LEVELS.iter().find(|(word, _)| *word == text).map(|(_, l)| *l));
    let unknown = Fault::new(
        "level",
        "level_unknown",
        "级别应是街道、社区、小区、网格或楼道",
        "A level is street, community, compound, grid or building",
    );
    level.map(|level| (level, cells)).ok_or((unknown, Some(text)))
}

fn code_fault(fault: AreaCodeFault) -> Fault {
    let (zh, en) = fault.words();
    Fault::new("code", "code_format", zh, en)
}

impl Tree {
    /// Whether an area is one of the caller's or lies in one.
    fn inside(&self, code: &str) -> bool {
        let mut at = Some(code);
        for _ in 0..=Level::ALL.len() {
            match at {
                Some(code) if self.own.iter().any(|own| own == code) => return true,
                Some(code) => at = self.nodes.get(code).and_then(|n| n.place.as_ref()).map(|(p, _)| p.as_str()),
                None => return false,
            }
        }
        false
    }

    fn change(&self, level: Level, cells: &Cells<'_>, seen: &mut HashSet<String>) -> Result<Option<Change>, Fault> {
        let outside = |field| Fault::new(field, "area_out_of_scope", "不在您负责的区域内", "Not within your areas");
        let text = cells.get("code").ok_or(Fault::new("code", "required", "请填写编码", "A code is needed"))?;
        let parent = cells.get("parent");
        let known = AreaCode::parse(text).ok().and_then(|code| self.nodes.get(code.as_str()));
        let code = match known {
            Some(known) => known.area.code.clone(),
            None => AreaCode::of_level(text, level, parent).map_err(code_fault)?,
        };
        let known = known.or_else(|| self.nodes.get(code.as_str()));
        if !seen.insert(code.to_string()) {
            let (zh, en) = ("编码在文件中重复，只取第一条", "Twice in this file; the first is taken");
            return Err(Fault::new("code", "duplicate_in_file", zh, en));
        }
        let area = named(code, level, cells, known)?;
        let from = match cells.get("from") {
            Some(text) => Some(when::day(text).ok_or(Fault::new(
                "from",
                "date_format",
                "日期写成 2026-11-23 这样",
                "A date such as 2026-11-23",
            ))?),
            None => None,
        };
        let parent = self.parent(level, parent)?;
        if !self.inside(area.code.as_str()) && (known.is_some() || parent.is_none()) {
            return Err(outside("code"));
        }
        if parent.as_ref().is_some_and(|parent| !self.inside(parent.as_str())) {
            return Err(outside("parent"));
        }
        let Some(known) = known else {
            // A new area has always lain there unless the file says otherwise: earlier days count as well.
            return Ok(Some(Change::Add(area, parent.map(|parent| (parent, from.unwrap_or(SINCE))))));
        };
        let moved = self.moved(known, parent, from)?;
        let renamed = area != known.area;
        Ok((renamed || moved.is_some()).then_some(Change::Update { area, renamed, moved }))
    }

    /// The area in which a row lies: there, and of a larger level. Levels only rise, so there is no circle.
    fn parent(&self, level: Level, text: Option<&str>) -> Result<Option<AreaCode>, Fault> {
        let Some(text) = text else {
            let missing =
                Fault::new("parent", "required", "请填写上级区域的编码", "The code of what it lies in is needed");
            return if level == Level::Street { Ok(None) } else { Err(missing) };
        };
        let parent = self.nodes.get(text).ok_or(Fault::new(
            "parent",
            "parent_unknown",
            "没有这个上级区域，或它自己的那一行有错",
            "There is no such area, or its own row is bad",
        ))?;
        if parent.area.level <= level {
            let (zh, en) = ("上级区域的级别应更大", "It must lie in something larger");
            return Err(Fault::new("parent", "parent_level", zh, en));
        }
        Ok(Some(parent.area.code.clone()))
    }

    /// The new place of a known area, if the file names another.
    fn moved(
        &self,
        known: &Node,
        parent: Option<AreaCode>,
        from: Option<NaiveDate>,
    ) -> Result<Option<(AreaCode, NaiveDate)>, Fault> {
        let Some(parent) = parent else { return Ok(None) };
        let Some((last, since)) = &known.place else { return Ok(Some((parent, from.unwrap_or(self.today)))) };
        if last == parent.as_str() {
            return Ok(None);
        }
        let from = from.unwrap_or(self.today);
        if from <= *since {
            let (zh, en) = ("应晚于上次调整的日期", "Must be after the last move");
            return Err(Fault::new("from", "date_before_last_move", zh, en));
        }
        Ok(Some((parent, from)))
    }

    fn apply(&mut self, change: &Change) {
        let (area, place) = match change {
            Change::Add(area, place) => (area, place),
            Change::Update { area, moved, .. } => (area, moved),
        };
        let place = place.as_ref().map(|(parent, from)| (parent.to_string(), *from));
        let before = self.nodes.get(area.code.as_str()).and_then(|node| node.place.clone());
        self.nodes.insert(area.code.to_string(), Node { area: area.clone(), place: place.or(before) });
    }
}

/// The area of a row with its names; an English name that the file leaves out stays.
fn named(code: AreaCode, level: Level, cells: &Cells<'_>, known: Option<&Node>) -> Result<Area, Fault> {
    if known.is_some_and(|known| known.area.level != level) {
        let (zh, en) = ("这个编码已用于另一级别的区域", "This code is of an area of another level");
        return Err(Fault::new("level", "level_differs", zh, en));
    }
    let fits = |field, text: Option<&str>| match text {
        Some(text) if is_name(text) => Ok(text.to_owned()),
        _ => Err(Fault::new(field, "name_format", "请填写名称，最多 60 字", "A name of up to 60 characters")),
    };
    let name_zh = fits("name_zh", cells.get("name_zh"))?;
    let name_en = match cells.get("name_en") {
        Some(text) => Some(fits("name_en", Some(text))?),
        None => known.and_then(|known| known.area.name_en.clone()),
    };
    Ok(Area { code, level, name_zh, name_en })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use sanbao_platform::table::TableFile;

    fn tree() -> Tree {
        let today = "2026-11-23".parse().unwrap();
        let node = |code: &str, level, parent: Option<&str>| {
            let area = Area { code: AreaCode::parse(code).unwrap(), level, name_zh: "名".into(), name_en: None };
            (code.to_owned(), Node { area, place: parent.map(|parent| (parent.to_owned(), SINCE)) })
        };
        let nodes = [
            node("330211001", Level::Street, None),
            node("330211001001", Level::Community, Some("330211001")),
            node("330211001002", Level::Community, Some("330211001")),
            node("330211002", Level::Street, None),
            node("old", Level::Compound, Some("330211001001")),
        ];
        Tree { nodes: nodes.into_iter().collect(), own: vec!["330211001".into()], today }
    }

    /// The codes of the faults by their lines, and the counts.
    fn check(text: &str) -> (Vec<(u64, String)>, [u64; 5]) {
        let mut table = TableFile::open(text.as_bytes().to_vec(), &COLUMNS).unwrap();
        let (mut report, mut tree) = (AreaReport::default(), tree());
        let rows = table.rows(1000);
        plan(&rows, &mut tree, &mut report);
        let sum = report.created + report.updated + report.unchanged + report.failed;
        assert_eq!(report.total, sum, "every line is accounted for");
        let mut faults: Vec<_> = report.errors.iter().map(|e| (e.row, e.code.clone())).collect();
        faults.sort();
        (faults, [report.total, report.created, report.updated, report.unchanged, report.failed])
    }

    #[test]
    fn a_file_in_any_order_becomes_a_tree() {
        let text = "编码,级别,名称,英文名,上级,生效日期\n\
            g1,网格,第一网格,,c1,\nc1,小区,南苑,South,330211001001,2026/11/01\n'330211001003,社区,新社区,,'330211001,\n\
            old,小区,名,,330211001002,2026-12-01\nb1,楼道,一单元,,g1,\n";
        assert_eq!(check(text), (vec![], [5, 4, 1, 0, 0]));
    }

    #[test]
    fn each_bad_row_is_told_and_no_good_one_is_lost() {
        let head = "code,level,name,english name,parent,from\n";
        for (row, code) in [
            ("c1,compound,南苑,,nowhere,", "parent_unknown"),
            ("c1,planet,南苑,,330211001001,", "level_unknown"),
            ("c1,,南苑,,330211001001,", "required"),
            ("old,grid,名,,330211001001,", "level_differs"),
            ("c1,compound,南苑,,old,", "parent_level"),
            ("c1,compound,,,330211001001,", "name_format"),
            ("c1,compound,南苑,,,", "required"),
            ("c1,compound,南苑,,330211001001,soon", "date_format"),
            ("old,compound,名,,330211001002,2000-01-01", "date_before_last_move"),
            ("330211002001,community,别处,,330211001,", "code_format"),
            ("330211001009,compound,像社区,,330211001001,", "code_format"),
            ("330211003,street,别街,,,", "area_out_of_scope"),
            ("330211002,street,改名,,,", "area_out_of_scope"),
            ("330211002001,community,别处,,330211002,", "area_out_of_scope"),
            ("c1,compound,南苑", "column_count"),
        ] {
            let (faults, counts) = check(&format!("{head}{row}\nc9,compound,好,,330211001001,\n"));
            assert_eq!(faults, [(2, code.to_owned())], "{row}");
            assert_eq!(counts, [2, 1, 0, 0, 1], "{row}");
        }
    }

    #[test]
    fn a_circle_and_a_code_that_comes_twice_are_refused() {
        let head = "code,level,name,parent\n";
        let (faults, _) = check(&format!("{head}a,compound,甲,b\nb,compound,乙,a\n"));
        assert_eq!(faults, [(2, "parent_unknown".to_owned()), (3, "parent_unknown".to_owned())]);
        let (faults, counts) = check(&format!("{head}a,compound,甲,330211001001\na,compound,乙,330211001002\n"));
        assert_eq!((faults, counts), (vec![(3, "duplicate_in_file".to_owned())], [2, 1, 0, 0, 1]));
    }

    #[test]
    fn a_stray_quotation_mark_loses_no_line_without_a_word() {
        let head = "code,level,name,parent\n";
        let row = |n: u32| format!("c{n},compound,苑{n},330211001001\n");
        let rows = |from: u32, to: u32| (from..=to).map(row).collect::<String>();
        let bad = "c5,compound,\"苑,330211001001\n";
        // Closed by another quotation mark some lines below, and never closed.
        let closed = format!("{head}{}{bad}{}c8,compound,苑\",330211001001\n{}", rows(1, 4), rows(6, 7), rows(9, 10));
        let open = format!("{head}{}{bad}{}", rows(1, 4), rows(6, 10));
        for text in [closed, open] {
            let (faults, counts) = check(&text);
            assert_eq!((faults, counts), (vec![(6, "quote_open".to_owned())], [10, 9, 0, 0, 1]));
        }
    }
}
