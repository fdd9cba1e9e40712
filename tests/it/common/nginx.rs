//! The directives of `deploy/nginx.conf`, and where nginx would lead a path by it.

use std::collections::BTreeMap;

/// One directive: its words, and what stands in its braces.
#[derive(Debug)]
struct Directive {
    words: Vec<String>,
    inner: Vec<Directive>,
}

/// How a location is compared with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// `=`: this path alone.
    Exact,
    /// This beginning; the longest one counts. `^~` differs only where there are regular expressions.
    Prefix,
}

/// A location with the service that it leads to.
#[derive(Clone, Debug)]
pub struct Location {
    pub how: Match,
    pub path: String,
    pub service: String,
    /// The path that the service is asked for, where it is another.
    pub asked: Option<String>,
}

/// The locations of the file's one site.
#[derive(Clone, Debug)]
pub struct Nginx(Vec<Location>);

/// The file as it is shipped.
pub const SHIPPED: &str = include_str!("../../../deploy/nginx.conf");

/// Words, `;`, `{` and `}`, without comments.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '#') if word.is_empty() => drop(letters.by_ref().find(|l| *l == '\n')),
            // A variable may be written in braces.
            (None, '{') if word.ends_with('$') => word.push(letter),
            (None, '}') if word.contains("${") => word.push(letter),
            (None, ';' | '{' | '}') => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                words.push(letter.to_string());
            }
            (None, _) if letter.is_whitespace() => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            (Some(_) | None, _) => word.push(letter),
        }
    }
    words
}

/// The directives up to the brace that ends them.
fn directives(words: &mut std::vec::IntoIter<String>) -> Vec<Directive> {
    let (mut found, mut line) = (Vec::new(), Vec::new());
    while let Some(word) = words.next() {
        match word.as_str() {
            ";" => found.push(Directive { words: std::mem::take(&mut line), inner: Vec::new() }),
            "{" => {
                let said = std::mem::take(&mut line);
                found.push(Directive { words: said, inner: directives(words) });
            }
            "}" => break,
            _ => line.push(word),
        }
    }
    assert!(line.is_empty(), "no end: {line:?}");
    found
}

/// The service that each variable stands for: `$sanbao_booking` for the host of its `map`'s default.
fn services(all: &[Directive]) -> BTreeMap<String, String> {
    let maps = all.iter().filter(|d| d.words[0] == "map" && d.inner.len() == 1 && d.inner[0].words[0] == "default");
    let host = |map: &Directive| map.inner[0].words[1].split_once(':').map(|(host, _)| host.to_owned());
    maps.filter_map(|map| Some((map.words.last()?.clone(), host(map)?))).collect()
}

fn location(directive: &Directive, services: &BTreeMap<String, String>) -> Location {
    let words: Vec<&str> = directive.words[1..].iter().map(String::as_str).collect();
    let (how, path) = match words[..] {
        ["=", path] => (Match::Exact, path),
        ["^~", path] | [path] => (Match::Prefix, path),
        // nginx asks them after all prefixes but `^~`; nothing here can say which would win.
        _ => panic!("this test does not read regular expressions: {words:?}"),
    };
    assert!(path.starts_with('/'), "{words:?}");
    let pass = directive.inner.iter().find(|d| d.words[0] == "proxy_pass");
    let pass = pass.unwrap_or_else(|| panic!("{words:?} leads nowhere"));
    let target = pass.words[1].strip_prefix("http://").unwrap();
    let (service, asked) = match target.split_once('/') {
        Some((service, rest)) => (service, Some(format!("/{rest}"))),
        None => (target, None),
    };
    let service = services.get(service).unwrap_or_else(|| panic!("{words:?}: {service} stands for no service"));
    Location { how, path: path.to_owned(), service: service.clone(), asked }
}

impl Nginx {
    /// Reads a file that is included in the `http` block and has one site.
    pub fn read(text: &str) -> Self {
        let all = directives(&mut words(text).into_iter());
        let services = services(&all);
        let [site] = all.iter().filter(|d| d.words[0] == "server").collect::<Vec<_>>()[..] else {
            panic!("one site is read here")
        };
        let locations =
            site.inner.iter().filter(|d| d.words[0] == "location").map(|d| location(d, &services)).collect();
        Self(locations)
    }

    /// The shipped file.
    pub fn shipped() -> Self {
        Self::read(SHIPPED)
    }

    /// Every location.
    pub fn locations(&self) -> &[Location] {
        &self.0
    }

    /// The location that nginx takes for a path: an exact one, else the one with the longest beginning.
    pub fn location(&self, path: &str) -> &Location {
        let exact = self.0.iter().find(|l| l.how == Match::Exact && l.path == path);
        let prefixes = self.0.iter().filter(|l| l.how == Match::Prefix && path.starts_with(&l.path));
        exact.or_else(|| prefixes.max_by_key(|l| l.path.len())).unwrap_or_else(|| panic!("{path}: no location"))
    }
}
