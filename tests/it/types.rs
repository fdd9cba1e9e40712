//! The types that the browser's scripts say in their comments, and how the signalling module is used by them.
use std::process::Command;

/// TypeScript's findings in the scripts and `tests/types/uses.ts`.
fn checked(more: &[&str]) -> (bool, String) {
    let program = std::env::var("SANBAO_TEST_TSC").unwrap_or_else(|_| "tsc".to_owned());
    let project = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/types");
    let mut command = Command::new(program);
    command.args(["--project", project]).args(more);
    let output = command.output().expect("the TypeScript compiler; tests/run installs it");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn every_script_keeps_to_its_types_and_wrong_uses_do_not() {
    let (good, said) = checked(&[]);
    assert!(good, "{said}");
    // That nothing is wrong says something of these only.
    let (_, files) = checked(&["--listFilesOnly"]);
    for script in ["sanbao-signal.js", "room.js", "live.js", "consult-page.js", "requests.js", "uses.ts"] {
        assert!(files.lines().any(|file| file.ends_with(script)), "{script} was not looked at: {files}");
    }
}

#[test]
fn without_the_comments_there_are_no_types() {
    // The same uses, of modules without types: each wrong use passes, and the checker complains that no error came.
    let folder = tempfile::tempdir().unwrap();
    let uses = include_str!("../types/uses.ts").replace("\"/static/signalling/", "\"./");
    std::fs::write(folder.path().join("uses.ts"), uses).unwrap();
    for module in ["sanbao-signal", "sanbao-check", "sanbao-quality"] {
        let any = "export declare const connect: any, paths: any, report: any;";
        std::fs::write(folder.path().join(format!("{module}.d.ts")), any).unwrap();
    }
    let config = include_str!("../types/tsconfig.json").replace("../../crates/*/assets/*.js", "*.d.ts");
    std::fs::write(folder.path().join("tsconfig.json"), config).unwrap();
    let (good, said) = checked(&["--project", folder.path().to_str().unwrap()]);
    let unused = said.matches("Unused '@ts-expect-error' directive").count();
    assert!(!good && unused == include_str!("../types/uses.ts").matches("@ts-expect-error").count(), "{said}");
}
