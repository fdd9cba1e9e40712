//! What people type, parsed at the border: national ids, telephone numbers, names, log-ins.
//!
//! Every parser forgives what pasting does (spaces, hyphens, full-width digits) and says in both
//! languages how to mend the rest. `Debug` of what identifies somebody shows the mask only.

use std::borrow::Cow;
use std::fmt;

use chrono::{Datelike as _, NaiveDate};
use sanbao_platform::auth::PASSWORD_BYTES_MAX;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::problem::{FieldError, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The domain of the blind index of national ids; the same in every service.
pub const NATIONAL_ID_DOMAIN: &str = "national_id";
/// A shorter password is refused.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// The first year a national id may name.
const BIRTH_YEAR_MIN: i32 = 1880;

/// What is wrong with a value and how to mend it; never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// In Chinese.
    pub zh: Cow<'static, str>,
    /// In English.
    pub en: Cow<'static, str>,
}

impl Wrong {
    /// A fixed sentence in both languages.
    pub const fn new(zh: &'static str, en: &'static str) -> Self {
        Self { zh: Cow::Borrowed(zh), en: Cow::Borrowed(en) }
    }
}

/// Collects the wrong fields of one request, so that all are told at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// The value, or `None` with the error noted at `pointer`.
    pub fn take<T>(&mut self, pointer: &str, parsed: Result<T, Wrong>) -> Option<T> {
        parsed.map_err(|wrong| self.0.push(FieldError::new(pointer, wrong.zh, wrong.en))).ok()
    }

    /// The same for a field that may be left out or empty.
    pub fn maybe<T>(
        &mut self,
        pointer: &str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let text = text.map(str::trim).filter(|t| !t.is_empty())?;
        self.take(pointer, parse(text))
    }

    /// Goes on when nothing was wrong.
    pub fn done(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }

    /// The values of a finished form, or everything that was wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.done()?;
        value.ok_or_else(|| Problem::internal("a field was refused without saying why"))
    }
}

/// Sex as the national id tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Sex {
    /// 男
    Male,
    /// 女
    Female,
    /// Not told.
    #[default]
    Unknown,
}

impl Sex {
    /// As it is stored and published.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Male => "male",
            Self::Female => "female",
            Self::Unknown => "unknown",
        }
    }
}

/// Digits and letters as ASCII, without the spaces and hyphens that people put between them.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{200b}' | '\u{feff}'))
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            c => c,
        })
        .collect()
}

/// A citizen's identity number (GB 11643-1999), with its check digit and birth date verified.
#[derive(Clone, PartialEq, Eq)]
pub struct NationalId {
    text: String,
    birth_date: NaiveDate,
}

impl fmt::Debug for NationalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NationalId({})", self.masked())
    }
}

/// The weights of the first 17 digits (GB 11643-1999, from ISO 7064 MOD 11-2).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// The check character for each remainder.
const CHECKS: &[u8; 11] = b"10X98765432";

/// The check character of the first 17 digits.
fn check_character(digits: &[u8]) -> u8 {
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(d, weight)| u32::from(d.saturating_sub(b'0')) * weight).sum();
    CHECKS[(sum % 11) as usize]
}

impl NationalId {
    /// Parses what was typed; `today` bounds the birth date. A lower-case `x` is taken.
    pub fn parse(typed: &str, today: NaiveDate) -> Result<Self, Wrong> {
        let text = plain(typed).to_ascii_uppercase();
        let bytes = text.as_bytes();
        if bytes.len() != 18 || !bytes[..17].iter().all(u8::is_ascii_digit) {
            return Err(Wrong::new(
                "身份证号应为 18 位:17 位数字加 1 位校验码",
                "A national id has 18 characters: 17 digits and a check character",
            ));
        }
        if bytes.get(17) != Some(&check_character(bytes)) {
            return Err(Wrong::new(
                "身份证号的校验码不对,请逐位核对",
                "The check character does not fit; compare the number digit by digit",
            ));
        }
        let number = |range: std::ops::Range<usize>| text.get(range).and_then(|t| t.parse::<u32>().ok()).unwrap_or(0);
        let year = i32::try_from(number(6..10)).unwrap_or(0);
        let birth_date = NaiveDate::from_ymd_opt(year, number(10..12), number(12..14))
            .filter(|date| date.year() >= BIRTH_YEAR_MIN && *date <= today)
            .ok_or(Wrong::new("身份证号里的出生日期不存在", "The birth date in the number does not exist"))?;
        Ok(Self { text, birth_date })
    }

    /// The number that begins with these 17 digits: for invented people.
    pub(super) fn with_check(digits: &str, today: NaiveDate) -> Result<Self, Wrong> {
        Self::parse(&format!("{digits}{}", char::from(check_character(digits.as_bytes()))), today)
    }

    /// The number itself: for sealing and for the audited reveal only.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The birth date (characters 7 to 14).
    pub fn birth_date(&self) -> NaiveDate {
        self.birth_date
    }

    /// The sex: character 17 is odd for men.
    pub fn sex(&self) -> Sex {
        if self.text.as_bytes().get(16).is_some_and(|digit| digit % 2 == 1) { Sex::Male } else { Sex::Female }
    }

    /// `330211********1234`.
    pub fn masked(&self) -> String {
        mask(&self.text, 6, 4)
    }

    /// The blind index by which it is found again.
    pub fn index(&self, keys: &FieldKeys) -> String {
        keys.blind_index(NATIONAL_ID_DOMAIN, &self.text)
    }
}

/// A mobile number of mainland China: `^1[3-9]\d{9}$`.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

impl Phone {
    /// Parses what was typed; a leading `+86` or `0086` is dropped.
    pub fn parse(typed: &str) -> Result<Self, Wrong> {
        let text = plain(typed);
        let digits = text.strip_prefix("+86").or_else(|| text.strip_prefix("0086")).unwrap_or(&text);
        let bytes = digits.as_bytes();
        let fits = bytes.len() == 11
            && bytes[0] == b'1'
            && (b'3'..=b'9').contains(&bytes[1])
            && bytes.iter().all(u8::is_ascii_digit);
        if fits {
            Ok(Self(digits.to_owned()))
        } else {
            Err(Wrong::new(
                "手机号应为 11 位数字,以 13 到 19 开头",
                "A mobile number has 11 digits and starts with 13 to 19",
            ))
        }
    }

    /// The number itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `138****1234`.
    pub fn masked(&self) -> String {
        mask(&self.0, 3, 4)
    }
}

/// Keeps the first `head` and last `tail` characters; a text too short to hide anything is hidden whole.
pub fn mask(text: &str, head: usize, tail: usize) -> String {
    let count = text.chars().count();
    if count <= head + tail {
        return "*".repeat(count);
    }
    let first: String = text.chars().take(head).collect();
    let last: String = text.chars().skip(count - tail).collect();
    format!("{first}{}{last}", "*".repeat(count - head - tail))
}

/// The mask of a name: `张**`.
pub fn mask_name(name: &str) -> String {
    let rest = name.chars().count().saturating_sub(1);
    name.chars().take(1).chain(std::iter::repeat_n('*', rest)).collect()
}

/// One line of text of 1 to `chars_max` characters, trimmed, without control characters.
pub fn line(typed: &str, chars_max: usize) -> Result<String, Wrong> {
    let text = typed.trim();
    if text.is_empty() {
        return Err(Wrong::new("必填", "This field is required"));
    }
    if text.chars().count() > chars_max {
        return Err(Wrong {
            zh: format!("最多 {chars_max} 个字").into(),
            en: format!("{chars_max} characters at most").into(),
        });
    }
    if text.chars().any(char::is_control) {
        return Err(Wrong::new("不能有换行或控制字符", "No line breaks or control characters"));
    }
    Ok(text.to_owned())
}

/// A log-in name: 3 to 40 lower-case letters, digits, dots, hyphens and underscores.
pub fn login(typed: &str) -> Result<String, Wrong> {
    let text = plain_login(typed);
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if (3..=40).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text)
    } else {
        Err(Wrong::new(
            "用户名为 3 到 40 个小写字母、数字、点、横线或下划线",
            "3 to 40 lower-case letters, digits, dots, hyphens or underscores",
        ))
    }
}

/// A log-in name as it is looked up: trimmed and lower-case, so that a tablet's capital does no harm.
pub fn plain_login(typed: &str) -> String {
    typed.trim().to_lowercase()
}

/// A new password: at least [`PASSWORD_CHARS_MIN`] characters (NIST SP 800-63B: length, no composition rules).
pub fn password(typed: &str) -> Result<String, Wrong> {
    if typed.chars().count() < PASSWORD_CHARS_MIN {
        return Err(Wrong::new("密码至少 8 个字符", "A password has at least 8 characters"));
    }
    if typed.len() > PASSWORD_BYTES_MAX {
        return Err(Wrong::new("密码太长(最多 256 字节)", "The password is too long (256 bytes at most)"));
    }
    Ok(typed.to_owned())
}

/// A PIN: 4 to 8 digits.
pub fn pin(typed: &str) -> Result<String, Wrong> {
    let text = plain(typed);
    if (4..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text)
    } else {
        Err(Wrong::new("PIN 为 4 到 8 位数字", "A PIN has 4 to 8 digits"))
    }
}

/// An area's code: 2 to 40 ASCII letters, digits, dots and hyphens; what it names is another service's knowledge.
pub fn area_code(typed: &str) -> Result<String, Wrong> {
    let text = typed.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if (2..=40).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(Wrong::new("区域代码不对", "Not an area code"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 23).unwrap()
    }

    #[test]
    fn a_national_id_is_read_checked_and_masked() {
        let id = NationalId::parse(" 11010519491231002x ", today()).unwrap();
        assert_eq!(id.reveal(), "11010519491231002X");
        assert_eq!(id.birth_date(), NaiveDate::from_ymd_opt(1949, 12, 31).unwrap());
        assert_eq!(id.sex(), Sex::Female);
        assert_eq!(id.masked(), "110105********002X");
        assert_eq!(format!("{id:?}"), "NationalId(110105********002X)");
        assert_eq!(NationalId::parse("110105 19491231 002X", today()).unwrap(), id);
        assert_eq!(NationalId::parse("11010519491231002X", today()).unwrap(), id);
    }

    #[test]
    fn every_changed_digit_is_noticed() {
        let good = "11010519491231002X";
        for place in 0..17 {
            for digit in b'0'..=b'9' {
                let mut bytes = good.as_bytes().to_vec();
                if bytes[place] == digit {
                    continue;
                }
                bytes[place] = digit;
                assert!(NationalId::parse(std::str::from_utf8(&bytes).unwrap(), today()).is_err(), "{place} {digit}");
            }
        }
    }

    #[test]
    fn a_birth_date_must_exist_and_be_past() {
        let with_check = |body: &str| format!("{body}{}", char::from(check_character(body.as_bytes())));
        for body in ["33021119490231001", "33021120261124001", "33021117990101001", "33021119491301001"] {
            let wrong = NationalId::parse(&with_check(body), today()).unwrap_err();
            assert!(wrong.en.contains("birth date"), "{body}: {wrong:?}");
        }
        assert!(NationalId::parse(&with_check("33021120261123001"), today()).is_ok(), "born today");
        for text in ["", "1", "三三〇", "33021119490101001", "'; drop table person; --", "1101051949123100XX"] {
            assert!(NationalId::parse(text, today()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_mobile_number_is_read_as_people_paste_it() {
        for text in ["13812345678", "138 1234 5678", "138-1234-5678", "+86 13812345678", "13812345678"] {
            assert_eq!(Phone::parse(text).unwrap().as_str(), "13812345678", "{text}");
        }
        assert_eq!(Phone::parse("13812345678").unwrap().masked(), "138****5678");
        for text in ["", "12812345678", "1381234567", "138123456789", "1381234567a", "0574-8627"] {
            assert!(Phone::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn masks_hide_and_lines_are_bounded() {
        assert_eq!(mask_name("张大爷"), "张**");
        assert_eq!(mask("1234", 3, 4), "****");
        assert!(line("  ", 10).is_err());
        assert!(line("a\nb", 10).is_err());
        assert!(line(&"长".repeat(11), 10).is_err());
        assert_eq!(line(" 王 ", 10).unwrap(), "王");
        assert_eq!(login(" Li.Ming ").unwrap(), "li.ming");
        assert!(login("<script>").is_err());
        assert!(pin("12").is_err() && pin("123456789").is_err() && pin("12a4").is_err());
        assert_eq!(pin("1234").unwrap(), "1234");
    }
}
