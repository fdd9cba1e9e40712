//! The code of a document: when its consult was begun, which document it is, and a keyed hash of what stands on it.
//!
//! Eighteen characters of Crockford's base 32, in three groups, none of which is taken for another when it is read out or
//! copied by hand: 48 bits of time and 2 of the kind, by which it is found, and 40 bits of the hash, which nobody can make
//! without the network's key. A guess is right once in 10¹² tries, and tries are counted for each address.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::PaperKind;
use crate::consult::id::ConsultId;

/// Crockford's base 32: digits and letters without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of the half by which a document is found.
const PLACE_CHARS: usize = 10;
/// Characters of the half that proves it.
const PROOF_CHARS: usize = 8;
/// Characters of a group.
const GROUP_CHARS: usize = 6;
/// Bits of the id that a consult's number shows.
const NUMBER_BITS: u32 = 30;

/// The code that stands on a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaperCode {
    kind: PaperKind,
    /// When the consult was begun, in milliseconds since 1970.
    begun: u64,
    proof: u64,
}

fn written(value: u64, chars: usize) -> String {
    (0..chars).rev().map(|at| char::from(ALPHABET[(value >> (5 * at) & 31) as usize])).collect()
}

/// Reads what [`written`] wrote, as people copy it: in any case, with O for 0, and I or L for 1.
fn read(chars: &[char]) -> Option<u64> {
    chars.iter().try_fold(0_u64, |value, char| {
        let char = match char.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        let digit = ALPHABET.iter().position(|known| char::from(*known) == char)?;
        Some(value << 5 | u64::try_from(digit).ok()?)
    })
}

/// When a consult was begun: its id says so (RFC 9562 §5.7).
pub(super) fn begun_at(id: ConsultId) -> DateTime<Utc> {
    let millis = i64::try_from(id.0.as_u64_pair().0 >> 16).unwrap_or_default();
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// The end of a consult's id, as its number shows it.
pub(super) fn tail(id: ConsultId) -> String {
    let (_, low) = id.0.as_u64_pair();
    written(low & ((1 << NUMBER_BITS) - 1), GROUP_CHARS)
}

impl PaperCode {
    /// The code of a document of this consult, with the fingerprint, as hex, of what stands on it.
    pub(super) fn of(consult: ConsultId, kind: PaperKind, fingerprint: &str) -> Self {
        let proof = fingerprint.get(..PROOF_CHARS * 5 / 4).and_then(|hex| u64::from_str_radix(hex, 16).ok());
        Self { kind, begun: consult.0.as_u64_pair().0 >> 16, proof: proof.unwrap_or_default() }
    }

    /// Reads a code as somebody typed it, with its hyphens or without, or with the address before it.
    pub fn parse(typed: &str) -> Option<Self> {
        let last = typed.trim().rsplit(['=', '/', '#']).next().unwrap_or_default();
        let chars: Vec<char> = last.chars().filter(|c| !c.is_whitespace() && !"-–—－".contains(*c)).collect();
        if chars.len() != PLACE_CHARS + PROOF_CHARS {
            return None;
        }
        let (place, proof) = chars.split_at(PLACE_CHARS);
        let place = read(place)?;
        let kind = *PaperKind::ALL.get(usize::try_from(place & 3).ok()?)?;
        Some(Self { kind, begun: place >> 2, proof: read(proof)? })
    }

    pub(super) fn kind(&self) -> PaperKind {
        self.kind
    }

    /// The first and the last id that a consult of that moment may have (RFC 9562 §5.7: the time stands first).
    pub(super) fn between(&self) -> (ConsultId, ConsultId) {
        let id = |rest: u64, low: u64| ConsultId(Uuid::from_u64_pair(self.begun << 16 | rest, low));
        (id(0, 0), id(0xffff, u64::MAX))
    }
}

impl fmt::Display for PaperCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = PaperKind::ALL.iter().position(|kind| *kind == self.kind).unwrap_or_default() as u64;
        let all = written(self.begun << 2 | kind, PLACE_CHARS) + &written(self.proof, PROOF_CHARS);
        let (first, rest) = all.split_at(GROUP_CHARS);
        let (second, third) = rest.split_at(GROUP_CHARS);
        write!(f, "{first}-{second}-{third}")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_code_is_read_as_it_was_written(begun in 0..1_u64 << 48, kind in 0..3_usize, proof in 0..1_u64 << 40) {
            let code = PaperCode { kind: PaperKind::ALL[kind], begun, proof };
            let text = code.to_string();
            prop_assert_eq!(text.len(), 20);
            for typed in [text.clone(), text.to_lowercase(), text.replace('-', " "), format!("https://sanbao.test/verify?code={text}")] {
                prop_assert_eq!(PaperCode::parse(&typed), Some(code.clone()));
            }
            let misread = text.replace('0', "o").replace('1', "l");
            prop_assert_eq!(PaperCode::parse(&misread), Some(code.clone()));
        }

        #[test]
        fn nothing_typed_is_too_much(typed in ".*") {
            let _ = PaperCode::parse(&typed);
        }
    }

    #[test]
    fn what_is_no_code_is_none() {
        for typed in
            ["", "-", "0123456789ABCDEFG", "0123456789ABCDEFGHJ", "012345-678U9A-BCDEFG", "ÄÖÜÄÖÜ-ÄÖÜÄÖÜ-ÄÖÜÄÖÜ"]
        {
            assert_eq!(PaperCode::parse(typed), None, "{typed}");
        }
        // There are three kinds, and two bits have four values.
        let kind_of_none = written(3, PLACE_CHARS) + "00000000";
        assert_eq!(PaperCode::parse(&kind_of_none), None);
    }

    #[test]
    fn the_ids_of_a_moment_have_it_in_front() {
        let id = ConsultId::new("2026-11-30T06:30:00.123Z".parse().unwrap());
        let (first, last) = PaperCode::of(id, PaperKind::Opinion, &"f".repeat(64)).between();
        assert!(first < id && id < last);
        assert_eq!(begun_at(id).timestamp_millis(), 1_796_020_200_123);
    }
}
