//! The addresses of a session description (RFC 8866): `a=candidate`, `a=remote-candidates`, `c=`, `a=rtcp`, `o=`.

use std::net::IpAddr;
use std::ops::Range;

use super::candidate::{LineOutcome, judge};
use super::{Disclosure, Edit, edited, span_of};

/// The way of a description's lines to end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnds {
    /// As the characters CR and LF.
    Plain,
    /// As they stand in JSON: `\r` and `\n`.
    Escaped,
}

impl LineEnds {
    /// The line that begins at `at`, and where the next one does.
    fn line(self, text: &str, at: usize) -> (Range<usize>, usize) {
        let rest = &text[at..];
        let (end, pair, single) = match self {
            Self::Plain => (rest.find(['\r', '\n']), "\r\n", 1),
            // Nothing else is escaped here, so that each backslash begins an end.
            Self::Escaped => (rest.find('\\'), r"\r\n", 2),
        };
        let Some(end) = end else { return (at..text.len(), text.len()) };
        let width = if rest[end..].starts_with(pair) { pair.len() } else { single };
        (at..at + end, at + end + width)
    }
}

/// The finds on the way down.
struct SdpFilter<'t, 'r> {
    text: &'t str,
    rule: &'r Disclosure<'r>,
    edits: Vec<Edit>,
    /// The port of the `m=` line that the line belongs to, while it is unchanged.
    port: Option<Range<usize>>,
    /// There was an `m=` line.
    in_medium: bool,
    /// The address that holds for every medium was taken out.
    ports_go: bool,
}

/// The description as the other side may have it; `None` when it may have it as it is.
pub(super) fn filter(text: &str, ends: LineEnds, rule: &Disclosure<'_>) -> Option<String> {
    let mut filter = SdpFilter { text, rule, edits: Vec::new(), port: None, in_medium: false, ports_go: false };
    let mut at = 0;
    while at < text.len() {
        let (line, next) = ends.line(text, at);
        if filter.line(&text[line]) == LineOutcome::Dropped {
            filter.edits.push((at..next, ""));
        }
        at = next;
    }
    edited(text, filter.edits)
}

/// The rest behind `prefix`, whatever its case.
fn after<'t>(line: &'t str, prefix: &str) -> Option<&'t str> {
    let head = line.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &line[prefix.len()..])
}

impl SdpFilter<'_, '_> {
    fn line(&mut self, line: &str) -> LineOutcome {
        // A lenient reader might overlook space in front.
        let line = line.trim_start();
        match line.as_bytes() {
            [b'a' | b'A', b'=', ..] => return self.attribute(line, line[2..].trim_start()),
            [b'c' | b'C', b'=', ..] => self.connection(line),
            [b'm' | b'M', b'=', ..] => self.medium(&line[2..]),
            [b'o' | b'O', b'=', ..] => self.origin(&line[2..]),
            _ => {}
        }
        LineOutcome::Passes
    }

    fn attribute(&mut self, line: &str, attribute: &str) -> LineOutcome {
        match attribute.as_bytes().first() {
            Some(b'c' | b'C') => match after(attribute, "candidate:") {
                Some(candidate) => judge(self.text, candidate, self.rule, &mut self.edits),
                None if after(attribute, "candidate").is_some() => LineOutcome::Dropped,
                None => LineOutcome::Passes,
            },
            Some(b'r' | b'R') if after(attribute, "remote-candidates").is_some() => LineOutcome::Dropped,
            Some(b'r' | b'R') => {
                if let Some(rtcp) = after(attribute, "rtcp:") {
                    let mut words = rtcp.split(' ').filter(|word| !word.is_empty()).skip(1);
                    if words.next().is_some() && !words.nth(1).is_some_and(|address| self.rule.tells(address)) {
                        self.edits.push((span_of(self.text, line), "a=rtcp:9 IN IP4 0.0.0.0"));
                    }
                }
                LineOutcome::Passes
            }
            _ => LineOutcome::Passes,
        }
    }

    fn medium(&mut self, medium: &str) {
        self.in_medium = true;
        let port = medium.split(' ').nth(1).filter(|port| !matches!(*port, "0" | "9"));
        self.port = port.map(|port| span_of(self.text, port));
        if self.ports_go {
            self.forget_port();
        }
    }

    /// A port without its address is that of nobody (RFC 8839 §4.2.1.2).
    fn forget_port(&mut self) {
        if let Some(port) = self.port.take() {
            self.edits.push((port, "9"));
        }
    }

    fn connection(&mut self, line: &str) {
        let address = line[2..].split(' ').filter(|word| !word.is_empty()).nth(2);
        let address = address.map(|address| address.split('/').next().unwrap_or_default());
        if address.is_some_and(|address| self.rule.tells(address)) {
            return;
        }
        self.ports_go |= !self.in_medium;
        self.forget_port();
        self.edits.push((span_of(self.text, line), "c=IN IP4 0.0.0.0"));
    }

    /// Nobody connects to it, but it tells where the description was made.
    fn origin(&mut self, origin: &str) {
        let mut words = origin.split(' ').filter(|word| !word.is_empty()).skip(4);
        let (Some(family), Some(address)) = (words.next(), words.next()) else { return };
        let tells_nothing = address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        if !tells_nothing && !self.rule.tells(address) {
            let nobody = if family.eq_ignore_ascii_case("IP6") { "::" } else { "0.0.0.0" };
            self.edits.push((span_of(self.text, address), nobody));
        }
    }
}
