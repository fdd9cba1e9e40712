//! One candidate line (RFC 8839 §5.1), with or without `a=` before it.

use std::net::IpAddr;

use super::address::{AddressReach, reach_of};
use super::{Disclosure, Edit, span_of};

/// The end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineOutcome {
    /// It passes, perhaps with the edits that were noted.
    Passes,
    /// It is left out.
    Dropped,
}

/// The types of RFC 8839 §5.1.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CandidateType {
    Host,
    Reflexive,
    Relayed,
}

fn candidate_type(word: &str) -> Option<CandidateType> {
    match word {
        "host" => Some(CandidateType::Host),
        "srflx" | "prflx" => Some(CandidateType::Reflexive),
        "relay" => Some(CandidateType::Relayed),
        _ => None,
    }
}

/// Whether a name is one that a browser gives its own address: a UUID below `.local`
/// (draft-ietf-mmusic-mdns-ice-candidates §3.1.1). Any other name would have the other side ask its resolver.
fn is_hidden_name(word: &str) -> bool {
    let Some((name, domain)) = word.split_once('.') else { return false };
    domain.eq_ignore_ascii_case("local") && name.len() == 36 && uuid::Uuid::try_parse(name).is_ok()
}

/// Judges what stands behind `candidate:`; `text` is the whole of which `line` is a part, and what `edits` count in.
pub(super) fn judge(text: &str, line: &str, rule: &Disclosure<'_>, edits: &mut Vec<Edit>) -> LineOutcome {
    if line.chars().any(|c| c.is_control() || c == '\\') {
        return LineOutcome::Dropped;
    }
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let (Some(_), Some(_), Some(_), Some(_), Some(address), Some(port), Some(typ), Some(kind)) = (
        words.next(),
        words.next(),
        words.next(),
        words.next(),
        words.next(),
        words.next(),
        words.next(),
        words.next(),
    ) else {
        return LineOutcome::Dropped;
    };
    let (Ok(port), Some(kind)) = (port.parse::<u16>(), candidate_type(kind)) else { return LineOutcome::Dropped };
    if !typ.eq_ignore_ascii_case("typ") || port == 0 || !passes(rule, address, port, kind) {
        return LineOutcome::Dropped;
    }
    let before = edits.len();
    while let Some(word) = words.next() {
        // Where the candidate was made: seen from there it is a host candidate, or a reflexive one.
        if word.eq_ignore_ascii_case("raddr") {
            let Some(related) = words.next() else { break };
            if !rule.tells(related) {
                let nobody = if related.contains(':') { "::" } else { "0.0.0.0" };
                edits.push((span_of(text, related), nobody));
            }
        } else if word.eq_ignore_ascii_case("rport") && edits.len() > before {
            let Some(port) = words.next() else { break };
            edits.push((span_of(text, port), "0"));
        }
    }
    LineOutcome::Passes
}

fn passes(rule: &Disclosure<'_>, address: &str, port: u16, kind: CandidateType) -> bool {
    match kind {
        CandidateType::Host if !rule.host => return false,
        CandidateType::Host | CandidateType::Reflexive if !rule.direct => return false,
        _ => {}
    }
    match address.parse::<IpAddr>() {
        Ok(ip) => {
            let own = kind == CandidateType::Relayed && rule.relays.iter().any(|r| r.has(ip, port));
            own || match reach_of(ip) {
                AddressReach::Nowhere => false,
                AddressReach::Private => rule.private,
                AddressReach::Public => true,
            }
        }
        Err(_) => rule.private && kind == CandidateType::Host && is_hidden_name(address),
    }
}
