//! `deploy/THIRD-PARTY.md` names every crate that is linked into the binary: read from Cargo's metadata, so that a
//! new dependency without its line is a failing test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Where the notices stand.
const NOTICES: &str = "deploy/THIRD-PARTY.md";
/// The target that the notices are about; others have a few system crates more.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Set to anything, this variable has the test write the file instead of comparing it.
const WRITE: &str = "SANBAO_WRITE_THIRD_PARTY";

const HEAD: &str = "# Third-party notices\n\n\
    Sanbao is under the Apache License 2.0 (`LICENSE`). The binary contains these crates, each under its own licence,\n\
    whose text stands in the crate's package on crates.io. SQLite, in `libsqlite3-sys`, is in the public domain.\n\n\
    `SANBAO_WRITE_THIRD_PARTY=1 cargo test --test tidy third_party` writes this file.\n\n\
    | crate | version | licence | repository |\n|---|---|---|---|\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn metadata() -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", TARGET]);
    let answer = cargo.current_dir(root()).output().unwrap();
    assert!(answer.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&answer.stderr));
    serde_json::from_slice(&answer.stdout).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

fn by_id<'a>(all: impl Iterator<Item = &'a Value>) -> BTreeMap<&'a str, &'a Value> {
    all.map(|item| (text(item, "id"), item)).collect()
}

/// Runs while the compiler does, as do its dependencies.
fn is_macro(package: &Value) -> bool {
    list(package, "targets").any(|target| list(target, "kind").any(|kind| kind == "proc-macro"))
}

/// The packages below the binary that are linked into it: no macros, build scripts or tests.
fn linked(metadata: &Value) -> Vec<&Value> {
    let packages = by_id(list(metadata, "packages"));
    let nodes = by_id(list(&metadata["resolve"], "nodes"));
    let mut open = vec![text(&metadata["resolve"], "root")];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if is_macro(packages[id]) || !seen.insert(id) {
            continue;
        }
        let normal = |dep: &&Value| list(dep, "dep_kinds").any(|kind| kind["kind"].is_null());
        open.extend(list(nodes[id], "deps").filter(normal).map(|dep| text(dep, "pkg")));
    }
    seen.into_iter().map(|id| packages[id]).filter(|package| package["source"].is_string()).collect()
}

fn notices(metadata: &Value) -> String {
    let mut lines: Vec<String> = linked(metadata)
        .into_iter()
        .map(|p| {
            let licence = text(p, "license").replace('/', " OR ").replace("  ", " ");
            let (name, version, repository) = (text(p, "name"), text(p, "version"), text(p, "repository"));
            assert!(!licence.is_empty(), "{name}: no licence is named");
            format!("| {name} | {version} | {licence} | {repository} |\n")
        })
        .collect();
    lines.sort();
    HEAD.to_owned() + &lines.concat()
}

#[test]
fn the_notices_name_what_is_linked() {
    let (file, wanted) = (root().join(NOTICES), notices(&metadata()));
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let (found, wanted): (BTreeSet<_>, BTreeSet<_>) = (found.lines().collect(), wanted.lines().collect());
    let missing = wanted.difference(&found).map(|line| format!("{NOTICES} lacks: {line}"));
    let stale = found.difference(&wanted).map(|line| format!("{NOTICES} has what is not linked: {line}"));
    crate::assert_tidy(&missing.chain(stale).collect::<Vec<_>>());
}

#[test]
fn only_what_is_linked_is_named() {
    let package = |name: &str, kind: &str| {
        serde_json::json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0", "source": "registry",
            "repository": "https://example.org", "targets": [{ "kind": [kind] }] })
    };
    let node = |id: &str, deps: &[(&str, Option<&str>)]| {
        let deps: Vec<_> =
            deps.iter().map(|(pkg, kind)| serde_json::json!({ "pkg": pkg, "dep_kinds": [{ "kind": kind }] })).collect();
        serde_json::json!({ "id": id, "deps": deps })
    };
    let mut root = package("root", "lib");
    root["source"] = Value::Null;
    let metadata = serde_json::json!({
        "packages": [root, package("linked", "lib"), package("below", "lib"), package("macro", "proc-macro"),
            package("of-macro", "lib"), package("of-test", "lib"), package("of-build", "lib")],
        "resolve": { "root": "root", "nodes": [
            node("root", &[("linked", None), ("macro", None), ("of-test", Some("dev")), ("of-build", Some("build"))]),
            node("linked", &[("below", None)]), node("below", &[]), node("macro", &[("of-macro", None)]),
            node("of-macro", &[]), node("of-test", &[]), node("of-build", &[]),
        ] },
    });
    let names: Vec<_> = linked(&metadata).into_iter().map(|p| text(p, "name")).collect();
    assert_eq!(names, ["below", "linked"]);
    assert!(notices(&metadata).ends_with(
        "| below | 1.0.0 | MIT OR Apache-2.0 | https://example.org |\n| linked | 1.0.0 | MIT OR Apache-2.0 | https://example.org |\n"
    ));
}
