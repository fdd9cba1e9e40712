//! Rules about personal data: where statements read it, and where it is opened without being shown to anybody.

use proc_macro2::TokenTree;

use crate::rules::{Rule, is_statement};
use crate::tokens;
use crate::tree::File;

/// Tables with data of residents, elders and families.
const TABLES: &[&str] = &[
    "consult",
    "consult_attendance",
    "consult_check",
    "consult_consent",
    "consult_draft",
    "consult_feedback",
    "consult_guest",
    "consult_opinion",
    "consult_ticket",
    "door",
    "history",
    "matter",
    "person",
    "person_care",
    "person_hold",
    "person_join_field",
    "person_sharing_consent",
    "person_transfer",
    "request",
    "shift_handover_item",
    "visit",
    "visit_proof",
];
/// The files whose statements may read these tables: what they give of people is `Personal`, or only ids and counts.
const READERS: &[&str] = &[
    "crates/booking/src/account/affiliation/store.rs",
    "crates/booking/src/account/person/care/relation.rs",
    "crates/booking/src/account/person/care/store.rs",
    "crates/booking/src/account/person/elder.rs",
    "crates/booking/src/account/person/erasure/retained.rs",
    "crates/booking/src/account/person/erasure/store.rs",
    "crates/booking/src/account/person/erasure/taken.rs",
    "crates/booking/src/account/person/export/statements.rs",
    "crates/booking/src/account/person/hold/store.rs",
    "crates/booking/src/account/person/import/store.rs",
    "crates/booking/src/account/person/join/calendar.rs",
    "crates/booking/src/account/person/join/store.rs",
    "crates/booking/src/account/person/lookup/fill.rs",
    "crates/booking/src/account/person/lookup/store.rs",
    "crates/booking/src/account/person/open.rs",
    "crates/booking/src/account/person/pair/store.rs",
    "crates/booking/src/account/person/reseal.rs",
    "crates/booking/src/account/person/sharing/store.rs",
    "crates/booking/src/account/person/store.rs",
    "crates/booking/src/account/person/transfer/home.rs",
    "crates/booking/src/account/person/transfer/store.rs",
    "crates/booking/src/account/readiness.rs",
    "crates/booking/src/account/shared_device/store.rs",
    "crates/booking/src/consult/acts.rs",
    "crates/booking/src/consult/consent.rs",
    "crates/booking/src/consult/day/store.rs",
    "crates/booking/src/consult/draft/store.rs",
    "crates/booking/src/consult/guest.rs",
    "crates/booking/src/consult/handover/store.rs",
    "crates/booking/src/consult/jobs.rs",
    "crates/booking/src/consult/meeting.rs",
    "crates/booking/src/consult/opinion.rs",
    "crates/booking/src/consult/page/choices.rs",
    "crates/booking/src/consult/paper/store.rs",
    "crates/booking/src/consult/practitioner/affected.rs",
    "crates/booking/src/consult/practitioner/bookable.rs",
    "crates/booking/src/consult/practitioner/store.rs",
    "crates/booking/src/consult/records/names.rs",
    "crates/booking/src/consult/records/store.rs",
    "crates/booking/src/consult/store.rs",
    "crates/booking/src/consult/ticket/issued.rs",
    "crates/booking/src/emergency/store.rs",
    "crates/booking/src/retention/store.rs",
    "crates/booking/src/retention/taken.rs",
    "crates/booking/src/verify.rs",
    "crates/booking/src/visit/caregiver/store.rs",
    "crates/booking/src/visit/proof.rs",
    "crates/booking/src/visit/store.rs",
    "crates/needs-analysis/src/door/forget.rs",
    "crates/needs-analysis/src/door/store.rs",
    "crates/needs-analysis/src/matter/forget.rs",
    "crates/needs-analysis/src/matter/store.rs",
    "crates/needs-analysis/src/request/demo.rs",
    "crates/needs-analysis/src/request/departed.rs",
    "crates/needs-analysis/src/request/erased.rs",
    "crates/needs-analysis/src/request/export/sections.rs",
    "crates/needs-analysis/src/request/import/store.rs",
    "crates/needs-analysis/src/request/import/undo.rs",
    "crates/needs-analysis/src/request/joined.rs",
    "crates/needs-analysis/src/request/list.rs",
    "crates/needs-analysis/src/request/merged.rs",
    "crates/needs-analysis/src/request/number.rs",
    "crates/needs-analysis/src/request/queue/place.rs",
    "crates/needs-analysis/src/request/reseal.rs",
    "crates/needs-analysis/src/request/retention.rs",
    "crates/needs-analysis/src/request/serving.rs",
    "crates/needs-analysis/src/request/store.rs",
    "crates/needs-analysis/src/request/words.rs",
    "crates/needs-analysis/src/rollup/verify.rs",
    "crates/needs-analysis/src/verify.rs",
    "crates/platform/src/history.rs",
];
/// The files in which personal data is opened and shown to nobody, and what for.
const OPENED: &[(&str, &str)] = &[
    ("crates/booking/src/account/affiliation/view.rs", "the history of two institutions, of the staff alone"),
    ("crates/booking/src/account/person/api/read.rs", "the mark of a page of a list"),
    ("crates/booking/src/account/person/api/update.rs", "what a change is applied to"),
    ("crates/booking/src/account/person/export/api.rs", "whose it is"),
    ("crates/booking/src/account/person/hold/api.rs", "whose it is"),
    ("crates/booking/src/account/person/hold/store.rs", "whose it is; whether somebody who is erased has ended"),
    ("crates/booking/src/account/person/import/run.rs", "what a row of a file is held against and applied to"),
    ("crates/booking/src/account/person/care/api.rs", "the parts that the caller may not see"),
    ("crates/booking/src/account/person/care/relation.rs", "whose it is, for the policy"),
    ("crates/booking/src/account/person/care/store.rs", "what a record that leads on brings along"),
    ("crates/booking/src/account/person/join/api.rs", "whose it is; what is joined and separated"),
    ("crates/booking/src/account/person/lookup/api.rs", "whether somebody is found twice"),
    ("crates/booking/src/account/person/lookup/fill.rs", "the last four of papers, which are indexed"),
    ("crates/booking/src/account/person/pair/api.rs", "whose it is, and whether two are one"),
    ("crates/booking/src/account/person/pair/view.rs", "what the two are compared by"),
    ("crates/booking/src/account/person/sharing/api.rs", "whose it is"),
    ("crates/booking/src/account/person/sharing/store.rs", "statements"),
    ("crates/booking/src/account/person/sheet.rs", "whose it is, for the policy and the steps"),
    ("crates/booking/src/account/person/steps.rs", "what a step is applied to"),
    ("crates/booking/src/account/person/store.rs", "whose it is, for the policy"),
    ("crates/booking/src/account/person/transfer/api/create.rs", "what is asked for; who goes home"),
    ("crates/booking/src/account/person/transfer/home.rs", "the record that a resident's leads on to"),
    ("crates/booking/src/account/person/transfer/side.rs", "whose it is, for the policy"),
    ("crates/booking/src/account/person/transfer/steps.rs", "what is handed over; whom to tell"),
    ("crates/booking/src/account/person/transfer/store.rs", "statements"),
    ("crates/booking/src/account/person/transfer/view.rs", "whose it is, for the audit; where it leads"),
    ("crates/booking/src/account/person/view.rs", "whose it is, for the audit"),
    ("crates/booking/src/consult/api/guest.rs", "whether a link stands; whom another is for"),
    ("crates/booking/src/consult/api/opinion.rs", "whether it is signed"),
    ("crates/booking/src/consult/api/ticket.rs", "whether somebody holds one"),
    ("crates/booking/src/consult/demo.rs", "the demo's own people"),
    ("crates/booking/src/consult/handover/steps.rs", "what is kept of those who are on a hand-over"),
    ("crates/booking/src/consult/model.rs", "what a revision is applied to"),
    ("crates/booking/src/consult/paper/mod.rs", "what a document is known again by"),
    ("crates/booking/src/consult/steps.rs", "the opinion's version; what is signed"),
    ("crates/booking/src/consult/store.rs", "statements"),
    ("crates/booking/src/consult/timing.rs", "which side has announced a delay"),
    ("crates/booking/src/visit/store.rs", "statements"),
    ("crates/needs-analysis/src/ask/follow.rs", "when a request came how far, without what was said"),
    ("crates/needs-analysis/src/door/api/rounds.rs", "what a later round takes over"),
    ("crates/needs-analysis/src/door/import.rs", "what a row of a file is held against"),
    ("crates/needs-analysis/src/door/steps.rs", "what a request is made of"),
    ("crates/needs-analysis/src/door/store.rs", "statements"),
    ("crates/needs-analysis/src/matter/store.rs", "statements"),
    ("crates/needs-analysis/src/request/events.rs", "what the agency's order needs"),
    ("crates/needs-analysis/src/request/edit.rs", "what is put right, and its history, which is shown as such"),
    ("crates/needs-analysis/src/request/input.rs", "what is taken down"),
    ("crates/needs-analysis/src/request/merged.rs", "what was said, for the history of the request that it joins"),
    ("crates/needs-analysis/src/request/model.rs", "the end of a telephone, to find it by"),
    ("crates/needs-analysis/src/request/store.rs", "statements"),
    ("crates/needs-analysis/src/request/words.rs", "statements"),
    ("crates/platform/src/audit/personal.rs", "the type itself"),
];

/// The files of code that answer with a file to keep, in which nobody is named, and what it holds.
const PLAIN_FILES: &[(&str, &str)] = &[
    ("crates/needs-analysis/src/matter/api/figures.rs", "numbers by area, level and month"),
    ("crates/needs-analysis/src/rollup/api.rs", "numbers by area, category and time"),
];

/// A file that tells of people leaves the house with them: only somebody who has proved it lately takes one.
pub const TAKEN_OUT: Rule = Rule {
    name: "an answer that is a file to keep asks for a proof of late, unless it names nobody",
    check: taken_out_unasked,
    bad: &[&[("crates/booking/src/a.rs", "fn f() { [(header::CONTENT_DISPOSITION, name)] }")]],
    good: &[
        &[("crates/needs-analysis/src/rollup/api.rs", "fn f() { [(header::CONTENT_DISPOSITION, name)] }")],
        &[("crates/booking/src/a.rs", "fn f() { ctx.proved_lately()?; [(header::CONTENT_DISPOSITION, name)] }")],
        &[("crates/booking/tests/it/a.rs", "fn f() { header::CONTENT_DISPOSITION }")],
    ],
};

/// A statement that reads of people stands where its result is `Personal`.
pub const READ: Rule = Rule {
    name: "data of people is read in known places, which give it as `Personal`",
    check: read_elsewhere,
    bad: &[
        &[("crates/booking/src/a.rs", "const A: &str = \"select name from person where id = $1\";")],
        &[("crates/booking/src/a.rs", "const A: &str = \"select a.id from a join\n    visit v on v.id = a.id\";")],
    ],
    good: &[
        &[("crates/booking/src/visit/store.rs", "const A: &str = \"select name from visit\";")],
        &[(
            "crates/booking/src/a.rs",
            "const A: &str = \"select name from persona\"; const B: &str = \"delete from visit\";",
        )],
        &[("crates/booking/tests/it/a.rs", "const A: &str = \"select name from person\";")],
    ],
};

/// Personal data that is opened without being shown.
pub const OPEN: Rule = Rule {
    name: "personal data is opened without being shown only where it is said what for",
    check: opened_elsewhere,
    bad: &[
        &[("crates/booking/src/a.rs", "fn f() { visit.contact.unseen().name }")],
        &[("crates/needs-analysis/src/a.rs", "fn f() { found.map(Personal::into_unseen) }")],
    ],
    good: &[
        &[("crates/booking/src/visit/store.rs", "fn f() { visit.contact.unseen().name }")],
        &[("crates/booking/src/a.rs", "fn f() { visit.contact.show(&ctx.shows, visit) } // unseen()")],
        &[("crates/booking/src/a.rs", "#[cfg(test)]\nmod tests { fn f() { a.unseen() } }")],
        &[("crates/booking/tests/it/a.rs", "fn f() { a.unseen() }")],
    ],
};

/// The words by which a statement asks whether a record's person was handed over.
const HANDED_OVER: &str = "<handed_over!>";

/// A registrar of a record that leads on, only where the person was not handed over.
pub const REGISTRARS: Rule = Rule {
    name: "a registrar of a record that leads on counts only where its person was not handed over",
    check: registrars_for_good,
    bad: &[
        &[(
            "crates/booking/src/a.rs",
            "const A: &str = \"select 1 from person m where m.merged_into = $1 and m.registered_by = $2\";",
        )],
        &[(
            "crates/booking/src/a.rs",
            "macro_rules! m { ($row:literal) => { concat!(\"(\", $row, \".registered_by = $1 or m.merged_into = \", $row, \".id)\") } }",
        )],
        &[(
            "crates/booking/src/a.rs",
            "const A: &str = concat!(\"select registered_by where merged_into = $1 and not \", handed_over!(), \" or merged_into = $2\");",
        )],
    ],
    good: &[
        &[(
            "crates/booking/src/a.rs",
            "const A: &str = concat!(\"select 1 from person m where m.merged_into = $1 and m.registered_by = $2 and not \", handed_over!());",
        )],
        &[(
            "crates/booking/src/a.rs",
            "const A: &str = \"select registered_by from person where merged_into is null\"; const B: &str = \"update person set merged_into = $1\";",
        )],
    ],
};

/// Whether a statement takes rows out of one of the tables.
fn reads_of_people(sql: &str) -> bool {
    let words: Vec<String> = sql.split_whitespace().map(str::to_lowercase).collect();
    let bare = |word: &str| word.trim_matches(|c: char| !(c.is_alphanumeric() || c == '_')).to_owned();
    let selects = words.iter().any(|word| bare(word) == "select");
    let named = words
        .windows(2)
        .any(|pair| matches!(bare(&pair[0]).as_str(), "from" | "join") && TABLES.contains(&bare(&pair[1]).as_str()));
    selects && named
}

/// A part of a statement asks once for each record that leads on.
fn registrars_for_good(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| is_source(f)) {
        let groups = tokens::without_tests(&tokens::groups(&file.text).unwrap_or_default());
        for part in tokens::text_parts(&groups) {
            let led_on = part.text.matches("merged_into = ").count();
            if part.text.contains("registered_by") && led_on > part.text.matches(HANDED_OVER).count() {
                let why =
                    "the registrar of a record that leads on has perhaps handed the person over: ask `handed_over!`";
                findings.push(file.finding(part.line, why));
            }
        }
    }
    findings
}

fn is_source(file: &File) -> bool {
    file.is_rust() && file.path.starts_with("crates/") && file.path.contains("/src/")
}

fn read_elsewhere(files: &[File]) -> Vec<String> {
    let elsewhere = files.iter().filter(|f| is_source(f) && !READERS.contains(&f.path.as_str()));
    let mut findings = Vec::new();
    for file in elsewhere {
        let groups = tokens::without_tests(&tokens::groups(&file.text).unwrap_or_default());
        for text in tokens::text_consts(&groups).into_iter().filter(|t| is_statement(&t.text)) {
            if reads_of_people(&text.text) {
                findings.push(file.finding(text.line, format!("{} reads data of people", text.name)));
            }
        }
    }
    findings
}

/// Whether a file of code names something.
fn names(file: &File, wanted: &str) -> Option<usize> {
    let groups = tokens::without_tests(&tokens::groups(&file.text).unwrap_or_default());
    let named = |token: &&TokenTree| matches!(token, TokenTree::Ident(name) if *name == wanted);
    groups.iter().flatten().find(named).map(|token| token.span().start().line)
}

fn taken_out_unasked(files: &[File]) -> Vec<String> {
    let sources = files.iter().filter(|f| is_source(f) && !PLAIN_FILES.iter().any(|(path, _)| *path == f.path));
    let unasked = sources.filter(|file| names(file, "proved_lately").is_none());
    let found = unasked.filter_map(|file| Some((file, names(file, "CONTENT_DISPOSITION")?)));
    found
        .map(|(file, line)| file.finding(line, "a file to keep: ask for a proof of late, or list what it holds"))
        .collect()
}

fn opened_elsewhere(files: &[File]) -> Vec<String> {
    let elsewhere = files.iter().filter(|f| is_source(f) && !OPENED.iter().any(|(path, _)| *path == f.path));
    let mut findings = Vec::new();
    for file in elsewhere {
        for tokens in tokens::without_tests(&tokens::groups(&file.text).unwrap_or_default()) {
            let opens = |token: &&TokenTree| matches!(token, TokenTree::Ident(name) if *name == "unseen" || *name == "into_unseen");
            for token in tokens.iter().filter(opens) {
                let line = token.span().start().line;
                findings
                    .push(file.finding(line, "opens personal data and shows it to nobody: list it with its reason"));
            }
        }
    }
    findings
}
