//! The pure parts of the browser's scripts, by node's own test runner.

use std::path::Path;
use std::process::Command;

#[test]
fn the_pure_scripts_do_what_their_tests_say() {
    let node = std::env::var("SANBAO_TEST_NODE").unwrap_or_else(|_| "node".to_owned());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.to_string_lossy().ends_with(".test.mjs"));
    assert!(files.len() >= 3, "{files:?}");
    let output = Command::new(node).arg("--test").args(files).output().expect("node; tests/run installs it");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("# pass 0\n"), "{said}");
}
