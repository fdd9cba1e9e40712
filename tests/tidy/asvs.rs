//! The table of security requirements (OWASP ASVS 5.0) and the threat model: each number once and none left out, and every
//! file and test that they name is there.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::Rule;
use crate::tree::File;

/// The table of requirements.
const TABLE: &str = ".github/ASVS.md";
/// The threat model, whose promises name files and tests in columns of the same heads.
const MODEL: &str = ".github/SECURITY.md";
/// The heads of the columns that are held against the tree.
const WHERE: &str = "where kept";
const HOW: &str = "how tested";
/// The requirements of ASVS 5.0.0 that the table is about, by section: level 2, and level 3 of chapters 7, 8 and 16.
const WANTED: &str = "1.1:1-2 1.2:1-9 1.3:1-11 1.4:1-3 1.5:1-2 2.1:1-3 2.2:1-3 2.3:1-4 2.4:1-1 3.2:1-2 3.3:1-4 3.4:1-6 \
    3.5:1-5 3.7:1-2 4.1:1-3 4.2:1-1 4.3:1-2 4.4:1-4 5.1:1-1 5.2:1-3 5.3:1-2 5.4:1-3 6.1:1-3 6.2:1-12 6.3:1-4 6.4:1-4 \
    6.5:1-5 6.6:1-3 6.8:1-4 7.1:1-3 7.2:1-4 7.3:1-2 7.4:1-5 7.5:1-3 7.6:1-2 8.1:1-4 8.2:1-4 8.3:1-3 8.4:1-2 9.1:1-3 \
    9.2:1-4 10.1:1-2 10.2:1-2 10.3:1-4 10.4:1-11 10.5:1-5 10.6:1-2 10.7:1-3 11.1:1-2 11.2:1-3 11.3:1-3 11.4:1-4 \
    11.5:1-1 11.6:1-1 12.1:1-3 12.2:1-2 12.3:1-4 13.1:1-1 13.2:1-5 13.3:1-2 13.4:1-5 14.1:1-2 14.2:1-4 14.3:1-3 \
    15.1:1-3 15.2:1-3 15.3:1-7 16.1:1-1 16.2:1-5 16.3:1-4 16.4:1-3 16.5:1-4 17.1:1-1 17.2:1-4 17.3:1-2";

/// A table of requirements with these rows.
macro_rules! table {
    ($rows:literal) => {
        concat!("| number | asks | where kept | how tested |\n|---|---|---|---|\n", $rows)
    };
}

/// A claim without its file or its test is worth nothing, and a number that stands twice hides which of the two holds.
pub const REQUIREMENTS: Rule = Rule {
    name: "what the security tables name is there, and each requirement stands once",
    check: claims,
    bad: &[
        &[(TABLE, table!("| 1.1.1 | a | `a.rs` | `t` |")), TEST],
        &[(TABLE, table!("| 1.1.1 | a | `b/c.rs` | `f` |")), TEST],
        &[(TABLE, table!("| 1.1.1 | a | `b/a.rs` | `g` |")), TEST],
        &[(TABLE, table!("| 1.1.1 | a | `b/a.rs` | |")), TEST],
        &[(TABLE, table!("| 1.1.1 | a | here | `t` |")), TEST],
        &[(TABLE, table!("| V1 | a | not yet: all | |")), TEST],
        &[(TABLE, table!("| 1.1.1 | a | not yet: b | |\n| 1.1.1 | a | not yet: b | |"))],
        &[(TABLE, table!("| 10 | a | does not apply: b | |\n| 10.1.1 | a | not yet: b | |"))],
        &[(TABLE, "| number | asks | where kept |\n|---|---|---|\n| 1.1.1 | a | not yet: b |")],
        &[(MODEL, "| what | where kept | how tested |\n|---|---|---|\n| a | `b/a.rs` | `g` |"), TEST],
    ],
    good: &[
        &[
            (
                TABLE,
                table!(
                    "| 1.1.1 | `x/y` | `b/a.rs` | `t` |\n\
                 | 1.1.2 | a | `b/a.rs` | not tested: b |\n| 1.2 | a | not yet: `/b` | |\n| 10 | a | does not apply: b | |"
                ),
            ),
            TEST,
        ],
        &[
            (
                MODEL,
                "| what | how |\n|---|---|\n| a | `g` |\n\nwords\n| where kept | how tested |\n|---|---|\n| `b` | `t` |",
            ),
            TEST,
        ],
        &[("README.md", "| where kept |\n|---|\n| `c/d.rs` |")],
    ],
};

/// A tree's one test, and a function beside it that is none.
const TEST: (&str, &str) = ("b/a.rs", "#[tokio::test(flavor = \"x\")]\nasync fn t() {}\nfn f() {}");

/// How far a requirement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Tested,
    Untested,
    NotYet,
    DoesNotApply,
}

impl Standing {
    /// All, each with its line of the count.
    const ALL: [(Self, &str); 4] = [
        (Self::Tested, "kept and tested"),
        (Self::Untested, "kept, not tested"),
        (Self::NotYet, "not yet"),
        (Self::DoesNotApply, "does not apply"),
    ];

    fn of(kept: &str, tested: &str) -> Self {
        match kept {
            _ if kept.starts_with("does not apply: ") => Self::DoesNotApply,
            _ if kept.starts_with("not yet: ") => Self::NotYet,
            _ if tested.starts_with("not tested") => Self::Untested,
            _ => Self::Tested,
        }
    }
}

/// A row of a table: its line, and its cells by the head of their column.
struct TableRow<'t> {
    line: usize,
    cells: BTreeMap<&'t str, &'t str>,
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// The rows of all tables of a text.
fn rows(text: &str) -> Vec<TableRow<'_>> {
    let (mut rows, mut head) = (Vec::new(), Vec::new());
    for (line, text) in (1..).zip(text.lines()) {
        match cells(text) {
            None => head.clear(),
            Some(cells) if head.is_empty() => head = cells,
            Some(cells) if cells.iter().all(|cell| cell.chars().all(|c| c == '-')) && !cells[0].is_empty() => {}
            Some(cells) => rows.push(TableRow { line, cells: head.iter().copied().zip(cells).collect() }),
        }
    }
    rows
}

/// The texts between backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The names of all tests: functions below an attribute that makes them one.
fn tests(files: &[File]) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for file in files.iter().filter(|f| f.is_rust()) {
        let mut marked = false;
        for line in file.text.lines().map(str::trim_start) {
            marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            if let Some((_, rest)) = line.split_once("fn ").filter(|_| marked) {
                found.extend(rest.split('(').next());
                marked = false;
            }
        }
    }
    found
}

/// Whether something of this path is in the tree: a file, or a folder with files.
fn is_there(files: &[File], path: &str) -> bool {
    let folder = format!("{}/", path.trim_end_matches('/'));
    files.iter().any(|f| f.path == path || f.path.starts_with(&folder))
}

fn claims(files: &[File]) -> Vec<String> {
    let tests = tests(files);
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| [TABLE, MODEL].contains(&f.path.as_str())) {
        let rows = rows(&file.text);
        for row in &rows {
            let cell = |head: &str| row.cells.get(head).copied().unwrap_or_default();
            let (kept, tested) = (cell(WHERE), cell(HOW));
            // What is missing may be told in names of other things.
            let open = matches!(Standing::of(kept, tested), Standing::NotYet | Standing::DoesNotApply);
            let paths = quoted(kept).filter(|path| !open && !is_there(files, path));
            findings.extend(paths.map(|path| file.finding(row.line, format!("{path} is not there"))));
            let strange = quoted(tested).filter(|name| !tests.contains(name));
            findings.extend(strange.map(|name| file.finding(row.line, format!("{name} is no test"))));
        }
        if file.path == TABLE {
            findings.extend(rows.iter().filter_map(|row| Some(file.finding(row.line, unfounded(row)?))));
            findings.extend(twice(&rows).into_iter().map(|(line, what)| file.finding(line, what)));
        }
    }
    findings
}

/// The number of a row, if it is one of a requirement, a section or a chapter.
fn number<'t>(row: &TableRow<'t>) -> Option<&'t str> {
    row.cells.get("number").copied()
}

/// The fault of a row by itself.
fn unfounded(row: &TableRow<'_>) -> Option<String> {
    let number = number(row)?;
    let (Some(kept), Some(tested)) = (row.cells.get(WHERE), row.cells.get(HOW)) else {
        return Some(format!("{number} has no columns `{WHERE}` and `{HOW}`"));
    };
    if number.split('.').any(|part| part.parse::<u8>().is_err()) {
        return Some(format!("{number} is no number of a requirement"));
    }
    match Standing::of(kept, tested) {
        Standing::Tested if quoted(tested).next().is_none() => Some(format!("{number} names no test")),
        Standing::Tested | Standing::Untested if quoted(kept).next().is_none() => {
            Some(format!("{number} names no file"))
        }
        _ => None,
    }
}

/// Numbers that stand twice, or beside the section or chapter that they are of.
fn twice(rows: &[TableRow<'_>]) -> Vec<(usize, String)> {
    let numbered: Vec<(usize, &str)> = rows.iter().filter_map(|row| Some((row.line, number(row)?))).collect();
    let of = |one: &str, other: &str| one == other || one.starts_with(&format!("{other}."));
    let clash = |&(line, one): &(usize, &str)| {
        let other = numbered.iter().find(|(at, other)| *at != line && of(one, other))?;
        Some((line, format!("{one} stands in line {} too", other.0)))
    };
    numbered.iter().filter_map(clash).collect()
}

/// Every number of [`WANTED`].
fn wanted() -> Vec<String> {
    let sections = WANTED.split_whitespace().map(|section| section.split_once(':').unwrap());
    let numbers = sections.flat_map(|(section, range)| {
        let (first, last) = range.split_once('-').unwrap();
        (first.parse::<u8>().unwrap()..=last.parse().unwrap()).map(move |n| format!("{section}.{n}"))
    });
    numbers.collect()
}

/// The numbers that the table leaves out or has too many, and the lines of its count that are wrong.
fn incomplete(text: &str) -> Vec<String> {
    let (rows, wanted) = (rows(text), wanted());
    let of = |number: &str, row: &str| number == row || number.starts_with(&format!("{row}."));
    let mut counted: BTreeMap<Standing, usize> = BTreeMap::new();
    let mut findings = Vec::new();
    for row in &rows {
        let Some(number) = number(row) else { continue };
        let requirements = wanted.iter().filter(|one| of(one, number)).count();
        if requirements == 0 {
            findings.push(format!("{number} is none of the requirements"));
        }
        *counted.entry(Standing::of(row.cells[WHERE], row.cells[HOW])).or_default() += requirements;
    }
    let named = |one: &&String| rows.iter().filter_map(number).any(|number| of(one, number));
    findings.extend(wanted.iter().filter(|one| !named(one)).map(|one| format!("{one} is left out")));
    for (standing, words) in Standing::ALL {
        let number = counted.get(&standing).copied().unwrap_or_default();
        let line = format!("| {words} | {number} |");
        if !text.lines().any(|found| found == line) {
            findings.push(format!("the count should say: {line}"));
        }
    }
    findings.into_iter().map(|what| format!("{TABLE}: {what}")).collect()
}

#[test]
fn no_requirement_is_left_out_and_all_are_counted() {
    let files = crate::tree::files();
    let table = files.iter().find(|f| f.path == TABLE).unwrap();
    crate::assert_tidy(&[claims(&files), incomplete(&table.text)].concat());
    let lines: Vec<&str> = table.text.lines().collect();
    let row = lines.iter().position(|line| line.starts_with("| 7.4.2 |")).unwrap();
    let changed = |with: &[&str]| [&lines[..row], with, &lines[row + 1..]].concat().join("\n");
    let short = incomplete(&changed(&[]));
    assert!(short.iter().any(|f| f.ends_with("7.4.2 is left out")), "{short:?}");
    assert!(short.iter().any(|f| f.contains("the count should say: ")), "{short:?}");
    let strange = incomplete(&changed(&[lines[row], "| 7.4.9 | a | not yet: b | |"]));
    assert!(strange.iter().any(|f| f.ends_with("7.4.9 is none of the requirements")), "{strange:?}");
}
