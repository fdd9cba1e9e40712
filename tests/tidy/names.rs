//! Rules about names: a type's name means one thing in its crate, and the TURN server names nothing above it.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::Rule;
use crate::tokens;
use crate::tree::File;

/// The part of the relay that depends on nothing of the relay.
const TURN: &str = "crates/signalling/src/turn/";

/// No two types that others can name share a name within a crate.
pub const UNIQUE_TYPES: Rule = Rule {
    name: "a type's name means one thing in its crate",
    check: unique_type_names,
    bad: &[
        &[("crates/signalling/src/a.rs", "pub struct A;"), ("crates/signalling/src/b.rs", "pub(crate) enum A {}")],
        &[("crates/signalling/src/a.rs", "pub trait A {} mod b { pub(super) type A = u8; }")],
        &[
            ("crates/booking/src/a/policy.rs", "pub enum Action {}"),
            ("crates/booking/src/b/policy.rs", "pub enum Action {}"),
        ],
        &[
            ("crates/needs-analysis/src/a.rs", "text_enum! { pub enum A {} }"),
            ("crates/needs-analysis/src/b.rs", "pub struct A;"),
        ],
        &[("crates/platform/src/a.rs", "pub struct A;"), ("crates/platform/src/testing/b.rs", "pub struct A;")],
        &[("deploy/sanbao/a.rs", "pub struct A;"), ("deploy/sanbao/b.rs", "pub(crate) struct A;")],
    ],
    good: &[
        &[("crates/signalling/src/a.rs", "pub struct A;"), ("crates/signalling/src/a/tests.rs", "pub struct A;")],
        &[("crates/signalling/src/a.rs", "pub struct A; struct B; #[cfg(test)] mod tests { pub struct A; }")],
        &[("crates/signalling/src/a.rs", "pub struct A;"), ("crates/signalling/src/b.rs", "struct A; fn f(a: A) {}")],
        &[("crates/signalling/src/a.rs", "impl T for A { type Item = u8; } impl T for B { type Item = u8; }")],
        &[("crates/booking/src/a.rs", "pub struct A;"), ("crates/platform/src/a.rs", "pub struct A;")],
        &[("crates/platform/src/a.rs", "pub struct A;"), ("crates/platform/tests/it/a.rs", "pub struct A;")],
        &[("crates/needs-analysis/src/a.rs", "pub struct A;"), ("deploy/sanbao/a.rs", "pub struct A;")],
    ],
};

/// The TURN server's needs of the relay are handed to it.
pub const TURN_ALONE: Rule = Rule {
    name: "the TURN server depends on nothing of the relay above it",
    check: turn_stands_alone,
    bad: &[
        &[("crates/signalling/src/turn/a.rs", "use crate::id::PersonId;")],
        &[("crates/signalling/src/turn/b/a.rs", "fn f() { crate::room::g(); }")],
        &[("crates/signalling/src/turn/a.rs", "use crate::{turn::Credentials, config};")],
        &[("crates/signalling/src/turn/mod.rs", "use super::id;")],
    ],
    good: &[
        &[("crates/signalling/src/turn/a.rs", "use crate::turn::Credentials; use super::b; // crate::id")],
        &[("crates/signalling/src/room/mod.rs", "use crate::id::PersonId;")],
    ],
};

/// Types with a visibility (`pub`, `pub(crate)`, `pub(super)` …) of each crate of the workspace, tests excluded.
fn unique_type_names(files: &[File]) -> Vec<String> {
    let sources: BTreeSet<&str> = files.iter().filter_map(|file| source_of(&file.path)).collect();
    sources.into_iter().flat_map(|source| unique_in(files, source)).collect()
}

/// The folder of a crate's source: `crates/NAME/src/`, or the composition root's.
fn source_of(path: &str) -> Option<&str> {
    const ROOT: &str = "deploy/sanbao/";
    if path.starts_with(ROOT) {
        return Some(ROOT);
    }
    let (name, _) = path.strip_prefix("crates/")?.split_once("/src/")?;
    path.get(.."crates/".len() + name.len() + "/src/".len()).filter(|_| !name.contains('/'))
}

fn unique_in(files: &[File], source: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for file in files.iter().filter(|f| f.is_rust() && f.path.starts_with(source) && !is_test(&f.path)) {
        let groups = match tokens::groups(&file.text) {
            Ok(groups) => tokens::without_tests(&groups),
            Err(e) => return vec![file.finding(1, e)],
        };
        for (name, line) in tokens::visible_types(&groups) {
            if let Some(before) = first.get(&name) {
                findings.push(file.finding(line, format!("{name} is the name of another type too: {before}")));
            } else {
                first.insert(name, format!("{}:{line}", file.path));
            }
        }
    }
    findings
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// Files of the TURN server that name another module of their crate than `crate::turn`.
fn turn_stands_alone(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| f.is_rust() && f.path.starts_with(TURN)) {
        let groups = match tokens::groups(&file.text) {
            Ok(groups) => groups,
            Err(e) => return vec![file.finding(1, e)],
        };
        let strange = tokens::crate_modules(&groups).into_iter().filter(|(module, _)| module != "turn");
        findings
            .extend(strange.map(|(m, line)| file.finding(line, format!("the TURN server must not name crate::{m}"))));
        if file.path.strip_prefix(TURN) == Some("mod.rs") {
            let above = tokens::lines_with_path(&groups, "super").into_iter();
            findings.extend(above.map(|line| file.finding(line, "the TURN server must not name what is above it")));
        }
    }
    findings
}
