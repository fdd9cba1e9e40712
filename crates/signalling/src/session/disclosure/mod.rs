//! Which addresses of one person's device another person's device is told of. Pure.
//!
//! A browser sends to every address that it is told, so a client that names addresses decides where another's browser
//! knocks. A client that is told addresses learns of the network behind them. Which of them pass depends on the two
//! people: see [`Disclosure::between`]. Nothing is copied unless something is left out.

mod address;
mod candidate;
mod sdp;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::role::Role;
use crate::room::Profile;
use crate::turn::{IceConfig, RelayOnly, RelayedAddresses};
use address::{AddressReach, reach_of};
use candidate::{LineOutcome, judge};
use sdp::LineEnds;

/// A part of a text, and what stands there instead.
type Edit = (Range<usize>, &'static str);

/// The addresses of one person that another may learn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disclosure<'r> {
    /// Addresses of a private network, and names that stand for them.
    private: bool,
    /// Addresses that a device has itself.
    host: bool,
    /// Any but relayed ones.
    direct: bool,
    /// Where relayed addresses of this house's TURN servers are, private or not.
    relays: &'r [RelayedAddresses],
}

/// The part of a description or a candidate that is passed on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PassedOn {
    /// All of it.
    Whole,
    /// This JSON instead.
    Less(String),
    /// Nothing: a candidate of which nothing would be left.
    Nothing,
}

/// Whether somebody belongs to a house. Family, interpreters and those who only watch are its guests.
fn is_staff(profile: &Profile) -> bool {
    matches!(profile.role, Role::Host | Role::Clinician)
}

impl<'r> Disclosure<'r> {
    /// The addresses of `from` that `to` may learn; somebody who is not known counts as a stranger.
    ///
    /// Without a TURN server people of one network could not meet otherwise, so private addresses pass. With one they
    /// pass among the staff of one organisation, and guests and the others meet by way of it.
    pub(super) fn between(from: Option<&Profile>, to: Option<&Profile>, ice: &'r IceConfig) -> Self {
        let relays = &ice.relays[..];
        if !ice.has_turn() {
            return Self { private: true, host: true, direct: true, relays };
        }
        let staff = |profile: Option<&Profile>| profile.is_some_and(is_staff);
        let organisation = |profile: Option<&Profile>| profile.and_then(|profile| profile.organisation);
        let among_staff = staff(from) && staff(to);
        let one_house = among_staff && organisation(from).is_some() && organisation(from) == organisation(to);
        let direct = match ice.relay_only {
            RelayOnly::Everybody => false,
            RelayOnly::Guests => among_staff,
            RelayOnly::Nobody => true,
        };
        Self { private: one_house, host: among_staff || !staff(from), direct, relays }
    }

    /// Whether an address that stands alone may be told: no candidate, or where one was made.
    fn tells(&self, address: &str) -> bool {
        let Ok(ip) = address.parse::<IpAddr>() else { return false };
        let reaches = match reach_of(ip) {
            AddressReach::Nowhere => ip.is_unspecified(),
            AddressReach::Private => self.private && self.host && self.direct,
            AddressReach::Public => self.host && self.direct,
        };
        reaches || self.relays.iter().any(|relay| relay.has_address(ip))
    }

    /// The part of a session description, a JSON string, that passes.
    pub(super) fn description(&self, raw: &str) -> PassedOn {
        let Some(inner) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) else {
            return PassedOn::Nothing;
        };
        if only_line_ends_are_escaped(inner) {
            return match sdp::filter(inner, LineEnds::Escaped, self) {
                Some(less) => PassedOn::Less(format!("\"{less}\"")),
                None => PassedOn::Whole,
            };
        }
        let Ok(text) = serde_json::from_str::<String>(raw) else { return PassedOn::Nothing };
        match sdp::filter(&text, LineEnds::Plain, self) {
            Some(less) => serde_json::to_string(&less).map_or(PassedOn::Nothing, PassedOn::Less),
            None => PassedOn::Whole,
        }
    }

    /// The part of a candidate, `null` or an object as `RTCIceCandidate.toJSON()` gives it, that passes. That no more
    /// candidates come always does.
    pub(super) fn candidate(&self, raw: &str) -> PassedOn {
        if raw == "null" {
            return PassedOn::Whole;
        }
        let Ok(object) = serde_json::from_str::<CandidateObject<'_>>(raw) else { return PassedOn::Nothing };
        let text = match object.candidate {
            None => return PassedOn::Whole,
            Some(text) => match content_of(text.get()) {
                Some(text) => text,
                None => return PassedOn::Nothing,
            },
        };
        if text.is_empty() {
            return PassedOn::Whole;
        }
        let Some(line) = text.strip_prefix("a=").unwrap_or(&text).strip_prefix("candidate:") else {
            return PassedOn::Nothing;
        };
        let mut edits = Vec::new();
        if judge(&text, line, self, &mut edits) == LineOutcome::Dropped {
            return PassedOn::Nothing;
        }
        match edited(&text, edits) {
            None => PassedOn::Whole,
            Some(less) => with_candidate(raw, less).map_or(PassedOn::Nothing, PassedOn::Less),
        }
    }
}

/// The one member that is looked into. A member that stands there twice cannot be read, and does not pass.
#[derive(Deserialize)]
struct CandidateObject<'a> {
    #[serde(borrow, default)]
    candidate: Option<&'a RawValue>,
}

/// The content of a JSON string, borrowed unless it has escapes.
fn content_of(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(raw).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

fn with_candidate(raw: &str, candidate: String) -> Option<String> {
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(raw).ok()?;
    object.insert("candidate".to_owned(), candidate.into());
    serde_json::to_string(&object).ok()
}

/// Whether a JSON string's content is what it stands for, but for the ends of lines.
fn only_line_ends_are_escaped(inner: &str) -> bool {
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        if !matches!(rest.as_bytes().get(at + 1), Some(b'r' | b'n')) {
            return false;
        }
        rest = &rest[at + 2..];
    }
    true
}

/// Where a part of a text stands in it.
fn span_of(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

/// The text with its edits; `None` without any.
fn edited(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(span, _)| span.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (span, instead) in edits {
        // An edit inside a part that was left out is left out with it.
        if span.start >= at {
            out.push_str(&text[at..span.start]);
            out.push_str(instead);
            at = span.end;
        }
    }
    out.push_str(&text[at..]);
    Some(out)
}
