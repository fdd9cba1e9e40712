//! The conditions of the figures beside the contestants: the machine, the build, and how many sockets may be open.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Sockets that the largest load needs in one process, and some more.
const OPEN_FILES_MIN: u64 = 10_500;

/// A path in this repository's `target`.
pub fn target(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(path)
}

/// The output of a program, when it can be run and succeeds.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|o| o.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The first line of it.
pub fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    output(program, arguments)?.lines().next().map(|line| line.trim().to_owned())
}

/// The soft and the hard limit of open files.
fn open_files() -> Option<[u64; 2]> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|l| l.strip_prefix("Max open files"))?;
    let mut values = line.split_whitespace().map(|v| v.parse().unwrap_or(u64::MAX));
    Some([values.next()?, values.next()?])
}

/// Raises this process's soft limit of open files to the hard one; servers inherit it. The words about it.
pub fn raise_open_files() -> String {
    let Some([before, hard]) = open_files() else { return "unknown".to_owned() };
    if before < hard {
        let id = std::process::id().to_string();
        // From util-linux, which every distribution has: the standard library has no call for it.
        let _ = Command::new("prlimit").args(["--pid", &id, &format!("--nofile={hard}:{hard}")]).status();
    }
    let now = open_files().map_or(before, |[now, _]| now);
    let hint = if now < OPEN_FILES_MIN { format!("; `idle` needs {OPEN_FILES_MIN}: ulimit -n") } else { String::new() };
    format!("raised from {before} to {now}{hint}")
}

/// The machine that it all runs on.
pub fn about() -> String {
    let profile = if cfg!(debug_assertions) { "dev: not for comparison" } else { "release" };
    let kernel = first_line("uname", &["-sr"]).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|l| l.strip_prefix("model name")).map_or("", |l| l.trim_matches([' ', '\t', ':']));
    format!(
        "sanbao {}, build profile {profile}; {kernel}, {cores} × {model}. Generator and server share the cores",
        env!("CARGO_PKG_VERSION")
    )
}
