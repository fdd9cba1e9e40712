//! Passwords and PINs that people choose: long enough, and none that a guesser tries first.
//!
//! As NIST SP 800-63B §3.1.1.2 asks: at least 8 characters, room for far more than 64, no rules of composition, and a
//! comparison with what is common and with what the account is called. What the demo seeds is exempt: it is known to all.

use std::collections::HashSet;
use std::sync::LazyLock;

use chrono::{Datelike as _, NaiveDate};
use sanbao_platform::auth::PASSWORD_BYTES_MAX;
use sanbao_platform::cn::{Phone, PhoneKind, half_width};

use super::input::Wrong;

/// A shorter password is refused.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Digits beside a common word that make no secret of it.
const TAIL_DIGITS_MAX: usize = 6;
/// The longest part whose repetition is no secret either.
const REPEATED_CHARS_MAX: usize = 4;

/// Rows of keyboards and keypads, and the alphabet: a walk along one is no choice.
const ROWS: &[&str] = &[
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertyuiopasdfghjklzxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
    "1234567890qwertyuiop",
];

/// Passwords that people everywhere choose, as leaks have shown; only what is long enough to be a password.
const PASSWORDS: &str = include_str!("../../facts/common-passwords.txt");
/// Secrets that people choose here besides, parts of passwords and PINs among it.
const SECRETS: &str = include_str!("../../facts/common-secrets.txt");

static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| entries(PASSWORDS).chain(entries(SECRETS)).collect());

/// The lines of a list without its comments.
fn entries(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A new password of somebody whose account and organisation are called by `names`.
pub fn password(typed: &str, names: &[impl AsRef<str>]) -> Result<String, Wrong> {
    if typed.chars().count() < PASSWORD_CHARS_MIN {
        return Err(Wrong::new("密码至少 8 个字符", "A password has at least 8 characters"));
    }
    if typed.len() > PASSWORD_BYTES_MAX {
        return Err(Wrong::new("密码太长（最多 256 字节）", "The password is too long (256 bytes at most)"));
    }
    let plain = folded(typed);
    if is_common(&plain) {
        return Err(Wrong::new(
            "这个密码太常见，容易被猜到。请换一个，例如几个不相干的词连在一起",
            "This password is common and easily guessed; choose another, such as a few words that do not belong together",
        ));
    }
    if names.iter().any(|name| is_called(&plain, &folded(name.as_ref()))) {
        return Err(Wrong::new(
            "密码不能是用户名、姓名或机构名称",
            "A password must not be the user name, the name or the organisation's name",
        ));
    }
    Ok(typed.to_owned())
}

/// A PIN as it is typed to log in: 4 to 8 digits.
pub fn typed_pin(typed: &str) -> Result<String, Wrong> {
    let text = half_width(typed);
    if (4..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text)
    } else {
        Err(Wrong::new("PIN 为 4 到 8 位数字", "A PIN has 4 to 8 digits"))
    }
}

/// A new PIN.
pub fn pin(typed: &str) -> Result<String, Wrong> {
    let pin = typed_pin(typed)?;
    if COMMON.contains(&*pin) || is_simple(&pin) || is_mirrored(&pin) || is_year_or_date(&pin) {
        return Err(Wrong::new(
            "这个 PIN 太容易猜到：不要用重复、连续、对称的数字，也不要用年份和日期",
            "This PIN is easily guessed: no repeats, runs, mirrored pairs, years or dates",
        ));
    }
    Ok(pin)
}

/// Without case, blanks and signs, which nobody chooses by chance.
fn folded(text: &str) -> String {
    half_width(text).chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_common(plain: &str) -> bool {
    // Signs alone leave nothing: they are a row of one key or another.
    let words = [plain, without_tail(plain), without_head(plain)];
    plain.is_empty()
        || words.iter().any(|word| COMMON.contains(word))
        || is_simple(plain)
        || is_year_or_date(plain)
        || Phone::parse(plain, None).is_ok_and(|phone| phone.kind() == PhoneKind::Mobile)
}

/// Whether digits beside a word add nothing to it.
fn is_trimming(digits: &str) -> bool {
    digits.len() <= TAIL_DIGITS_MAX || is_simple(digits) || COMMON.contains(digits)
}

/// A text without the digits at its end, unless they are a secret of their own.
fn without_tail(text: &str) -> &str {
    let stem = text.trim_end_matches(|c: char| c.is_ascii_digit());
    if is_trimming(&text[stem.len()..]) { stem } else { text }
}

/// The same without the digits in front.
fn without_head(text: &str) -> &str {
    let stem = text.trim_start_matches(|c: char| c.is_ascii_digit());
    if is_trimming(&text[..text.len() - stem.len()]) { stem } else { text }
}

fn is_called(plain: &str, name: &str) -> bool {
    let again = |text: &str| !name.is_empty() && !text.is_empty() && text.replace(name, "").is_empty();
    again(plain) || again(without_tail(plain)) || plain.chars().rev().eq(name.chars())
}

/// A run along a row, in either direction, or a short part again and again.
fn is_simple(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    let repeats = |of: usize| letters.len() > of && letters.iter().zip(&letters[of..]).all(|(a, b)| a == b);
    let backwards: String = letters.iter().rev().collect();
    let walks = |text: &str| ROWS.iter().any(|row| row.contains(text));
    (1..=REPEATED_CHARS_MAX).any(|of| letters.len() >= 2 * of && repeats(of)) || walks(text) || walks(&backwards)
}

/// The same from behind, or pairs: 1221, 1122.
fn is_mirrored(pin: &str) -> bool {
    let digits = pin.as_bytes();
    digits.iter().eq(digits.iter().rev())
        || (digits.len().is_multiple_of(2) && digits.chunks(2).all(|pair| pair[0] == pair[1]))
}

/// A year of living people, or a day of one as eight digits.
fn is_year_or_date(text: &str) -> bool {
    let lived = |year: i32| (1900..2100).contains(&year);
    match text.len() {
        4 => text.parse().is_ok_and(lived),
        8 => NaiveDate::parse_from_str(text, "%Y%m%d").is_ok_and(|day| lived(day.year())),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: &[&str] = &[];

    #[test]
    fn common_passwords_are_refused_however_they_are_dressed() {
        for common in [
            "password",
            "Password1",
            "PASSWORD!!",
            "pass word 123",
            "12345678",
            "87654321",
            "1234567890",
            "qwertyuiop",
            "QwertyuiopAsdf",
            "asdfghjkl",
            "1qaz2wsx",
            "1QAZ2wsx3edc",
            "aaaaaaaa",
            "abcabcabc",
            "12341234",
            "abcdefgh",
            "woaini1314",
            "woaini520!",
            "WoAiNi1314520",
            "zhongguo2026",
            "ｐａｓｓｗｏｒｄ",
            "admin888",
            "admin123456",
            "19800101",
            "88888888",
            "5201314520",
            "!!!!!!!!",
            "iloveyou",
            "sanbao2026",
            "a1234567",
            "a12345678",
            "Liverpool1",
            "football-12",
            "Trustno1!",
            "1q2w3e4r5t",
            "michelle2024",
            "5201314woaini",
            "13812345678",
        ] {
            assert!(password(common, NOBODY).is_err(), "{common}");
        }
    }

    #[test]
    fn a_password_is_not_what_the_account_is_called() {
        let names = ["nurse.wang", "王护理员", "安和怡养院社区", "Anhe Care Home"];
        for called in [
            "nurse.wang",
            "NurseWang1",
            "nursewang2026",
            "gnaw.esrun",
            "安和怡养院社区12",
            "anhe-care-home",
            "AnheCareHome!",
        ] {
            assert!(password(called, &names).is_err_and(|wrong| wrong.en.contains("name")), "{called}");
        }
        assert!(password("nurse.wang walks home", &names).is_ok());
    }

    #[test]
    fn length_is_what_counts() {
        assert!(password("short", NOBODY).is_err() && password("七个字的密码呀", NOBODY).is_err());
        for good in ["correct horse", "sanbao-demo", "雨天的木头桥很滑", "a12345678b", "tr0ub4dor&3"] {
            assert_eq!(password(good, NOBODY).as_deref(), Ok(good));
        }
        assert!(password(&"雨天的木头桥很滑 ".repeat(7), NOBODY).is_ok(), "64 characters fit");
        assert!(password(&"x y".repeat(100), NOBODY).is_err());
    }

    #[test]
    fn easily_guessed_pins_are_refused() {
        for weak in [
            "0000", "1111", "88888888", "1212", "123123", "25802580", "1234", "4321", "7890", "234567", "98765432",
            "1984", "2026", "19491001", "1221", "123321", "1122", "778899", "1314", "5201314", "2580", "147258",
        ] {
            assert!(pin(weak).is_err(), "{weak}");
            assert!(typed_pin(weak).is_ok(), "{weak} may be one of before");
        }
        for good in ["4826", "7193", "2750", "603817", "19499931", "3141592"] {
            assert_eq!(pin(good).as_deref(), Ok(good));
        }
        for none in ["12", "123456789", "12a4", ""] {
            assert!(pin(none).is_err() && typed_pin(none).is_err(), "{none}");
        }
        assert_eq!(pin("４８２６").as_deref(), Ok("4826"));
    }

    #[test]
    fn the_list_is_as_it_is_compared() {
        for line in COMMON.iter() {
            assert_eq!(*line, folded(line), "write it without case, blanks and signs");
        }
        // OWASP ASVS 5.0, 6.2.4: the 3,000 most common that the other rules would let pass.
        assert!(entries(PASSWORDS).count() > 3_000);
        assert!(entries(PASSWORDS).all(|line| line.chars().count() >= PASSWORD_CHARS_MIN));
    }
}
