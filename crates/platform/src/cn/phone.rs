//! Telephone numbers as people type, paste and import them: mobiles, landlines, service numbers, and those of elsewhere.

use std::str::FromStr;

use super::{is_dash, mask_middle, narrow};
use crate::invisible::is_invisible;

/// Digits of an extension at most.
const EXTENSION_MAX: usize = 6;
/// The sign before the extension of a number abroad: its own groups may be parted by hyphens.
const ABROAD_EXTENSION: char = 'x';
/// The signs between a number and its extension; the longer ones come first.
const EXTENSION_SIGNS: [&str; 7] = ["分机", "转", "轉", "ext.", "ext", "x", "#"];

/// Why a telephone number is refused. Nothing of the number is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// A landline without its area code, where the network has none of its own.
    #[error("a landline number lacks its area code")]
    AreaCode,
    /// More than one number.
    #[error("more than one telephone number")]
    Several,
    /// A spreadsheet has kept it as a number: its last digits are lost.
    #[error("a spreadsheet has rounded the telephone number")]
    Rounded,
    /// No number that can be called.
    #[error("not a telephone number")]
    Format,
}

impl PhoneError {
    /// A stable code for reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::AreaCode => "phone_area_code",
            Self::Several => "phone_several",
            Self::Rounded => "phone_rounded",
            Self::Format => "phone_format",
        }
    }

    /// The advice how to mend it, in Chinese and in English.
    pub fn advice(self) -> (&'static str, &'static str) {
        match self {
            Self::AreaCode => ("座机请加上区号，例如 0574-86251234", "A landline needs its area code: 0574-86251234"),
            Self::Several => ("一格只填一个电话", "One telephone number only"),
            Self::Rounded => (
                "电话被表格软件当成数字截断了，请把该列设为文本后重新填写",
                "A spreadsheet has rounded this number: make its column text and type the number again",
            ),
            Self::Format => (
                "电话应为 11 位手机号、座机（可带分机）、400/800/95 开头的号码，或以 + 开头的境外号码",
                "A mobile of 11 digits, a landline (an extension may follow), 400, 800 or 95…, or a number abroad with its +",
            ),
        }
    }
}

/// The code of a landline's area (长途区号), with its leading zero: `010`, `021`, `0574`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiallingCode(String);

impl DiallingCode {
    /// The code that a number of digits begins with: 010 and 020 to 029 have three digits, all others four.
    fn of(number: &str) -> Option<&str> {
        let bytes = number.as_bytes();
        let length = match (bytes.first()?, bytes.get(1)?) {
            (b'0', b'1' | b'2') => 3,
            (b'0', b'3'..=b'9') => 4,
            _ => return None,
        };
        let code = number.get(..length)?;
        (code.starts_with("02") || code == "010" || length == 4).then_some(code)
    }

    /// As it is dialled.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DiallingCode {
    type Err = PhoneError;

    /// Reads a whole code and nothing else.
    fn from_str(text: &str) -> Result<Self, PhoneError> {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let code = Self::of(text).filter(|code| digits && code.len() == text.len());
        code.map(|code| Self(code.to_owned())).ok_or(PhoneError::Format)
    }
}

/// The kinds of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneKind {
    /// `13800138000`
    Mobile,
    /// `057486251234`, with its area code.
    Landline,
    /// `4008001234`, `8008001234`, `95588`
    Service,
    /// `+85223456789`
    Abroad,
}

/// A telephone number in the one form in which it is kept: digits, after a `+` when it is abroad, and `-803` (abroad
/// `x803`) behind where it has an extension. `Debug` shows its mask.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone {
    text: String,
    kind: PhoneKind,
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&mask_phone(&self.text))
    }
}

impl Phone {
    /// Parses what a person typed or pasted: spaces, hyphens and points, `+86`, full-width digits and characters that
    /// nobody sees are forgiven. A landline without its area code is of `own`, the network's.
    pub fn parse(text: &str, own: Option<&DiallingCode>) -> Result<Self, PhoneError> {
        let text = plain(text);
        if let Some((number, extension)) = EXTENSION_SIGNS.iter().find_map(|sign| text.split_once(sign)) {
            let extension: String = extension.chars().filter(|c| !matches!(c, '-' | ':')).collect();
            return Self::number(&number.replace('-', ""), own)?.with(&extension);
        }
        let groups: Vec<&str> = text.split('-').filter(|group| !group.is_empty()).collect();
        // A group behind a number that is whole already is its extension. Numbers abroad have any length, so that there it
        // must be named.
        if let Some((extension, number)) = groups.split_last().filter(|(last, _)| last.len() <= EXTENSION_MAX)
            && let Ok(number) = Self::number(&number.concat(), own)
            && number.kind != PhoneKind::Abroad
        {
            return number.with(extension);
        }
        Self::number(&groups.concat(), own)
    }

    /// Reads digits, perhaps after a `+`.
    fn number(text: &str, own: Option<&DiallingCode>) -> Result<Self, PhoneError> {
        let (abroad, digits) = match text.strip_prefix('+').or_else(|| text.strip_prefix("00")) {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(why(text));
        }
        match (abroad, digits.strip_prefix("86")) {
            (true, Some(national)) => {
                Self::national(national, own).or_else(|_| Self::national(&format!("0{national}"), own))
            }
            (true, None) if (7..=15).contains(&digits.len()) && !digits.starts_with('0') => {
                Ok(Self { text: format!("+{digits}"), kind: PhoneKind::Abroad })
            }
            (true, None) => Err(PhoneError::Format),
            (false, Some(national)) if is_mobile(national) => Self::national(national, own),
            (false, _) => Self::national(digits, own),
        }
    }

    /// Reads the digits of a number of this country.
    fn national(digits: &str, own: Option<&DiallingCode>) -> Result<Self, PhoneError> {
        let of = |kind| Ok(Self { text: digits.to_owned(), kind });
        if is_mobile(digits) {
            return of(PhoneKind::Mobile);
        }
        if is_service(digits) {
            return of(PhoneKind::Service);
        }
        if let Some(code) = DiallingCode::of(digits) {
            return if is_local(&digits[code.len()..], code) {
                of(PhoneKind::Landline)
            } else {
                Err(PhoneError::Format)
            };
        }
        match own {
            Some(own) if is_local(digits, &own.0) => {
                Ok(Self { text: format!("{}{digits}", own.0), kind: PhoneKind::Landline })
            }
            None if is_local(digits, "") => Err(PhoneError::AreaCode),
            _ => Err(PhoneError::Format),
        }
    }

    fn with(self, extension: &str) -> Result<Self, PhoneError> {
        let digits = extension.bytes().all(|b| b.is_ascii_digit());
        if extension.is_empty() || extension.len() > EXTENSION_MAX || !digits {
            return Err(why(extension));
        }
        let sign = if self.kind == PhoneKind::Abroad { ABROAD_EXTENSION } else { '-' };
        Ok(Self { text: format!("{}{sign}{extension}", self.text), ..self })
    }

    /// The one form in which it is kept, found and compared.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its kind.
    pub fn kind(&self) -> PhoneKind {
        self.kind
    }
}

/// Without what only separates or decorates; every hyphen and point is `-`.
fn plain(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && !is_invisible(*c)).map(narrow).collect();
    // A spreadsheet writes a number so, and a text that looks like one.
    let text = text.strip_prefix('=').unwrap_or(&text).trim_matches(['"', '\'']);
    let text = text.strip_suffix(".0").unwrap_or(text);
    let plain = text.chars().filter(|c| !matches!(c, '(' | ')'));
    plain.map(|c| if is_dash(c) || c == '.' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Why a text with more than digits in it is no number.
fn why(text: &str) -> PhoneError {
    let number = |text: &str| text.len() >= 5 && text.bytes().all(|b| b.is_ascii_digit());
    if text.split_once('e').is_some_and(|(_, exponent)| {
        !exponent.is_empty() && exponent.trim_start_matches('+').bytes().all(|b| b.is_ascii_digit())
    }) {
        return PhoneError::Rounded;
    }
    let several =
        text.split([',', '、', ';', '/', '|', '或', '和']).filter(|part| number(&part.replace('-', ""))).count() > 1;
    if several { PhoneError::Several } else { PhoneError::Format }
}

/// `^1[3-9]\d{9}$`
fn is_mobile(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    bytes.len() == 11 && bytes[0] == b'1' && (b'3'..=b'9').contains(&bytes[1])
}

/// 400 and 800 with seven digits behind; 95 and 96 with three to six.
fn is_service(digits: &str) -> bool {
    match digits.as_bytes() {
        [b'4' | b'8', b'0', b'0', ..] => digits.len() == 10,
        [b'9', b'5' | b'6', ..] => (5..=6).contains(&digits.len()),
        _ => false,
    }
}

/// A number within an area: eight digits where the code has three, else seven or eight; none begins with 0 or 1.
fn is_local(digits: &str, code: &str) -> bool {
    let length = if code.len() == 3 { digits.len() == 8 } else { matches!(digits.len(), 7 | 8) };
    length && digits.as_bytes().first().is_some_and(|first| (b'2'..=b'9').contains(first))
}

/// The address of a link that calls a kept number. Phones pause at a comma, then dial the extension; what RFC 3966 has for it
/// (`;ext=`) few of them know.
pub fn phone_link(text: &str) -> String {
    format!("tel:{}", text.replace(['-', ABROAD_EXTENSION], ","))
}

/// The first three and the last four digits: `138****1234`. An extension is not shown.
pub fn mask_phone(text: &str) -> String {
    mask_middle(text.split(['-', ABROAD_EXTENSION]).next().unwrap_or_default(), 3, 4)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn parse(text: &str) -> Result<(String, PhoneKind), PhoneError> {
        Phone::parse(text, Some(&"0574".parse().unwrap())).map(|phone| (phone.text, phone.kind))
    }

    #[test]
    fn what_people_type_becomes_one_form() {
        use PhoneKind::{Abroad, Landline, Mobile, Service};
        for (typed, kept, kind) in [
            ("138 0013 8000", "13800138000", Mobile),
            ("+86 13800138000", "13800138000", Mobile),
            ("8613800138000", "13800138000", Mobile),
            ("0086 138-0013-8000", "13800138000", Mobile),
            ("138−0013−8000", "13800138000", Mobile),
            ("138.0013.8000", "13800138000", Mobile),
            ("１３８００１３８０００", "13800138000", Mobile),
            ("\u{202d}13800138000\u{202c}", "13800138000", Mobile),
            ("\u{2060}13800138000", "13800138000", Mobile),
            ("13800138000\u{200e}", "13800138000", Mobile),
            ("13800138000.0", "13800138000", Mobile),
            ("=\"13800138000\"", "13800138000", Mobile),
            ("13800138000转1234", "13800138000-1234", Mobile),
            ("0574-86251234", "057486251234", Landline),
            ("(0574) 8625 1234", "057486251234", Landline),
            ("（０５７４）８６２５１２３４", "057486251234", Landline),
            ("0574-8625-1234", "057486251234", Landline),
            ("+86 574 86251234", "057486251234", Landline),
            ("86251234", "057486251234", Landline),
            ("8625-1234", "057486251234", Landline),
            ("0580-2012345", "05802012345", Landline),
            ("010-62345678", "01062345678", Landline),
            ("0574-86251234-803", "057486251234-803", Landline),
            ("0574-86251234转803", "057486251234-803", Landline),
            ("0574-86251234 转 803", "057486251234-803", Landline),
            ("0574-86251234分机803", "057486251234-803", Landline),
            ("0574 86251234 ext. 803", "057486251234-803", Landline),
            ("0574 86251234 x803", "057486251234-803", Landline),
            ("86251234-803", "057486251234-803", Landline),
            ("0580-2012345-8", "05802012345-8", Landline),
            ("0574-8625123-4", "05748625123-4", Landline),
            ("021-62345678-1", "02162345678-1", Landline),
            ("4008001234", "4008001234", Service),
            ("400-800-1234", "4008001234", Service),
            ("400 800 1234 转 5", "4008001234-5", Service),
            ("800-810-1234", "8008101234", Service),
            ("95588", "95588", Service),
            ("+852 2345 6789", "+85223456789", Abroad),
            ("00852-2345-6789", "+85223456789", Abroad),
            ("+853 2834 5678", "+85328345678", Abroad),
            ("+886 912 345 678", "+886912345678", Abroad),
            ("+1 (415) 555-0100", "+14155550100", Abroad),
            ("+852 2345 6789 转 803", "+85223456789x803", Abroad),
        ] {
            assert_eq!(parse(typed), Ok((kept.to_owned(), kind)), "{typed}");
            assert_eq!(parse(kept), Ok((kept.to_owned(), kind)), "what is kept is read as itself: {kept}");
        }
    }

    #[test]
    fn each_kind_of_mistake_is_named() {
        use PhoneError::{Format, Rounded, Several};
        for (typed, error) in [
            ("", Format),
            ("无", Format),
            ("110", Format),
            ("12345", Format),
            ("138001380001", Format),
            ("1380013800", Format),
            ("12800138000", Format),
            ("1380013800a", Format),
            ("0574-1234567", Format),
            ("021-6234567", Format),
            ("0113-2233445", Format),
            ("400800123", Format),
            ("0574-86251234-1234567", Format),
            ("0574-86251234转", Format),
            ("0574-86251234转八零三", Format),
            ("+", Format),
            ("+852", Format),
            ("+0852234567", Format),
            ("+1234567890123456", Format),
            ("1.38001E+10", Rounded),
            ("13800138000、13900139000", Several),
            ("13800138000/0574-86251234", Several),
            ("13800138000,13900139000", Several),
        ] {
            assert_eq!(parse(typed), Err(error), "{typed}");
        }
        assert_eq!(Phone::parse("86251234", None), Err(PhoneError::AreaCode));
        assert_eq!(Phone::parse("0574-86251234", None).unwrap().as_str(), "057486251234");
    }

    #[test]
    fn a_dialling_code_is_whole() {
        for code in ["010", "021", "029", "0574", "0310", "0999"] {
            assert_eq!(code.parse::<DiallingCode>().unwrap().as_str(), code);
        }
        for code in ["", "0", "574", "011", "02", "057", "05740", "1574", "0abc", "0５74"] {
            assert!(code.parse::<DiallingCode>().is_err(), "{code}");
        }
    }

    #[test]
    fn a_link_dials_the_extension_after_a_pause() {
        for (text, link) in [
            ("13800138000", "tel:13800138000"),
            ("057486251234-803", "tel:057486251234,803"),
            ("+85223456789x803", "tel:+85223456789,803"),
        ] {
            assert_eq!(phone_link(text), link);
        }
    }

    #[test]
    fn a_mask_shows_head_and_tail() {
        for (text, mask) in [
            ("13800138000", "138****8000"),
            ("057486251234-803", "057*****1234"),
            ("+85223456789x803", "+85*****6789"),
            ("95588", "*****"),
            ("1380", "****"),
        ] {
            assert_eq!(mask_phone(text), mask);
        }
        assert_eq!(format!("{:?}", Phone::parse("13800138000", None).unwrap()), "138****8000");
    }
}
