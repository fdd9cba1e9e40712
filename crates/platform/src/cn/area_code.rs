//! Codes of areas: the national statistical codes end at the community (统计用区划代码), what lies below is the street's own.
//!
//! A code has 12 digits: 6 of the district, 3 of the street, 3 of the community. A street is written by its first 9; the
//! 12 digits with `000` at the end mean the same. A code that is in use already is never checked again.

use super::half_width;

/// The digits of a street's code.
const STREET_DIGITS: usize = 9;
/// The digits of a community's code.
const COMMUNITY_DIGITS: usize = 12;
/// A longer code is refused.
pub const AREA_CODE_BYTES_MAX: usize = 40;

/// Why a text is no code of an area of its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AreaCodeFault {
    /// A street's code has 9 digits.
    #[error("a street's code has 9 digits, such as 330211001")]
    Street,
    /// A community's code has 12 digits.
    #[error("a community's code has 12 digits, such as 330211001001")]
    Community,
    /// A community's code begins with that of its street.
    #[error("a community's code begins with the 9 digits of its street")]
    OtherStreet,
    /// A local code has letters, digits and hyphens.
    #[error("a code of 1 to 40 letters, digits and hyphens")]
    Local,
    /// 9 or 12 digits alone are codes of streets and communities.
    #[error("9 or 12 digits are the code of a street or a community; put a letter into this one")]
    LooksNational,
}

impl AreaCodeFault {
    /// The reason in both languages: Chinese, English.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Street => ("街道编码为 9 位数字，例如 330211001", "A street's code has 9 digits, such as 330211001"),
            Self::Community => {
                ("社区编码为 12 位数字，例如 330211001001", "A community's code has 12 digits, such as 330211001001")
            }
            Self::OtherStreet => {
                ("社区编码的前 9 位应是所属街道的编码", "A community's code begins with the 9 digits of its street")
            }
            Self::Local => ("编码为 1 到 40 个字母、数字或连字符", "A code of 1 to 40 letters, digits and hyphens"),
            Self::LooksNational => (
                "9 位或 12 位数字是街道、社区的编码，请加上字母",
                "9 or 12 digits are the code of a street or a community; put a letter into it",
            ),
        }
    }
}

/// The digits of a national code: a province from 11 to 82, and nothing but digits.
fn national(text: &str, digits: usize) -> Option<String> {
    let code = half_width(text);
    let province = code.get(..2).and_then(|two| two.parse::<u8>().ok());
    let fits = code.len() == digits && code.bytes().all(|b| b.is_ascii_digit());
    (fits && province.is_some_and(|p| (11..=82).contains(&p))).then_some(code)
}

/// A street's code: its 9 digits. The end names a street, so it is not `000`.
pub fn street_code(text: &str) -> Result<String, AreaCodeFault> {
    let whole = national(text, COMMUNITY_DIGITS).filter(|code| code.ends_with("000"));
    let nine = whole.map(|code| code[..STREET_DIGITS].to_owned()).or_else(|| national(text, STREET_DIGITS));
    nine.filter(|code| !code.ends_with("000")).ok_or(AreaCodeFault::Street)
}

/// A community's code: 12 digits that begin with those of its street. A street whose own code is of older kind says
/// nothing of its communities'.
pub fn community_code(text: &str, street: &str) -> Result<String, AreaCodeFault> {
    let code =
        national(text, COMMUNITY_DIGITS).filter(|code| !code.ends_with("000")).ok_or(AreaCodeFault::Community)?;
    match street_code(street) {
        Ok(street) if !code.starts_with(&street) => Err(AreaCodeFault::OtherStreet),
        _ => Ok(code),
    }
}

/// The code of a compound, a grid or a stair: letters, digits and hyphens, and no code of the nation's list.
pub fn local_code(text: &str) -> Result<String, AreaCodeFault> {
    let code = text.trim();
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if code.is_empty() || code.len() > AREA_CODE_BYTES_MAX || !code.bytes().all(fits) {
        return Err(AreaCodeFault::Local);
    }
    if [STREET_DIGITS, COMMUNITY_DIGITS].contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()) {
        return Err(AreaCodeFault::LooksNational);
    }
    Ok(code.to_owned())
}

/// The next free local code below an area: `330211001001` has `330211001001-C1`, `-C2` and so on.
pub fn next_local_code<'a>(parent: &str, letter: char, taken: impl IntoIterator<Item = &'a str>) -> String {
    let stem = format!("{parent}-{letter}");
    let numbers = taken.into_iter().filter_map(|code| code.strip_prefix(stem.as_str())?.parse::<u32>().ok());
    let next = numbers.max().unwrap_or(0).saturating_add(1);
    format!("{stem}{next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_street_is_nine_digits_of_the_national_list() {
        for text in ["330211001", " ３３０２１１００１ ", "330211001000", "330211100", "330 211 001"] {
            assert_eq!(street_code(text).map(|c| c.len()), Ok(9), "{text}");
        }
        for text in
            ["abc", "", "33021100", "3302110010", "330211000", "330211001001", "030211001", "33021100O", "990211001"]
        {
            assert_eq!(street_code(text), Err(AreaCodeFault::Street), "{text}");
        }
    }

    #[test]
    fn a_community_begins_with_its_street() {
        assert_eq!(community_code("330211001012", "330211001").as_deref(), Ok("330211001012"));
        assert_eq!(community_code("330211001012", "old-street").as_deref(), Ok("330211001012"));
        for (text, fault) in [
            ("330211002001", AreaCodeFault::OtherStreet),
            ("330211001", AreaCodeFault::Community),
            ("330211001000", AreaCodeFault::Community),
            ("33021100101X", AreaCodeFault::Community),
        ] {
            assert_eq!(community_code(text, "330211001"), Err(fault), "{text}");
        }
    }

    #[test]
    fn below_it_any_code_does_that_cannot_be_taken_for_a_national_one() {
        for text in ["330211001001-C1", "X-1", "7", "330211001001001"] {
            assert_eq!(local_code(text).as_deref(), Ok(text));
        }
        assert_eq!(local_code("330211001"), Err(AreaCodeFault::LooksNational));
        assert_eq!(local_code("330211001009"), Err(AreaCodeFault::LooksNational));
        for text in ["", "a b", "小区", "a_b", "'; drop table area", &"x".repeat(41)] {
            assert_eq!(local_code(text), Err(AreaCodeFault::Local), "{text}");
        }
    }

    #[test]
    fn the_next_code_follows_the_highest() {
        assert_eq!(next_local_code("1", 'C', []), "1-C1");
        assert_eq!(next_local_code("1", 'C', ["1-C1", "1-C9", "1-C3-G7", "2-C40", "1-Cx"]), "1-C10");
    }
}
