//! National formats of China: resident identity numbers, telephone numbers, and the masks of both.
//!
//! Parsing happens once, at the border; what is inside holds the normalised value.

use chrono::{Datelike as _, NaiveDate};

use crate::crypto::FieldKeys;

/// The weights of the first 17 digits (GB 11643-1999, after ISO 7064 MOD 11-2).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// The check character for each remainder.
const CHECKS: &[u8; 11] = b"10X98765432";
/// Nobody alive was born before this year.
const BIRTH_YEAR_MIN: i32 = 1880;

/// The domain of the blind index of resident ids: the same in every service, so that one person is
/// found again across them.
pub const BLIND_INDEX_DOMAIN: &str = "national_id";

/// Why a resident identity number is refused. Nothing of the number is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResidentIdError {
    /// Not 18 characters.
    #[error("a resident id has 18 characters")]
    Length,
    /// Something else than digits and a final X.
    #[error("a resident id has digits and perhaps a final X")]
    Characters,
    /// Digits 7 to 14 are no day on which a living person was born.
    #[error("the birth date in the resident id does not exist")]
    BirthDate,
    /// The last character does not fit the others: a digit was mistyped.
    #[error("the check digit of the resident id does not fit")]
    CheckDigit,
}

impl ResidentIdError {
    /// A stable code for reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Length => "national_id_length",
            Self::Characters => "national_id_characters",
            Self::BirthDate => "national_id_birth_date",
            Self::CheckDigit => "national_id_check_digit",
        }
    }

    /// The advice how to mend it, in Chinese and in English.
    pub fn advice(self) -> (&'static str, &'static str) {
        match self {
            Self::Length => ("身份证号应为 18 位", "A resident id has 18 characters"),
            Self::Characters => {
                ("身份证号只能是数字，最后一位可为 X", "A resident id has digits and perhaps a final X")
            }
            Self::BirthDate => ("身份证号中的出生日期不存在", "The birth date in this resident id does not exist"),
            Self::CheckDigit => {
                ("身份证号校验位不对，请核对是否输错", "The check digit does not fit; please compare the number")
            }
        }
    }
}

/// A resident identity number (公民身份号码) with a right check digit. `Debug` shows its mask.
#[derive(Clone, PartialEq, Eq)]
pub struct ResidentId {
    text: String,
    birth_date: NaiveDate,
}

impl std::fmt::Debug for ResidentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.masked())
    }
}

impl ResidentId {
    /// Parses what a person typed: spaces and full-width digits are forgiven, `x` becomes `X`.
    /// `today` bounds the birth date.
    pub fn parse(text: &str, today: NaiveDate) -> Result<Self, ResidentIdError> {
        let text = half_width(text).to_ascii_uppercase();
        if text.chars().count() != 18 {
            return Err(ResidentIdError::Length);
        }
        let (digits, check) = match text.as_bytes().split_last_chunk::<1>() {
            Some((digits, [check])) if digits.len() == 17 => (digits, *check),
            _ => return Err(ResidentIdError::Characters),
        };
        if !digits.iter().all(u8::is_ascii_digit) || !(check.is_ascii_digit() || check == b'X') {
            return Err(ResidentIdError::Characters);
        }
        let birth_date = NaiveDate::parse_from_str(&text[6..14], "%Y%m%d")
            .ok()
            .filter(|d| d.year() >= BIRTH_YEAR_MIN && *d <= today)
            .ok_or(ResidentIdError::BirthDate)?;
        if check_character(digits) != check {
            return Err(ResidentIdError::CheckDigit);
        }
        Ok(Self { text, birth_date })
    }

    /// The number of a place code (6 digits), a birth date and a sequence (odd: male) with its check
    /// digit; `None` when the parts do not make one. For invented people.
    pub fn compose(place: &str, birth_date: NaiveDate, sequence: u16) -> Option<Self> {
        let body = format!("{place}{}{sequence:03}", birth_date.format("%Y%m%d"));
        let whole = format!("{body}{}", char::from(check_character(body.as_bytes())));
        Self::parse(&whole, NaiveDate::MAX).ok()
    }

    /// The normalised number.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The date of birth it holds.
    pub fn birth_date(&self) -> NaiveDate {
        self.birth_date
    }

    /// Whether its 17th digit is odd.
    pub fn is_male(&self) -> bool {
        self.text.as_bytes()[16] % 2 == 1
    }

    /// The first six and the last four characters.
    pub fn masked(&self) -> String {
        mask_resident_id(&self.text)
    }

    /// The blind index by which its holder is found again.
    pub fn index(&self, keys: &FieldKeys) -> String {
        keys.blind_index(BLIND_INDEX_DOMAIN, &self.text)
    }
}

fn check_character(digits: &[u8]) -> u8 {
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(d, w)| u32::from(d.saturating_sub(b'0')) * w).sum();
    CHECKS[(sum % 11) as usize]
}

/// A telephone number is refused: neither a mobile nor a landline with its area code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a telephone number of this country")]
pub struct PhoneError;

/// A telephone number: a mobile of 11 digits, or a landline with its area code. `Debug` shows its mask.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&mask_phone(&self.0))
    }
}

impl Phone {
    /// Parses what a person typed: spaces, hyphens, `+86` and full-width digits are forgiven.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let text: String = half_width(text).chars().filter(|c| !matches!(c, '(' | ')')).collect();
        let national = text.strip_prefix("+86").or_else(|| text.strip_prefix("0086"));
        let text = national.unwrap_or(&text).to_owned();
        let bytes = text.as_bytes();
        let digits = bytes.iter().all(u8::is_ascii_digit);
        let mobile = bytes.len() == 11 && bytes[0] == b'1' && (b'3'..=b'9').contains(&bytes[1]);
        let landline = (10..=12).contains(&bytes.len()) && bytes[0] == b'0' && bytes[1] != b'0';
        if digits && (mobile || landline) { Ok(Self(text)) } else { Err(PhoneError) }
    }

    /// The normalised number: digits only.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a mobile: `^1[3-9]\d{9}$`.
    pub fn is_mobile(&self) -> bool {
        self.0.starts_with('1')
    }
}

/// Digits and letters as ASCII, without the spaces and hyphens that people put between them.
pub fn half_width(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{200b}' | '\u{feff}'))
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            other => other,
        })
        .collect()
}

/// The first six and the last four characters: `330211********1234`.
pub fn mask_resident_id(text: &str) -> String {
    mask_middle(text, 6, 4)
}

/// The first three and the last four digits: `138****1234`.
pub fn mask_phone(text: &str) -> String {
    mask_middle(text, 3, 4)
}

/// The family name, and a star for each further character: `张**`.
pub fn mask_name(text: &str) -> String {
    text.chars().enumerate().map(|(i, c)| if i == 0 { c } else { '*' }).take(4).collect()
}

fn mask_middle(text: &str, head: usize, tail: usize) -> String {
    let count = text.chars().count();
    if count <= head + tail {
        return "*".repeat(count);
    }
    text.chars().enumerate().map(|(i, c)| if i < head || i >= count - tail { c } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 23).unwrap()
    }

    #[test]
    fn a_resident_id_has_its_check_digit() {
        // The example of GB 11643-1999 itself, and forms that people type.
        for text in [
            "11010519491231002X",
            "11010519491231002x",
            " 110105 19491231 002X",
            "110105-19491231-002X",
            "11010519491231002X",
        ] {
            let id = ResidentId::parse(text, today()).unwrap();
            assert_eq!(id.as_str(), "11010519491231002X");
            assert_eq!(id.birth_date(), NaiveDate::from_ymd_opt(1949, 12, 31).unwrap());
            assert!(!id.is_male());
            assert_eq!(id.masked(), "110105********002X");
            assert_eq!(format!("{id:?}"), "110105********002X");
        }
    }

    #[test]
    fn each_kind_of_mistake_is_named() {
        for (text, error) in [
            ("", ResidentIdError::Length),
            ("1101051949123100", ResidentIdError::Length),
            ("110105194912310021", ResidentIdError::CheckDigit),
            ("110105491231002", ResidentIdError::Length),
            ("1101051949123100AX", ResidentIdError::Characters),
            ("11010519490231002X", ResidentIdError::BirthDate),
            ("11010520991231002X", ResidentIdError::BirthDate),
            ("11010517001231002X", ResidentIdError::BirthDate),
            ("一一〇一〇五一九四九一二三一〇〇二X", ResidentIdError::Characters),
        ] {
            assert_eq!(ResidentId::parse(text, today()), Err(error), "{text}");
        }
    }

    #[test]
    fn one_wrong_digit_or_two_swapped_neighbours_never_pass() {
        let good = "11010519491231002X";
        for place in 0..17 {
            for digit in b'0'..=b'9' {
                let mut bytes = good.as_bytes().to_vec();
                if bytes[place] != digit {
                    bytes[place] = digit;
                    assert!(ResidentId::parse(std::str::from_utf8(&bytes).unwrap(), today()).is_err());
                }
            }
        }
        for place in 0..16 {
            let mut bytes = good.as_bytes().to_vec();
            bytes.swap(place, place + 1);
            let swapped = String::from_utf8(bytes).unwrap();
            assert!(swapped == good || ResidentId::parse(&swapped, today()).is_err(), "{place}");
        }
    }

    #[test]
    fn an_invented_number_is_a_right_one() {
        let id = ResidentId::compose("330211", NaiveDate::from_ymd_opt(1940, 1, 2).unwrap(), 7).unwrap();
        assert_eq!(ResidentId::parse(id.as_str(), today()), Ok(id.clone()));
        assert!(id.is_male());
        assert_eq!(ResidentId::compose("33021", NaiveDate::from_ymd_opt(1940, 1, 2).unwrap(), 7), None);
    }

    #[test]
    fn telephones_are_normalised_and_masked() {
        for (text, digits) in [
            ("138 0013 8000", "13800138000"),
            ("+86 13800138000", "13800138000"),
            ("0086 138-0013-8000", "13800138000"),
            ("0574-86251234", "057486251234"),
            ("138001380001", ""),
            ("12800138000", ""),
            ("86251234", ""),
            ("1380013800a", ""),
            ("", ""),
        ] {
            assert_eq!(Phone::parse(text).ok().map(|p| p.0), (!digits.is_empty()).then(|| digits.to_owned()), "{text}");
        }
        assert_eq!(mask_phone("13800138000"), "138****8000");
        assert_eq!(mask_phone("1380"), "****");
        assert_eq!(mask_name("张建国"), "张**");
        assert_eq!(mask_name(""), "");
    }
}
