//! The rules as data: what each forbids, why, how it looks, and samples that it must refuse or let pass.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::File;
use crate::{asvs, names, pages, personal, tokens, words};

/// The services; each has a crate and a folder of migrations of its name.
pub const SERVICES: &[&str] = &["booking", "signalling", "needs-analysis"];
/// The lines that a file of code may have at most, so that it fits in the head.
const FILE_LINES_MAX: usize = 450;
/// The lines that a function may have at most, so that it fits on a screen.
const FUNCTION_LINES_MAX: usize = 70;
/// The entries beside dot files that the root may hold.
const TOP_LEVEL: &[&str] =
    &["Cargo.toml", "Cargo.lock", "LICENSE", "crates", "migrations", "deploy", "tests", "README.md"];
/// Things with one home: the path in code, where it may stand, and why nowhere else.
const HOMES: &[(&str, &[&str], &str)] = &[
    ("Utc::now", &["crates/platform/src/clock.rs"], "time comes from the injected Clock"),
    ("Local::now", &[], "time comes from the injected Clock"),
    ("SystemTime::now", &["crates/platform/src/clock.rs"], "time comes from the injected Clock"),
    ("Uuid::new_v4", &["crates/platform/src/id.rs"], "ids come from typed_id!"),
    ("Uuid::now_v7", &["crates/platform/src/id.rs"], "ids come from typed_id!"),
    ("Uuid::new_v7", &["crates/platform/src/id.rs"], "ids come from typed_id!"),
    (
        "AssertSqlSafe",
        &[
            "crates/platform/src/db/",
            "crates/platform/src/testing.rs",
            "crates/platform/src/testing/",
            "crates/booking/src/consult/records/plans.rs",
            "tests/",
        ],
        "SQL that is put together at run time cannot be prepared by a test",
    ),
];
/// Where SQL may be written at the call: statements about the connection itself, of one engine.
const SQL_IN_PLACE: &[&str] = &["crates/platform/src/db/", "crates/platform/src/testing.rs"];
/// SQL whose answer no test can move or repeat.
const SQL_CLOCKS: &[&str] = &[
    "now()",
    "'now'",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtimestamp",
    "clock_timestamp",
    "unixepoch()",
    "random()",
    "gen_random_uuid",
    "randomblob",
];

/// A rule of the house that a program can see.
pub struct Rule {
    pub name: &'static str,
    pub check: fn(&[File]) -> Vec<String>,
    /// Trees that it must refuse.
    pub bad: &'static [&'static [(&'static str, &'static str)]],
    /// Trees that it must let pass.
    pub good: &'static [&'static [(&'static str, &'static str)]],
}

pub const RULES: &[Rule] = &[
    Rule {
        name: "the root holds only the agreed entries",
        check: top_level,
        bad: &[&[("NOTES.md", "")], &[("docs/design.md", "")], &[("clippy.toml", "")]],
        good: &[&[("README.md", ""), (".ci/run", ""), (".clippy.toml", ""), ("deploy/sanbao/main.rs", "")]],
    },
    Rule {
        name: "every Rust file says in its first line what it is for",
        check: first_line,
        bad: &[
            &[("crates/a/src/lib.rs", "use x;\n//! late")],
            &[("a.rs", "")],
            &[("a.rs", "/// not it")],
            &[("a.rs", "//!\n")],
        ],
        good: &[&[("a.rs", "//! Says it.\n"), ("a.sql", "select 1")]],
    },
    Rule {
        name: "no service names another, and the platform names none",
        check: strangers,
        bad: &[
            &[("crates/booking/src/a.rs", "use sanbao_signalling::Room;")],
            &[("crates/booking/Cargo.toml", "[dependencies]\nsanbao-needs-analysis.workspace = true")],
            &[("crates/signalling/src/a.rs", "const X: &str = include_str!(\"../../../migrations/booking/x.sql\");")],
            &[("crates/signalling/tests/a.rs", "mod x { use sanbao_needs_analysis as n; }")],
            &[("crates/platform/src/a.rs", "use sanbao_booking;")],
        ],
        good: &[
            &[("crates/booking/src/a.rs", "use sanbao_platform::db; use sanbao_booking::x;")],
            &[("deploy/sanbao/main.rs", "use sanbao_booking::a; use sanbao_signalling::b;")],
            &[("crates/booking/README.md", "the relay of crates/signalling")],
        ],
    },
    Rule {
        name: "what has one home stands nowhere else",
        check: homes,
        bad: &[
            &[("crates/booking/src/a.rs", "fn f() { g(chrono::Utc::now()); }")],
            &[("tests/a.rs", "fn f() { std::time::SystemTime::now (); }")],
            &[("crates/platform/src/id.rs", "fn f() { Utc::now() }")],
            &[("crates/booking/src/a.rs", "macro_rules! m { () => { uuid::Uuid::now_v7() } }")],
            &[("crates/booking/src/a.rs", "use sqlx::AssertSqlSafe;")],
            &[("crates/booking/src/a.rs", "fn f( {")],
        ],
        good: &[
            &[("crates/platform/src/clock.rs", "fn f() { Utc::now(); }")],
            &[(
                "crates/booking/src/a.rs",
                "// Utc::now()\nfn f() { \"Utc::now\"; Utc.now(); clock.now(); now::Utc(); }",
            )],
            &[("crates/platform/src/db/mod.rs", "use sqlx::AssertSqlSafe;")],
            &[("crates/booking/tests/a.rs", "use sqlx::AssertSqlSafe;"), ("tests/a.rs", "use sqlx::AssertSqlSafe;")],
        ],
    },
    names::UNIQUE_TYPES,
    names::TURN_ALONE,
    words::DOCUMENTED,
    words::SAYS_MORE,
    words::SUBJECTS,
    words::NAMED_PEOPLE,
    words::FULL_WIDTH,
    personal::READ,
    personal::OPEN,
    personal::REGISTRARS,
    personal::TAKEN_OUT,
    asvs::REQUIREMENTS,
    words::ONE_HOME,
    Rule {
        name: "a file of code fits in the head",
        check: file_lines,
        bad: &[], // built in `long_samples`
        good: &[],
    },
    Rule {
        name: "a function fits on a screen",
        check: function_lines,
        bad: &[],
        good: &[&[("a.rs", "trait T { fn declared(); }\nfn f() {}\nconst F: fn() = f;")]],
    },
    Rule {
        name: "both engines have migrations of the same names, numbered, and embedded by their crate",
        check: migration_names,
        bad: &[
            &[("migrations/booking/sqlite/0100_a.sql", ""), ("crates/booking/src/a.rs", "\"0100_a\"")],
            &[
                ("migrations/booking/sqlite/0100_a.sql", ""),
                ("migrations/booking/postgres/0100_b.sql", ""),
                ("crates/booking/src/a.rs", "\"0100_a\" \"0100_b\""),
            ],
            &[("migrations/booking/sqlite/0100_a.sql", ""), ("migrations/booking/postgres/0100_a.sql", "")],
            &[
                ("migrations/booking/sqlite/0001_a.sql", ""),
                ("migrations/booking/postgres/0001_a.sql", ""),
                ("crates/booking/src/a.rs", "\"0001_a\""),
            ],
            &[
                ("migrations/booking/sqlite/first.sql", ""),
                ("migrations/booking/postgres/first.sql", ""),
                ("crates/booking/src/a.rs", "\"first\""),
            ],
            &[("migrations/visits/sqlite/0100_a.sql", ""), ("migrations/visits/postgres/0100_a.sql", "")],
            &[
                ("migrations/booking/sqlite/0100_a.sql", ""),
                ("migrations/booking/postgres/0100_a.sql", ""),
                ("migrations/booking/sqlite/0100_b.sql", ""),
                ("migrations/booking/postgres/0100_b.sql", ""),
                ("crates/booking/src/a.rs", "\"0100_a\" \"0100_b\""),
            ],
        ],
        good: &[&[
            ("migrations/booking/sqlite/0100_a.sql", ""),
            ("migrations/booking/postgres/0100_a.sql", ""),
            ("crates/booking/src/db.rs", "migrations!(\"booking\": 100 \"0100_a\");"),
            ("migrations/platform/sqlite/0001_p.sql", ""),
            ("migrations/platform/postgres/0001_p.sql", ""),
            ("crates/platform/src/db.rs", "migrations!(\"platform\": 1 \"0001_p\");"),
        ]],
    },
    Rule {
        name: "SQL is a constant, not written at the call, so that a test can prepare it",
        check: sql_in_place,
        bad: &[
            &[("crates/booking/src/a.rs", "fn f() { sqlx::query(\"select 1\").execute(c); }")],
            &[("crates/booking/src/a.rs", "#[cfg(test)] mod tests; fn f() { sqlx::query(\"select 1\"); }")],
            &[("crates/booking/src/a.rs", "fn f() { on!(c, |c| query_as::<_, (i64, Vec<u8>)>(r\"delete from a\")) }")],
        ],
        good: &[
            &[("crates/booking/src/a.rs", "fn f() { sqlx::query_scalar::<_, i64>(FIND).bind(\"x\"); uri.query(); }")],
            &[("crates/platform/src/db/mod.rs", "fn f() { sqlx::query(\"select 1\"); }")],
            &[("crates/booking/src/a.rs", "#[cfg(test)]\nmod tests { fn f() { sqlx::query(\"select 1\"); } }")],
            &[("crates/booking/src/a/tests.rs", "fn f() { sqlx::query(\"select 1\"); }")],
        ],
    },
    Rule {
        name: "a route is added by `Routes`, which keeps its path for the proxy's test",
        check: routes_kept,
        bad: &[
            &[("crates/booking/src/a.rs", "fn f() { OpenApiRouter::new().route(\"/visits\", get(page)); }")],
            &[("deploy/sanbao/a.rs", "fn f() { Router::new().nest(\"/visits\", g()); }")],
        ],
        good: &[
            &[(
                "crates/booking/src/a.rs",
                "fn f() { Routes::new().page(\"/visits\", get(page)).routes(routes!(list)); }",
            )],
            &[(
                "crates/booking/src/a.rs",
                "#[cfg(test)]\nmod tests { fn f() { Router::new().route(\"/a\", get(b)); } }",
            )],
            &[("tests/it/a.rs", "fn f() { Router::new().route(\"/a\", get(b)); }")],
            &[("crates/booking/tests/it/a.rs", "fn f() { Router::new().route(\"/a\", get(b)); }")],
        ],
    },
    Rule {
        name: "SQL knows no clock and no chance of its own",
        check: sql_clocks,
        bad: &[
            &[("migrations/booking/sqlite/0100_a.sql", "create table a (at text default CURRENT_TIMESTAMP)")],
            &[("crates/booking/src/a.rs", "const A: &str = \"select id from a where at < now()\";")],
            &[("crates/booking/src/a.rs", "const A: &str = \"update a set at = datetime('now')\";")],
        ],
        good: &[&[
            ("migrations/booking/sqlite/0100_a.sql", "-- now() is not for us\nselect 1;"),
            (
                "crates/booking/src/a.rs",
                "// now()\nconst A: &str = \"select known() from a\"; const B: &str = \"right now()\";",
            ),
        ]],
    },
    Rule {
        name: "a form keeps what is typed out of addresses",
        check: pages::form_methods,
        bad: &[
            &[("crates/a/src/a.rs", "html! {\n    form.stack data-send=(x) { }\n}")],
            &[("crates/a/src/a.rs", "html! {\n    form #find\n        method=\"get\" action=\"/a\" { }\n}")],
        ],
        good: &[&[
            ("crates/a/src/a.rs", "form.draw(lang); form(lang, x);\nhtml! {\n    form.stack method=\"post\" { }\n}"),
            (
                "crates/needs-analysis/src/rollup/page/overview.rs",
                "    form.toolbar method=\"get\" action=\"/needs\" {",
            ),
        ]],
    },
    Rule {
        name: "forms and buttons send in one way",
        check: pages::one_way_of_sending,
        bad: &[
            &[("crates/a/src/a.rs", "form data-api=\"POST /v1/a\"")],
            &[("crates/a/assets/a.js", "find(\"[data-step]\")")],
        ],
        good: &[&[("crates/a/src/a.rs", "button data-send=(x) data-action=\"copy\" data-steps=\"3\"")]],
    },
    Rule {
        name: "scripts have no words of their own",
        check: pages::words_of_scripts,
        bad: &[&[("crates/a/assets/a.js", "say(\"没有发出\");")]],
        good: &[&[("crates/a/assets/a.js", "// 会诊\n/** 李小明 */\nsay(word(\"not-sent\")); // 会诊")]],
    },
    Rule {
        name: "nothing is escaped for an address by hand",
        check: pages::escapes_by_hand,
        bad: &[&[("crates/a/src/a.rs", "write!(out, \"%{b:02X}\")")]],
        good: &[&[("crates/a/src/a.rs", "format!(\"%{text}%\");\nformat!(\"{b:02x}\");")]],
    },
];

fn top_level(files: &[File]) -> Vec<String> {
    let entries: BTreeSet<&str> = files.iter().filter_map(|f| f.path.split('/').next()).collect();
    let strange = entries.into_iter().filter(|e| !e.starts_with('.') && !TOP_LEVEL.contains(e));
    strange.map(|e| format!("{e}: no agreed entry of the root ({})", TOP_LEVEL.join(", "))).collect()
}

fn first_line(files: &[File]) -> Vec<String> {
    let silent =
        |f: &&File| f.text.lines().next().is_none_or(|l| l.strip_prefix("//!").is_none_or(|l| l.trim().is_empty()));
    let rust = files.iter().filter(|f| f.is_rust());
    rust.filter(silent).map(|f| f.finding(1, "must start with `//! ` and what the file is for")).collect()
}

fn strangers(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| f.is_rust() || f.has_extension("toml")) {
        let Some(owner) = file.path.strip_prefix("crates/").and_then(|p| p.split('/').next()) else { continue };
        for other in SERVICES.iter().filter(|s| **s != owner) {
            let names = [
                format!("sanbao-{other}"),
                format!("sanbao_{}", other.replace('-', "_")),
                format!("crates/{other}"),
                format!("migrations/{other}"),
            ];
            for (line, text) in (1..).zip(file.text.lines()) {
                if let Some(name) = names.iter().find(|n| text.contains(*n)) {
                    findings.push(file.finding(line, format!("{owner} must not name {name}")));
                }
            }
        }
    }
    findings
}

/// Runs `check` over the tokens of each Rust file; a file that cannot be read is a finding.
fn each_rust(files: &[File], check: impl Fn(&File, &[Vec<proc_macro2::TokenTree>]) -> Vec<String>) -> Vec<String> {
    let rust = files.iter().filter(|f| f.is_rust());
    rust.flat_map(|file| match tokens::groups(&file.text) {
        Ok(groups) => check(file, &groups),
        Err(e) => vec![file.finding(1, e)],
    })
    .collect()
}

fn homes(files: &[File]) -> Vec<String> {
    each_rust(files, |file, groups| {
        // A crate's own tests folder counts as `tests/`.
        let path = file.path.find("/tests/").map_or(file.path.as_str(), |at| &file.path[at + 1..]);
        let strange = HOMES.iter().filter(|(_, homes, _)| !homes.iter().any(|h| path.starts_with(h)));
        strange
            .flat_map(|(path, homes, why)| {
                let lines = tokens::lines_with_path(groups, path).into_iter();
                lines.map(move |line| file.finding(line, format!("{path} may stand only in {homes:?}: {why}")))
            })
            .collect()
    })
}

fn file_lines(files: &[File]) -> Vec<String> {
    const CODE: &[&str] = &["rs", "js", "mjs", "py", "sh", "sql", "css"];
    let code = files.iter().filter(|f| f.text.starts_with("#!") || CODE.iter().any(|e| f.has_extension(e)));
    let long = code.map(|f| (f, f.text.lines().count())).filter(|(_, lines)| *lines > FILE_LINES_MAX);
    long.map(|(f, lines)| {
        f.finding(FILE_LINES_MAX, format!("{lines} lines, at most {FILE_LINES_MAX}: split by subject"))
    })
    .collect()
}

fn function_lines(files: &[File]) -> Vec<String> {
    each_rust(files, |file, groups| {
        let long = tokens::functions(groups).into_iter().filter(|f| f.lines > FUNCTION_LINES_MAX);
        long.map(|f| file.finding(f.line, format!("fn {} has {} lines, at most {FUNCTION_LINES_MAX}", f.name, f.lines)))
            .collect()
    })
}

fn migration_names(files: &[File]) -> Vec<String> {
    let mut folders: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for file in files {
        let Some(path) = file.path.strip_prefix("migrations/") else { continue };
        if let [owner, engine, name] = path.split('/').collect::<Vec<_>>()[..] {
            folders.entry(owner).or_default().entry(engine).or_default().insert(name);
        }
    }
    let mut findings = Vec::new();
    for (owner, engines) in &folders {
        let path = format!("migrations/{owner}");
        if *owner != "platform" && !SERVICES.contains(owner) {
            findings.push(format!("{path}: no service has this name"));
        }
        let none = BTreeSet::new();
        let [sqlite, postgres] = ["sqlite", "postgres"].map(|e| engines.get(e).unwrap_or(&none));
        findings.extend(sqlite.symmetric_difference(postgres).map(|n| format!("{path}: only one engine has {n}")));
        let mut numbers = BTreeSet::new();
        for name in sqlite.union(postgres) {
            findings.extend(migration_name(files, owner, name).map(|e| format!("{path}: {name} {e}")));
            if !numbers.insert(name.split('_').next()) {
                findings.push(format!("{path}: {name} has the number of another"));
            }
        }
    }
    findings
}

fn migration_name(files: &[File], owner: &str, name: &str) -> Option<String> {
    let number = name.split_once('_').filter(|(n, _)| n.len() == 4).and_then(|(n, _)| n.parse::<u16>().ok());
    let Some(stem) = name.strip_suffix(".sql") else { return Some("is no .sql file".into()) };
    let Some(number) = number else { return Some("is not named NNNN_subject.sql".into()) };
    if (number < 100) != (owner == "platform") {
        return Some("has the wrong number: the platform has those below 0100, services those from it".into());
    }
    let (source, literal) = (format!("crates/{owner}/src/"), format!("\"{stem}\""));
    let embedded = files.iter().any(|f| f.path.starts_with(&source) && f.text.contains(&literal));
    (!embedded).then(|| format!("is embedded nowhere in {source}, so it would never run"))
}

fn sql_in_place(files: &[File]) -> Vec<String> {
    const CALLEES: &[&str] = &["query", "query_as", "query_scalar", "query_with", "raw_sql"];
    each_rust(files, |file, groups| {
        let tests = !file.path.starts_with("crates/") || file.path.contains("/tests");
        if tests || SQL_IN_PLACE.iter().any(|p| file.path.starts_with(p)) {
            return Vec::new();
        }
        let lines = tokens::lines_with_text_call(&tokens::without_tests(groups), CALLEES).into_iter();
        lines.map(|line| file.finding(line, "SQL stands in a `const` beside its function")).collect()
    })
}

fn routes_kept(files: &[File]) -> Vec<String> {
    const CALLEES: &[&str] = &["route", "route_service", "nest", "nest_service"];
    each_rust(files, |file, groups| {
        if file.path.starts_with("tests/") || file.path.contains("/tests") {
            return Vec::new();
        }
        let lines = tokens::lines_with_text_call(&tokens::without_tests(groups), CALLEES).into_iter();
        lines.map(|line| file.finding(line, "`Routes::page` keeps the path, this does not")).collect()
    })
}

fn sql_clocks(files: &[File]) -> Vec<String> {
    let clock_in = |sql: &str| {
        let sql = sql.to_lowercase();
        SQL_CLOCKS.iter().find(|c| {
            sql.match_indices(*c).any(|(at, _)| !sql[..at].ends_with(|b: char| b.is_alphanumeric() || b == '_'))
        })
    };
    let mut findings = each_rust(files, |file, groups| {
        let statements = tokens::text_consts(groups).into_iter().filter(|c| is_statement(&c.text));
        statements
            .filter_map(|c| Some(file.finding(c.line, format!("{} uses {}", c.name, clock_in(&c.text)?))))
            .collect()
    });
    for file in files.iter().filter(|f| f.path.starts_with("migrations/")) {
        for (line, text) in (1..).zip(file.text.lines()) {
            let sql = text.split("--").next().unwrap_or_default();
            findings.extend(clock_in(sql).map(|c| file.finding(line, format!("uses {c}"))));
        }
    }
    findings
}

/// Whether a constant's text is SQL that reads or changes rows.
pub fn is_statement(text: &str) -> bool {
    const VERBS: &[&str] = &["select", "insert", "update", "delete", "with"];
    let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    VERBS.contains(&first.as_str())
}

/// Samples that are too long to be written down: one line over and exactly at the bound.
pub fn long_samples() -> [(&'static str, Vec<File>, Vec<File>); 2] {
    let function =
        |lines: usize| format!("//! x\nimpl X {{\n    fn f() {{\n{}    }}\n}}\n", "g();\n".repeat(lines - 2));
    let file = |text: String| vec![File::new("a.rs", &text)];
    [
        ("a file of code fits in the head", file("\n".repeat(FILE_LINES_MAX + 1)), file("\n".repeat(FILE_LINES_MAX))),
        ("a function fits on a screen", file(function(FUNCTION_LINES_MAX + 1)), file(function(FUNCTION_LINES_MAX))),
    ]
}
