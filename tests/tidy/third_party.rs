//! `deploy/THIRD-PARTY.md` names every crate that is linked into the binary: read from Cargo's tree, so that a new
//! dependency without its line is a failing test.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Where the notices stand.
const NOTICES: &str = "deploy/THIRD-PARTY.md";
/// The target that the notices are about; others have a few system crates more.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Set to anything, this variable has the test write the file instead of comparing it.
const WRITE: &str = "SANBAO_WRITE_THIRD_PARTY";

const HEAD: &str = "# Third-party notices\n\n\
    Sanbao is under the Apache License 2.0 (`LICENSE`). The binary contains these crates, each under its own licence,\n\
    whose text stands in the crate's package on crates.io. SQLite, in `libsqlite3-sys`, is in the public domain.\n\
    The list of common passwords is Django's, under the BSD 3-Clause licence, Copyright (c) Django Software Foundation and\n\
    individual contributors.\n\n\
    `SANBAO_WRITE_THIRD_PARTY=1 cargo test --test tidy third_party` writes this file.\n\n\
    | crate | version | licence | repository |\n|---|---|---|---|\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The crates below the binary, a line each: package, licence, repository, with a tab between. What only tests ask for,
/// a feature of a linked crate included, is not among them; nor are macros and build scripts.
fn tree() -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--locked", "--offline", "--package", "sanbao", "--target", TARGET]);
    cargo.args(["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}\t{l}\t{r}"]);
    let answer = cargo.current_dir(root()).output().unwrap();
    assert!(answer.status.success(), "cargo tree: {}", String::from_utf8_lossy(&answer.stderr));
    String::from_utf8(answer.stdout).unwrap()
}

/// A line of the notices; `None` for a crate of this workspace, which stands with its path.
fn notice(line: &str) -> Option<String> {
    let mut parts = line.trim_end_matches(" (*)").split('\t');
    let (package, licence, repository) = (parts.next()?, parts.next()?, parts.next()?);
    let (name, version) = package.split_once(" v")?;
    if version.contains(" (") {
        return None;
    }
    assert!(!licence.is_empty(), "{name}: no licence is named");
    let licence = licence.replace(" / ", "/").replace('/', " OR ");
    Some(format!("| {name} | {version} | {licence} | {repository} |\n"))
}

fn notices(tree: &str) -> String {
    let lines: BTreeSet<String> = tree.lines().filter_map(notice).collect();
    HEAD.to_owned() + &lines.into_iter().collect::<String>()
}

#[test]
fn the_notices_name_what_is_linked() {
    let (file, wanted) = (root().join(NOTICES), notices(&tree()));
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
fn a_crate_is_named_once_and_this_workspace_not() {
    let tree = "sanbao v0.1.0 (/somewhere)\tApache-2.0\t\nlinked v1.0.0\tMIT/Apache-2.0\thttps://example.org\n\
                below v2.0.0+3\tMIT\thttps://example.org\nbelow v2.0.0+3\tMIT\thttps://example.org (*)\n";
    assert!(notices(tree).ends_with(
        "|---|\n| below | 2.0.0+3 | MIT | https://example.org |\n| linked | 1.0.0 | MIT OR Apache-2.0 | https://example.org |\n"
    ));
}
