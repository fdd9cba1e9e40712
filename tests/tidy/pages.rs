//! Rules of pages and their scripts: forms, the one way of sending, words, addresses.

use crate::tree::File;

/// Forms that are sent by GET: what they ask for is no person's, and an address of it is worth keeping.
const GET_FORMS: &[&str] =
    &["crates/booking/src/visit/page/dispatch.rs", "crates/needs-analysis/src/rollup/page/overview.rs"];
/// The attributes that pages once used in the place of `data-send` and `data-action`.
const OTHER_WAYS: &[&str] = &["api", "call", "step", "guest", "ask", "print", "copy", "fill", "dialog"];

fn sources(files: &[File]) -> impl Iterator<Item = &File> {
    files
        .iter()
        .filter(|f| (f.path.starts_with("crates/") && f.path.contains("/src/")) || f.path.starts_with("deploy/"))
}

fn scripts(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|f| f.path.contains("/assets/") && f.has_extension("js"))
}

/// The heads of a file's `form` elements as maud writes them, with their lines: from `form` to the brace.
fn form_heads(file: &File) -> Vec<(usize, String)> {
    let lines: Vec<&str> = file.text.lines().collect();
    let is_element = |line: &str| {
        let Some(rest) = line.strip_prefix("form") else { return false };
        let class = rest
            .strip_prefix(['.', ' '])
            .is_some_and(|r| r.starts_with(|c: char| c.is_ascii_lowercase() || c == '#' || c == '{'));
        let called = rest.split([' ', '{', '=']).next().is_some_and(|first| first.contains('('));
        class && !called && !rest.starts_with(" =")
    };
    let head = |at: usize| {
        let text = lines[at..].iter().take(8).map(|l| l.trim()).collect::<Vec<_>>().join(" ");
        text.split(" {").next().unwrap_or_default().to_owned()
    };
    (0..lines.len()).filter(|at| is_element(lines[*at].trim_start())).map(|at| (at + 1, head(at))).collect()
}

/// A form without a method puts what was typed into the address when there is no script.
pub fn form_methods(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in sources(files).filter(|f| f.is_rust()) {
        for (line, head) in form_heads(file) {
            let kept = head.contains("method=\"post\"") || head.contains("method=\"dialog\"");
            let asks = head.contains("method=\"get\"") && GET_FORMS.contains(&file.path.as_str());
            if !kept && !asks {
                findings.push(file.finding(line, "a form says method=\"post\": what is typed belongs in no address"));
            }
        }
    }
    findings
}

/// Forms and buttons say what they send in one way, which one script reads.
pub fn one_way_of_sending(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in sources(files).filter(|f| f.is_rust()).chain(scripts(files)) {
        for (line, text) in (1..).zip(file.text.lines()) {
            let other = OTHER_WAYS.iter().find(|name| {
                let attribute = format!("data-{name}");
                text.match_indices(&attribute).any(|(at, found)| {
                    !text[at + found.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
                })
            });
            findings.extend(other.map(|name| file.finding(line, format!("data-{name}: use data-send or data-action"))));
        }
    }
    findings
}

/// A script has no words of its own: its page gives them to it, in the reader's language.
pub fn words_of_scripts(files: &[File]) -> Vec<String> {
    let chinese = |c: char| ('\u{3000}'..='\u{9fff}').contains(&c) || ('\u{ff00}'..='\u{ffef}').contains(&c);
    let mut findings = Vec::new();
    for file in scripts(files) {
        for (line, text) in (1..).zip(file.text.lines()) {
            let comment = text.trim_start().starts_with(['*', '/']);
            if !comment && text.split(" // ").next().is_some_and(|code| code.contains(chinese)) {
                findings.push(file.finding(line, "words come from the page's texts, by an attribute or by words.js"));
            }
        }
    }
    findings
}

/// Escaping for an address is the page kit's.
pub fn escapes_by_hand(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| f.is_rust() && f.path.starts_with("crates/")) {
        for (line, text) in (1..).zip(file.text.lines()) {
            if text.contains("\"%{") && text.contains(":02") {
                findings.push(file.finding(line, "escape by sanbao_platform::page::encode"));
            }
        }
    }
    findings
}
