//! Rules of words: comments that say something, in sentences with a subject; full-width punctuation in Chinese.

use proc_macro2::TokenTree;

use crate::rules::Rule;
use crate::tokens;
use crate::tree::File;

/// The punctuation that has a full-width form: ，：；？！（）。
const HALF_WIDTH: &[char] = &[',', ':', ';', '?', '!', '(', ')', '.'];
/// Words that say nothing beside a name.
const FILLERS: &[&str] = &["a", "all", "an", "every", "its", "of", "one", "s", "that", "the", "their", "this"];
/// Words that make a clause a noun without naming one.
const NO_NOUN: &[&str] = &["What", "Who", "Whoever", "Whom"];
/// The files that people read as English: code with its comments, documents, settings with theirs.
const READ: &[&str] = &["css", "ftl", "js", "md", "py", "rs", "toml", "ts", "yaml"];
/// Functions that hold the words of one language.
const ONE_LANGUAGE: &[&str] = &["zh", "en"];

/// A field or a variant may go without a comment, so that none is written for the lint's sake alone.
pub const DOCUMENTED: Rule = Rule {
    name: "a public item has a comment; a field or a variant has one where its name and type leave something to say",
    check: undocumented,
    bad: &[
        &[("crates/a/src/b.rs", "pub fn f() {}")],
        &[("crates/a/src/b.rs", "/// A.\n#[derive(Debug)]\npub struct A; impl A { #[inline] pub const fn f() {} }")],
        &[("crates/a/src/b.rs", "#[derive(Debug)] pub enum A {}")],
        &[("deploy/sanbao/b.rs", "pub const X: u8 = 1;")],
    ],
    good: &[
        &[("crates/a/src/b.rs", "/// A.\n#[derive(Debug)]\npub struct A { pub b: u8 }\n/// C.\npub enum C { D }")],
        &[("crates/a/src/b.rs", "pub mod c; pub use d::e; pub(crate) fn f() {} fn g() {} pub(super) struct H;")],
        &[("crates/a/src/b.rs", "macro_rules! m { ($(#[$doc:meta])*) => { $(#[$doc])* pub struct A; } }")],
        &[("crates/a/src/b.rs", "#[cfg(test)]\nmod tests { pub fn f() {} }"), ("tests/a.rs", "pub fn f() {}")],
    ],
};

/// A comment that only repeats a name makes the reader read twice.
pub const SAYS_MORE: Rule = Rule {
    name: "a field's or a variant's comment says more than its name",
    check: repeated,
    bad: &[
        &[("crates/a/src/b.rs", "struct A {\n    /// Its id.\n    pub id: u8,\n}")],
        &[("crates/a/src/b.rs", "struct A {\n    /// The area's code.\n    #[serde(default)]\n    area_code: u8,\n}")],
        &[("crates/a/src/b.rs", "enum A {\n    /// All accounts.\n    AllAccounts,\n}")],
    ],
    good: &[
        &[(
            "crates/a/src/b.rs",
            "struct A {\n    /// Its id, a UUID of version 7.\n    id: u8,\n    /// 助餐\n    meal: u8,\n}",
        )],
        &[("crates/a/src/b.rs", "/// The room.\npub fn room() {}\n/// `id`\nstruct Id;")],
    ],
};

/// *Who enters* and *what is sent* are no subjects; *the person who enters* and *the bytes that are sent* are.
pub const SUBJECTS: Rule = Rule {
    name: "a comment begins with no who, whom or what in a noun's place",
    check: no_noun,
    bad: &[&[("crates/a/src/b.rs", "/// Who enters.\nfn f() {}")], &[("tests/a.rs", "//! What a step costs.\n")]],
    good: &[
        &[("crates/a/src/b.rs", "/// The person who enters.\n/// What follows is one sentence.\nfn f() {}")],
        &[("crates/a/src/b.rs", "// What is private\nconst X: &str = \"/// Who\";\n/// Whether it is.\nfn f() {}")],
    ],
};

/// A sentence names its people: the caller, the person who enters, the process that holds the room.
pub const NAMED_PEOPLE: Rule = Rule {
    name: "no sentence says whoever: it names the person or the thing",
    check: unnamed,
    bad: &[
        &[("crates/a/src/b.rs", "// A room is opened once: whoever asks for it finds it.")],
        &[("README.md", "Whoever sends a request")],
        &[("crates/a/assets/b.js", "call(); // whoever answers")],
    ],
    good: &[
        &[("crates/a/src/b.rs", "// The caller that asks for it finds it.")],
        &[("migrations/a/sqlite/0100_b.sql", "-- whoever inserts counts the rows")],
    ],
};

/// Chinese is set with the punctuation of its own width.
pub const FULL_WIDTH: Rule = Rule {
    name: "punctuation beside Chinese characters is full-width",
    check: half_width,
    bad: &[
        &[("crates/a/texts/zh-CN.ftl", "a = 您是谁?")],
        &[("crates/a/texts/b.zh-CN.ftl", "a = { $n } 件,最多的是{ $top }")],
        &[("crates/a/texts/b.zh-CN.ftl", "a =\n    .title = 待安排({ $count })")],
        &[("crates/a/src/b.rs", "fn f() { g(\"密码太长(最多 256 字节)\"); }")],
        &[("deploy/sanbao/b.rs", "const A: &str = \"还太早, 请稍后\";")],
    ],
    good: &[
        &[("crates/a/texts/zh-CN.ftl", "a = 您是谁？\n# 注: b\nb = 14:30 开始（{ $n ->\n  *[other] 人\n }）")],
        &[("crates/a/texts/en.ftl", "a = 三宝, in English")],
        &[("crates/a/src/b.rs", "fn f() { g(\"{}：{name}，体重 1.5 kg\", \"Sends it (派单).\"); }")],
        &[("crates/a/src/b.rs", "#[cfg(test)]\nmod tests { const A: &str = \"姓名,电话\"; }\n// 您是谁?")],
    ],
};

/// The words of pages stand in the texts of their crate. The short pair beside a check is no page's.
pub const ONE_HOME: Rule = Rule {
    name: "the words of pages stand in Fluent files",
    check: words_in_code,
    bad: &[
        &[("crates/a/src/b.rs", "fn f() { lang.pick(\"类型\", \"Type\"); }")],
        &[("deploy/sanbao/b.rs", "fn f() { html! { h1 { (lang.pick(\n\"类型\",\n\"Type\")) } } }")],
        &[("crates/a/src/b.rs", "impl A { pub fn zh(self) -> &'static str { C } }")],
        &[("crates/a/src/page/b.rs", "const A: &str = \"类型\";")],
        &[("deploy/sanbao/b_page.rs", "const A: &str = \"类型\";")],
    ],
    good: &[
        &[("crates/a/src/page/b.rs", "fn f() { page::pick(\"true\", t(\"open\"), open); lang.pick(&o.zh, &o.en); }")],
        &[("crates/a/src/page/b.rs", "fn f() { Problem::field(\"/day\", \"日期不对\", \"Not a day\"); }")],
        &[(
            "crates/a/src/page/b.rs",
            "/// 类型\nfn f() {}\n// 类型\n#[cfg(test)]\nmod tests { const A: &str = \"类型\"; }",
        )],
    ],
};

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// The code of the product: tests have no readers but their own crate's.
fn sources(files: &[File]) -> impl Iterator<Item = &File> {
    let ours = |path: &str| (path.starts_with("crates/") && path.contains("/src/")) || path.starts_with("deploy/");
    files.iter().filter(move |f| f.is_rust() && ours(&f.path) && !is_test(&f.path))
}

fn undocumented(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in sources(files) {
        match tokens::groups(&file.text) {
            Ok(groups) => {
                let items = tokens::undocumented_items(&tokens::without_tests(&groups)).into_iter();
                findings.extend(items.map(|(name, line)| file.finding(line, format!("{name} has no comment"))));
            }
            Err(e) => findings.push(file.finding(1, e)),
        }
    }
    findings
}

/// One-line comments, each with the number of its line and the item below it.
fn one_liners(file: &File) -> Vec<(usize, String, String)> {
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let comment = |at: usize| lines.get(at).and_then(|l| l.strip_prefix("/// "));
    let alone = |at: usize| (at == 0 || comment(at - 1).is_none()) && comment(at + 1).is_none();
    let below = |at: usize| lines[at + 1..].iter().find(|l| !l.starts_with("#[")).map_or("", |l| *l).to_owned();
    let found = (0..lines.len()).filter(|at| alone(*at));
    found.filter_map(|at| Some((at + 1, comment(at)?.to_owned(), below(at)))).collect()
}

fn repeated(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in sources(files) {
        for (line, comment, item) in one_liners(file) {
            let name = member(&item);
            let plain = comment.is_ascii() && !comment.contains('`');
            let said = words_of(&comment);
            let more = said.iter().any(|w| !FILLERS.contains(&w.as_str()) && !words_of(name).contains(w));
            if plain && !name.is_empty() && !more {
                findings.push(file.finding(line, format!("say more of {name} than its name, or nothing")));
            }
        }
    }
    findings
}

/// The name of a field or a variant; empty for any other item.
fn member(item: &str) -> &str {
    let item =
        item.strip_prefix("pub ").or_else(|| item.strip_prefix("pub(")?.split_once(") ").map(|x| x.1)).unwrap_or(item);
    let name = item.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    let rest = &item[name.len()..];
    let field = rest.starts_with(": ");
    let variant = name.starts_with(|c: char| c.is_ascii_uppercase()) && rest.starts_with([',', '(', ' ']);
    if field || variant { name } else { "" }
}

/// The words of a text or of a name, in lower case.
fn words_of(text: &str) -> Vec<String> {
    let mut spaced = String::new();
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            spaced.push(' ');
        }
        spaced.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' });
    }
    spaced.split_whitespace().map(str::to_owned).collect()
}

fn no_noun(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| f.is_rust()) {
        let mut before = false;
        for (line, text) in (1..).zip(file.text.lines().map(str::trim_start)) {
            let comment = text.strip_prefix("/// ").or_else(|| text.strip_prefix("//! "));
            let first = comment.and_then(|c| c.split(' ').next()).unwrap_or_default();
            if !before && NO_NOUN.contains(&first) {
                findings.push(file.finding(line, format!("begin with a noun, not with {first}")));
            }
            before = comment.is_some();
        }
    }
    findings
}

fn unnamed(files: &[File]) -> Vec<String> {
    let own = |path: &str| path == "tests/tidy/words.rs";
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| READ.iter().any(|e| f.has_extension(e)) && !own(&f.path)) {
        for (line, text) in (1..).zip(file.text.lines()) {
            if text.to_ascii_lowercase().contains("whoever") {
                findings.push(file.finding(line, "name the person or the thing"));
            }
        }
    }
    findings
}

fn words_in_code(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in sources(files) {
        let groups = tokens::without_tests(&tokens::groups(&file.text).unwrap_or_default());
        let of_pages = file.path.contains("/page/") || file.path.ends_with("page.rs");
        // A doc comment is a group of three tokens: `doc = "…"`. A check's pair stands behind its pointer.
        let code = groups.iter().filter(|group| match group.first() {
            Some(TokenTree::Ident(first)) => first != "doc",
            Some(TokenTree::Literal(first)) => !tokens::text_of(first).is_some_and(|text| text.starts_with('/')),
            _ => true,
        });
        let chinese = code.flatten().filter_map(|token| match token {
            TokenTree::Literal(l) if tokens::text_of(l)?.contains(is_han) => Some(l.span().start().line),
            _ => None,
        });
        let literals = chinese.filter(|_| of_pages).chain(tokens::lines_with_text_method(&groups, "pick"));
        findings.extend(literals.map(|line| file.finding(line, "words come from the crate's texts")));
        let halves = tokens::functions(&groups).into_iter().filter(|f| ONE_LANGUAGE.contains(&f.name.as_str()));
        findings.extend(halves.map(|f| file.finding(f.line, format!("{}: one function takes the language", f.name))));
    }
    findings
}

fn half_width(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| f.path.ends_with("zh-CN.ftl")) {
        let texts = (1..).zip(file.text.lines()).filter(|(_, text)| !text.starts_with('#'));
        findings.extend(texts.filter_map(|(line, text)| Some(file.finding(line, too_narrow(text)?))));
    }
    for file in sources(files) {
        let groups = tokens::without_tests(&tokens::groups(&file.text).unwrap_or_default());
        let texts = groups.iter().flatten().filter_map(|token| match token {
            TokenTree::Literal(l) => Some((l.span().start().line, tokens::text_of(l)?)),
            _ => None,
        });
        let chinese = texts.filter(|(_, text)| is_chinese(text));
        findings.extend(chinese.filter_map(|(line, text)| Some(file.finding(line, too_narrow(&text)?))));
    }
    findings
}

fn is_han(c: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&c)
}

/// Whether a text is Chinese rather than English with a Chinese term in it.
fn is_chinese(text: &str) -> bool {
    let latin = outside_placeables(text).chars().filter(char::is_ascii_alphabetic).count();
    let han = text.chars().filter(|c| is_han(*c)).count();
    han > 0 && han >= latin
}

/// The text with each `{…}` as one character that is no word.
fn outside_placeables(text: &str) -> String {
    let mut depth = 0_usize;
    let mut kept = String::new();
    for c in text.chars() {
        depth -= usize::from(c == '}' && depth > 0);
        if depth == 0 {
            kept.push(if c == '{' || c == '}' { '\u{fffc}' } else { c });
        }
        depth += usize::from(c == '{');
    }
    kept
}

/// The first punctuation that is narrower than the character beside it.
fn too_narrow(text: &str) -> Option<String> {
    let text: Vec<char> = outside_placeables(text).chars().collect();
    let han = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|c| is_han(*c));
    let beside = |at: usize| han(at.checked_sub(1)) || (text[at] != '.' && han(Some(at + 1)));
    let found = (0..text.len()).find(|at| HALF_WIDTH.contains(&text[*at]) && beside(*at))?;
    Some(format!("{} beside a Chinese character: use its full-width form", text[found]))
}
