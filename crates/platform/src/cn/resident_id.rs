//! Resident identity numbers (公民身份号码, GB 11643-1999), and those of residence permits, which are made alike.

use chrono::{Datelike as _, NaiveDate};

use super::{half_width, mask_middle};
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
    /// Neither 18 characters nor the 15 of before 1999.
    #[error("a resident id has 18 characters")]
    Length,
    /// A spreadsheet has kept it as a number: 15 digits of it are right at most, the others are lost.
    #[error("a spreadsheet has rounded the resident id")]
    Rounded,
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
            Self::Rounded => "national_id_rounded",
            Self::Characters => "national_id_characters",
            Self::BirthDate => "national_id_birth_date",
            Self::CheckDigit => "national_id_check_digit",
        }
    }

    /// The advice how to mend it, in Chinese and in English.
    pub fn advice(self) -> (&'static str, &'static str) {
        match self {
            Self::Length => ("身份证号应为 18 位", "A resident id has 18 characters"),
            Self::Rounded => (
                "身份证号被表格软件当成数字截断了，请把该列设为文本后重新填写",
                "A spreadsheet has rounded this number: make its column text and type the number again",
            ),
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
    /// Parses what a person typed: spaces, full-width digits and characters that nobody sees are forgiven, `x` becomes
    /// `X`. A number of 15 digits, as it was given out until 1999, becomes the 18 of the same person.
    /// `today` bounds the birth date.
    pub fn parse(text: &str, today: NaiveDate) -> Result<Self, ResidentIdError> {
        let text = half_width(text).to_ascii_uppercase();
        if is_scientific(&text) {
            return Err(ResidentIdError::Rounded);
        }
        let text = if text.len() == 15 { lengthened(&text)? } else { text };
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
        // Of a number that a spreadsheet has kept the last three digits are zeros.
        let refused = |error| if text.ends_with("000") { ResidentIdError::Rounded } else { error };
        let birth_date = NaiveDate::parse_from_str(&text[6..14], "%Y%m%d")
            .ok()
            .filter(|d| d.year() >= BIRTH_YEAR_MIN && *d <= today)
            .ok_or_else(|| refused(ResidentIdError::BirthDate))?;
        if check_character(digits) != check {
            return Err(refused(ResidentIdError::CheckDigit));
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

/// A number as spreadsheets show a long one: `3.30211E+17`.
pub(super) fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once('E') else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(exponent.strip_prefix('+').unwrap_or(exponent)) && digits(&mantissa.replacen('.', "", 1))
}

/// The 18 characters of a number of 15 digits: the century is put in, and the check character behind. People born before
/// 1900 had one of the last four sequence numbers (GB 11643-1989).
fn lengthened(text: &str) -> Result<String, ResidentIdError> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ResidentIdError::Length);
    }
    let century = if matches!(&text[12..], "996" | "997" | "998" | "999") { "18" } else { "19" };
    let body = format!("{}{century}{}", &text[..6], &text[6..]);
    let check = char::from(check_character(body.as_bytes()));
    Ok(format!("{body}{check}"))
}

fn check_character(digits: &[u8]) -> u8 {
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(d, w)| u32::from(d.saturating_sub(b'0')) * w).sum();
    CHECKS[(sum % 11) as usize]
}

/// The first six and the last four characters: `330211********1234`.
pub fn mask_resident_id(text: &str) -> String {
    mask_middle(text, 6, 4)
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
            ("E12345678", ResidentIdError::Length),
            ("11010549123100A", ResidentIdError::Length),
            ("110105491331002", ResidentIdError::BirthDate),
            ("1.10105E+17", ResidentIdError::Rounded),
            ("1.1e17", ResidentIdError::Rounded),
            ("110105194912310000", ResidentIdError::Rounded),
            ("110105194912310021", ResidentIdError::CheckDigit),
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
    fn an_old_number_is_the_same_persons() {
        for (old, new) in [
            ("110105491231002", "11010519491231002X"),
            ("330211350101123", "330211193501011230"),
            ("110105 991231998", "110105189912319981"),
        ] {
            let id = ResidentId::parse(old, today()).unwrap();
            assert_eq!(id.as_str()[..17], new[..17], "{old}");
            assert_eq!(ResidentId::parse(id.as_str(), today()), Ok(id.clone()), "{old}");
        }
    }

    #[test]
    fn a_residence_permit_is_made_alike() {
        for place in ["810000", "820000", "830000"] {
            let permit = ResidentId::compose(place, NaiveDate::from_ymd_opt(1951, 3, 4).unwrap(), 16).unwrap();
            assert_eq!(ResidentId::parse(permit.as_str(), today()), Ok(permit.clone()));
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
}
