//! The keys under which a person is found, and what is typed as beginnings of keys.
//!
//! A key begins with the letter of its kind. Of a name, a telephone and an address each tail is a key, so that a part of it
//! is the beginning of one.

use std::collections::BTreeSet;

use sanbao_platform::cn::{half_width, name_key, readings};
use sanbao_platform::text_enum;
use sqlx::types::Json;

use crate::account::person::phones::PersonPhone;

/// Characters of a key at most.
const CHARS_MAX: usize = 16;
/// Tails of one text at most.
const TAILS_MAX: usize = 40;
/// Spellings of one tail at most: a name of characters with several readings has many.
const SPELLINGS_MAX: usize = 8;
/// A part of a telephone that is worth looking for.
const PHONE_DIGITS_MIN: usize = 3;
/// Hexadecimal digits of a blind index in a key: enough to tell a million papers apart.
const INDEX_CHARS: usize = 24;

text_enum! {
    /// The text of a person that fits what was typed.
    pub enum LookupSign {
        Paper = "paper",
        Phone = "phone",
        Name = "name",
        Initials = "initials",
        Pinyin = "pinyin",
        Address = "address",
        /// The last four characters of a paper.
        PaperTail = "paper_tail",
    }
}

impl LookupSign {
    fn letter(self) -> char {
        match self {
            Self::Paper => 'd',
            Self::Phone => 't',
            Self::Name => 'n',
            Self::Initials => 'i',
            Self::Pinyin => 'p',
            Self::Address => 'a',
            Self::PaperTail => 'e',
        }
    }

    fn key(self, text: &str) -> String {
        std::iter::once(self.letter()).chain(text.chars().take(CHARS_MAX.max(INDEX_CHARS))).collect()
    }
}

/// The texts of one record.
#[derive(Clone, Debug, Default, sqlx_macros::FromRow)]
pub(super) struct KeyedTexts {
    pub(super) name: String,
    pub(super) phone: Option<String>,
    pub(super) phones: Option<Json<Vec<PersonPhone>>>,
    pub(super) address: Option<String>,
    pub(super) guardian_name: Option<String>,
    pub(super) guardian_phone: Option<String>,
    pub(super) national_id_index: Option<String>,
    pub(super) national_id_tail: Option<String>,
    pub(super) paper_index: Option<String>,
    pub(super) paper_tail: Option<String>,
}

impl KeyedTexts {
    /// Adds the keys of this record.
    pub(super) fn add_to(&self, keys: &mut BTreeSet<String>) {
        for name in [Some(&self.name), self.guardian_name.as_ref()].into_iter().flatten() {
            add_name(keys, name);
        }
        let others = self.phones.iter().flat_map(|phones| &phones.0).map(|phone| &phone.number);
        for phone in [&self.phone, &self.guardian_phone].into_iter().flatten().chain(others) {
            let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
            for tail in tails(&digits).filter(|tail| tail.len() >= PHONE_DIGITS_MIN) {
                keys.insert(LookupSign::Phone.key(tail));
            }
        }
        for tail in self.address.iter().map(|text| plain(text)).flat_map(|text| owned_tails(&text)) {
            keys.insert(LookupSign::Address.key(&short(&tail)));
        }
        for index in [&self.national_id_index, &self.paper_index].into_iter().flatten() {
            keys.insert(LookupSign::Paper.key(index));
        }
        for tail in [&self.national_id_tail, &self.paper_tail].into_iter().flatten() {
            keys.insert(LookupSign::PaperTail.key(tail));
        }
    }
}

fn add_name(keys: &mut BTreeSet<String>, name: &str) {
    let plain = name_key(name);
    for tail in tails(&plain) {
        keys.insert(LookupSign::Name.key(&short(tail)));
    }
    let letters = readings(&plain);
    for start in 0..letters.len().min(TAILS_MAX) {
        let spelt = &letters[start..];
        for spelling in spellings(spelt, |reading| reading) {
            keys.insert(LookupSign::Pinyin.key(&short(&spelling)));
        }
        for initials in spellings(spelt, |reading| reading.get(..1).unwrap_or_default()) {
            keys.insert(LookupSign::Initials.key(&short(&initials)));
        }
    }
}

/// The texts that are made by taking `part` of one reading of each character; the usual readings first.
fn spellings(letters: &[Vec<String>], part: impl Fn(&str) -> &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for readings in letters {
        let mut longer: Vec<String> = Vec::new();
        for (head, reading) in all.iter().flat_map(|head| readings.iter().map(move |reading| (head, reading))) {
            let spelling = format!("{head}{}", part(reading));
            if !longer.contains(&spelling) && longer.len() < SPELLINGS_MAX {
                longer.push(spelling);
            }
        }
        all = longer;
    }
    all
}

fn short(text: &str) -> String {
    text.chars().take(CHARS_MAX).collect()
}

/// The text from each of its characters on.
fn tails(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().take(TAILS_MAX).map(|(at, _)| &text[at..])
}

fn owned_tails(text: &str) -> Vec<String> {
    tails(text).map(str::to_owned).collect()
}

/// An address as it is compared: half-width, without spaces and hyphens, in lower case.
fn plain(text: &str) -> String {
    half_width(text).to_lowercase()
}

/// The key of a whole telephone number: that of every record which has it, as any of its telephones.
pub(in crate::account::person) fn phone_key(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    LookupSign::Phone.key(&digits)
}

/// A beginning of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beginning {
    pub(super) sign: LookupSign,
    pub(super) from: String,
}

impl Beginning {
    fn of(sign: LookupSign, text: &str) -> Self {
        Self {
            sign,
            from: sign.key(&if sign == LookupSign::Paper || sign == LookupSign::PaperTail {
                text.to_owned()
            } else {
                short(text)
            }),
        }
    }

    /// The first text after all that begin so.
    pub(super) fn until(&self) -> String {
        format!("{}\u{10ffff}", self.from)
    }
}

/// The beginnings of keys that a typed text may be, the surest first. `papers` and `tails` are the blind indexes
/// of it as the whole number of a paper and as the last four of one.
pub(super) fn beginnings(typed: &str, papers: &[String], tail: Option<&str>) -> Vec<Beginning> {
    let (name, plain) = (name_key(typed), plain(typed));
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    let numeric = plain.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '.'));
    let latin: String = name.chars().filter(|c| !matches!(c, '\'' | '’' | '.')).collect::<String>().replace('ü', "v");
    let spelt = !latin.is_empty() && latin.chars().all(|c| c.is_ascii_lowercase());
    let mut all: Vec<Beginning> = papers.iter().map(|index| Beginning::of(LookupSign::Paper, index)).collect();
    if numeric && digits.len() >= PHONE_DIGITS_MIN {
        all.push(Beginning::of(LookupSign::Phone, &digits));
    }
    if !name.is_empty() && !numeric {
        all.push(Beginning::of(LookupSign::Name, &name));
    }
    if spelt {
        all.push(Beginning::of(LookupSign::Initials, &latin));
        all.push(Beginning::of(LookupSign::Pinyin, &latin));
    }
    all.extend(tail.map(|tail| Beginning::of(LookupSign::PaperTail, tail)));
    if plain.chars().count() >= 2 {
        all.push(Beginning::of(LookupSign::Address, &plain));
    }
    all
}

/// The signs of a name.
fn of_a_name(typed: &str) -> impl Iterator<Item = Beginning> {
    let names = [LookupSign::Name, LookupSign::Initials, LookupSign::Pinyin];
    beginnings(typed, &[], None).into_iter().filter(move |beginning| names.contains(&beginning.sign))
}

/// The ranges of keys that a typed name, its pinyin or its initials begin: each up to, and without, its end.
pub(crate) fn name_beginnings(typed: &str) -> Vec<(String, String)> {
    of_a_name(typed).map(|beginning| (beginning.from.clone(), beginning.until())).collect()
}

/// Whether a part of a name, of its pinyin or of its initials is what was typed.
pub(crate) fn is_named(name: &str, typed: &str) -> bool {
    let mut keys = BTreeSet::new();
    add_name(&mut keys, name);
    of_a_name(typed).any(|beginning| keys.range(beginning.from.clone()..beginning.until()).next().is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        let person = KeyedTexts {
            name: "单桂香".into(),
            phone: Some("13800138000".into()),
            address: Some("丙弄 3 号 201 室".into()),
            guardian_name: Some("阿卜杜拉·买买提".into()),
            guardian_phone: Some("057486251234-803".into()),
            national_id_index: Some("ab".repeat(32)),
            paper_tail: Some("cd".repeat(32)),
            ..KeyedTexts::default()
        };
        person.add_to(&mut keys);
        keys
    }

    /// The signs by which something that was typed finds the person.
    fn found(typed: &str) -> Vec<LookupSign> {
        let keys = keys();
        let fits = |b: &Beginning| keys.range(b.from.clone()..b.until()).next().is_some();
        beginnings(typed, &[], None).iter().filter(|b| fits(b)).map(|b| b.sign).collect()
    }

    #[test]
    fn a_name_is_known_by_its_characters_its_pinyin_and_its_initials() {
        for (typed, fits) in [
            ("单桂香", true),
            ("桂香", true),
            ("shangui", true),
            ("sgx", true),
            ("李", false),
            ("8000", false),
            ("", false),
        ] {
            assert_eq!(is_named("单桂香", typed), fits, "{typed}");
        }
    }

    #[test]
    fn any_part_finds_the_person() {
        use LookupSign::{Address, Initials, Name, Phone, Pinyin};
        for (typed, signs) in [
            ("8000", vec![Phone]),
            ("1380013", vec![Phone]),
            ("138 0013-8000", vec![Phone]),
            ("013", vec![Phone]),
            ("8625", vec![Phone]),
            ("1234", vec![Phone]),
            ("桂", vec![Name]),
            ("单 桂", vec![Name]),
            ("桂香", vec![Name]),
            ("买买提", vec![Name]),
            ("阿卜杜拉买", vec![Name]),
            ("阿卜杜拉•买买提", vec![Name]),
            ("sgx", vec![Initials]),
            ("dgx", vec![Initials]),
            ("gx", vec![Initials]),
            ("shangui", vec![Pinyin]),
            ("Dan Guixiang", vec![Pinyin]),
            ("guix", vec![Pinyin]),
            ("丙弄3号", vec![Address]),
            ("3 号 201", vec![Address]),
            ("201", vec![Address]),
        ] {
            assert_eq!(found(typed), signs, "{typed}");
        }
        for typed in ["", " ", "9", "99", "郑", "丁弄", "zgx", "guixing", "1380013801"] {
            assert_eq!(found(typed), [], "{typed}");
        }
    }

    proptest! {
        #[test]
        fn every_part_of_a_name_a_telephone_and_an_address_is_a_beginning(
            name in "[\u{4e00}-\u{9fa5}]{1,8}", phone in "1[3-9][0-9]{9}", address in "[\u{4e00}-\u{9fa5}0-9]{2,20}",
            cut in any::<prop::sample::Index>(), long in 1_usize..8,
        ) {
            let texts = KeyedTexts {
                name: name.clone(), phone: Some(phone.clone()), address: Some(address.clone()), ..KeyedTexts::default()
            };
            let mut keys = BTreeSet::new();
            texts.add_to(&mut keys);
            for (text, sign) in [(name, LookupSign::Name), (phone, LookupSign::Phone), (address, LookupSign::Address)] {
                let start = cut.index(text.chars().count());
                let part: String = text.chars().skip(start).take(long).collect();
                let long_enough = match sign {
                    LookupSign::Phone => part.len() >= PHONE_DIGITS_MIN,
                    LookupSign::Address => part.chars().count() >= 2,
                    _ => true,
                };
                let fits = |b: &Beginning| b.sign == sign && keys.range(b.from.clone()..b.until()).next().is_some();
                prop_assert_eq!(beginnings(&part, &[], None).iter().any(fits), long_enough, "{} by {}", text, part);
            }
        }
    }

    #[test]
    fn a_person_has_some_dozens_of_keys() {
        let keys = keys();
        assert!((40..200).contains(&keys.len()), "{}", keys.len());
        assert!(keys.iter().all(|key| key.chars().count() <= 1 + INDEX_CHARS));
        let many = KeyedTexts { name: "单单单单单单单单单单".into(), ..KeyedTexts::default() };
        let mut few = BTreeSet::new();
        many.add_to(&mut few);
        assert!(few.len() <= 10 + 2 * 10 * SPELLINGS_MAX, "{}", few.len());
    }
}
