//! National formats of China: identity papers, telephone numbers, names and areas, and the masks of each.
//!
//! Parsing happens once, at the border; what is inside holds the normalised value. The forms of pasted text and of
//! spreadsheets are forgiven where only one thing can be meant.

mod area_code;
mod gcj02;
mod name;
mod paper;
mod phone;
mod pinyin;
mod resident_id;

pub use area_code::{AREA_CODE_BYTES_MAX, AreaCodeFault, community_code, local_code, next_local_code, street_code};
pub use gcj02::MapPlace;
pub use name::{is_doubtful_name, mask_name, name_key, plain_name};
pub use paper::{PAPER_INDEX_DOMAIN, Paper, PaperDoubt, PaperKind, is_none_yet, is_rounded};
pub use phone::{DiallingCode, Phone, PhoneError, PhoneKind, mask_phone, phone_link};
pub use pinyin::readings;
pub use resident_id::{BLIND_INDEX_DOMAIN, ResidentId, ResidentIdError, mask_resident_id};

use crate::invisible::is_invisible;

/// Digits and letters as ASCII, without the spaces, the hyphens and the characters that nobody sees between them.
pub fn half_width(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !is_dash(*c) && !is_invisible(*c)).map(narrow).collect()
}

/// Every form of a hyphen or minus that programs put where a person typed `-`.
fn is_dash(letter: char) -> bool {
    matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}')
}

/// A full-width form of ASCII as ASCII.
fn narrow(letter: char) -> char {
    match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        other => other,
    }
}

/// The text with its middle starred: `head` characters before and `tail` behind stay. A short one is starred whole.
fn mask_middle(text: &str, head: usize, tail: usize) -> String {
    let count = text.chars().count();
    if count <= head + tail {
        return "*".repeat(count);
    }
    text.chars().enumerate().map(|(i, c)| if i < head || i >= count - tail { c } else { '*' }).collect()
}
