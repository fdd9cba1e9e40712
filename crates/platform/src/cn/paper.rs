//! Identity papers of every kind: resident ids and what is made alike, passports, permits, cards.
//!
//! A paper is found again by its kind and its number together. A text that is no number of its kind is kept as it was given
//! and finds nobody: of a person whose paper cannot be read everything else can be.

use chrono::NaiveDate;

use super::resident_id::is_scientific;
use super::{ResidentId, ResidentIdError, half_width, mask_middle};
use crate::crypto::FieldKeys;
use crate::text_enum;

/// The domain of the blind index of papers that are no resident id.
pub const PAPER_INDEX_DOMAIN: &str = "paper";
/// Characters of a kept text at most.
const CHARS_MAX: usize = 60;
/// Words that people write where there is no paper.
const NONE_YET: [&str; 10] = ["无", "暂无", "没有", "未提供", "不详", "未办", "/", "none", "n/a", "na"];

text_enum! {
    /// The kind of an identity paper (证件类型).
    pub enum PaperKind {
        /// 居民身份证
        ResidentId = "resident_id",
        /// 港澳台居民居住证, 81, 82 and 83 at the head
        ResidencePermit = "residence_permit",
        /// 护照, of any country
        Passport = "passport",
        /// 港澳居民来往内地通行证（回乡证）
        HomeReturnPermit = "home_return_permit",
        /// 台湾居民来往大陆通行证（台胞证）
        TaiwanPermit = "taiwan_permit",
        /// 军官证、士兵证、警官证
        OfficersCard = "officers_card",
        /// 外国人永久居留身份证
        ForeignResidence = "foreign_residence",
        /// Another paper, or a text that could not be read.
        Other = "other",
        /// None yet (暂无证件).
        NoneYet = "none_yet",
    }
}

/// A doubt about a kept paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaperDoubt {
    /// A spreadsheet has kept it as a number: its last digits are lost.
    Rounded,
    /// It is no number of any kind that is known.
    Unreadable,
}

/// A paper as it is kept: its kind, and its number or the text that was given. `Debug` shows its mask.
#[derive(Clone, PartialEq, Eq)]
pub struct Paper {
    kind: PaperKind,
    text: String,
}

impl std::fmt::Debug for Paper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.masked())
    }
}

impl Paper {
    /// Reads what was typed. With a `kind` it is a number of that; a text that is none, or of no kind, is kept as
    /// [`PaperKind::Other`]. Nothing that is there is refused.
    pub fn read(kind: Option<PaperKind>, typed: &str, today: NaiveDate) -> Self {
        let text = plain(typed);
        if is_none_yet(&text) || kind == Some(PaperKind::NoneYet) {
            return Self { kind: PaperKind::NoneYet, text: String::new() };
        }
        let number = match kind {
            // Which of the two it is, the number itself says.
            Some(kind) if kind.is_resident_id() => guess(&text, today).filter(|paper| paper.kind.is_resident_id()),
            Some(kind) => number(kind, &text, today).map(|text| Self { kind, text }),
            None => guess(&text, today),
        };
        number.unwrap_or_else(|| Self { kind: PaperKind::Other, text: text.chars().take(CHARS_MAX).collect() })
    }

    /// The paper of a kind and the text under which it was kept.
    pub fn kept(kind: PaperKind, text: String) -> Self {
        Self { kind, text }
    }

    /// The paper that a resident id stands on.
    pub fn of(id: &ResidentId) -> Self {
        Self { kind: PaperKind::of_resident_id(id.as_str()), text: id.as_str().to_owned() }
    }

    /// Its kind.
    pub fn kind(&self) -> PaperKind {
        self.kind
    }

    /// Its number in the one form in which it is kept, or the text that was given; empty where there is none.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The number where it is that of a resident id or one that is made alike.
    pub fn resident_id(&self, today: NaiveDate) -> Option<ResidentId> {
        self.kind.is_resident_id().then(|| ResidentId::parse(&self.text, today).ok()).flatten()
    }

    /// The doubt about it, if there is one.
    pub fn doubt(&self) -> Option<PaperDoubt> {
        if self.kind != PaperKind::Other {
            return None;
        }
        if is_rounded(&self.text) {
            return Some(PaperDoubt::Rounded);
        }
        (!is_number(&self.text)).then_some(PaperDoubt::Unreadable)
    }

    /// The blind index by which its holder is found again; none of a text that could be of anybody.
    pub fn index(&self, keys: &FieldKeys) -> Option<String> {
        let found = self.kind != PaperKind::NoneYet && self.doubt().is_none();
        found.then(|| keys.blind_index(PAPER_INDEX_DOMAIN, &self.sealed_text()))
    }

    /// Kind and number in one text: that is sealed, and indexed.
    pub fn sealed_text(&self) -> String {
        format!("{}:{}", self.kind, self.text)
    }

    /// The paper of a text that was sealed.
    pub fn of_sealed_text(text: &str) -> Option<Self> {
        let (kind, text) = text.split_once(':')?;
        let kind = PaperKind::ALL.iter().copied().find(|known| known.as_str() == kind)?;
        Some(Self { kind, text: text.to_owned() })
    }

    /// Head and tail: six and four characters of a resident id, one and four of others.
    pub fn masked(&self) -> String {
        mask_middle(&self.text, if self.kind.is_resident_id() { 6 } else { 1 }, 4)
    }

    /// Every paper that a number may be of, whatever its kind: for finding by a number alone.
    pub fn perhaps(typed: &str, today: NaiveDate) -> Vec<Self> {
        let text = plain(typed);
        let of = |kind: &PaperKind| number(*kind, &text, today).map(|text| Self { kind: *kind, text });
        PaperKind::ALL.iter().filter_map(of).collect()
    }

    /// The last four characters, by which people name a paper on the telephone; none of a shorter or unread one.
    pub fn last_four(&self) -> Option<&str> {
        let known = self.kind != PaperKind::NoneYet && self.doubt().is_none() && self.text.is_ascii();
        self.text.get(self.text.len().checked_sub(4)?..).filter(|_| known)
    }
}

impl PaperKind {
    /// Whether its number is made as a resident id is.
    pub fn is_resident_id(self) -> bool {
        match self {
            Self::ResidentId | Self::ResidencePermit => true,
            Self::Passport
            | Self::HomeReturnPermit
            | Self::TaiwanPermit
            | Self::OfficersCard
            | Self::ForeignResidence
            | Self::Other
            | Self::NoneYet => false,
        }
    }

    /// The paper on which a number of 18 characters stands: the regions' permits have codes of their own.
    pub fn of_resident_id(number: &str) -> Self {
        if ["81", "82", "83"].iter().any(|region| number.starts_with(region)) {
            Self::ResidencePermit
        } else {
            Self::ResidentId
        }
    }
}

/// Whether a text says that there is no paper.
pub fn is_none_yet(text: &str) -> bool {
    let text = plain(text).to_lowercase();
    text.is_empty() || NONE_YET.contains(&text.as_str())
}

/// A number whose last digits a spreadsheet has lost: `3.30211E+17`, or 18 digits with three zeros behind. Shorter ones end so
/// by themselves.
pub fn is_rounded(text: &str) -> bool {
    let text = plain(text);
    let zeros = text.len() == 18 && text.bytes().all(|b| b.is_ascii_digit()) && text.ends_with("000");
    is_scientific(&text) || zeros
}

/// Half-width, in capitals, without spaces, hyphens and what a spreadsheet puts around.
fn plain(typed: &str) -> String {
    let text = half_width(typed).to_uppercase();
    let text = text.strip_prefix('=').unwrap_or(&text).trim_matches(['"', '\'']);
    text.chars().filter(|c| !matches!(c, '(' | ')')).collect()
}

/// The number of a kind in the form in which it is kept; none for what is no number of that kind.
fn number(kind: PaperKind, text: &str, today: NaiveDate) -> Option<String> {
    let resident = || ResidentId::parse(text, today).ok().map(|id| id.as_str().to_owned());
    let as_it_is = |fits: bool| fits.then(|| text.to_owned());
    match kind {
        PaperKind::ResidentId | PaperKind::ResidencePermit => {
            resident().filter(|id| !id.starts_with('9') && PaperKind::of_resident_id(id) == kind)
        }
        PaperKind::Passport => as_it_is(is_passport(text)),
        PaperKind::HomeReturnPermit => as_it_is(is_lettered(text, "HM", &[8, 10])),
        PaperKind::TaiwanPermit => as_it_is(is_taiwan_permit(text)),
        PaperKind::OfficersCard => officers_card(text),
        PaperKind::ForeignResidence => resident().filter(|id| id.starts_with('9')).or_else(|| {
            let letters = text.get(..3).is_some_and(|head| head.bytes().all(|b| b.is_ascii_uppercase()));
            as_it_is(text.len() == 15 && letters && digits(&text[3..]))
        }),
        PaperKind::Other => as_it_is(is_number(text) && !is_rounded(text)),
        PaperKind::NoneYet => None,
    }
}

/// The paper whose number this can only be. A bare number of eight digits is a Taiwan permit's, and those of passports
/// elsewhere have no form of their own, so they are told by their kind.
fn guess(text: &str, today: NaiveDate) -> Option<Paper> {
    let resident = match ResidentId::parse(text, today) {
        Ok(id) if id.as_str().starts_with('9') => Some((PaperKind::ForeignResidence, id.as_str().to_owned())),
        Ok(id) => Some((PaperKind::of_resident_id(id.as_str()), id.as_str().to_owned())),
        Err(ResidentIdError::Length | ResidentIdError::Characters) => None,
        // It is meant as one, and is none.
        Err(_) if matches!(text.len(), 15 | 18) => return None,
        Err(_) => None,
    };
    let of = |kind: PaperKind| number(kind, text, today).map(|text| (kind, text));
    let guessed = resident
        .or_else(|| of(PaperKind::HomeReturnPermit))
        .or_else(|| chinese_passport(text).then(|| (PaperKind::Passport, text.to_owned())))
        .or_else(|| of(PaperKind::OfficersCard))
        .or_else(|| of(PaperKind::ForeignResidence))
        .or_else(|| (text.len() == 8 && digits(text)).then(|| (PaperKind::TaiwanPermit, text.to_owned())));
    guessed.map(|(kind, text)| Paper { kind, text })
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// One of `heads`, and so many digits.
fn is_lettered(text: &str, heads: &str, lengths: &[usize]) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|head| heads.contains(head))
        && lengths.contains(&letters.as_str().len())
        && digits(letters.as_str())
}

/// Passports of this country: `E12345678`, `EA1234567`, and the older and official ones.
fn chinese_passport(text: &str) -> bool {
    let second = text.as_bytes().get(1).is_some_and(u8::is_ascii_uppercase);
    if second && text.is_ascii() {
        return text.len() == 9 && "EDSP".contains(&text[..1]) && digits(&text[2..]);
    }
    is_lettered(text, "EGDSP", &[8])
}

/// Passports of any country have five to fifteen letters and digits, some of them digits.
fn is_passport(text: &str) -> bool {
    (5..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric()) && has_digits(text, 4)
}

/// Eight digits; on the paper of before ten, with a letter in brackets behind.
fn is_taiwan_permit(text: &str) -> bool {
    let old = text.strip_suffix(|c: char| c.is_ascii_uppercase()).unwrap_or(text);
    (text.len() == 8 && digits(text)) || (old.len() == 10 && digits(old))
}

/// `军字第1234567号`, whatever is left out of the words around: the kind of the card, and its six to eight digits.
fn officers_card(text: &str) -> Option<String> {
    let rest = text.strip_suffix('号').unwrap_or(text);
    let (head, number) = rest.split_once('第').or_else(|| rest.split_once('字'))?;
    let head = head.strip_suffix('字').unwrap_or(head);
    let known = (1..=4).contains(&head.chars().count()) && head.chars().all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    (known && (6..=8).contains(&number.len()) && digits(number)).then(|| format!("{head}字第{number}号"))
}

/// Letters and digits, four of them digits at least.
fn is_number(text: &str) -> bool {
    let letters = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '-'));
    (4..=CHARS_MAX).contains(&text.chars().count()) && letters && has_digits(text, 4)
}

fn has_digits(text: &str, least: usize) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= least
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::PaperKind::{
        ForeignResidence, HomeReturnPermit, NoneYet, OfficersCard, Other, Passport, ResidencePermit,
        ResidentId as IdCard, TaiwanPermit,
    };
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 23).unwrap()
    }

    fn permit(region: &str) -> String {
        let born = NaiveDate::from_ymd_opt(1951, 3, 4).unwrap();
        ResidentId::compose(region, born, 16).unwrap().as_str().to_owned()
    }

    #[test]
    fn each_kind_is_read_by_its_number_alone() {
        let (hong_kong, macau, taiwan, foreign) =
            (permit("810000"), permit("820000"), permit("830000"), permit("933084"));
        for (typed, kind, kept) in [
            ("11010519491231002x", IdCard, "11010519491231002X"),
            ("330211350101123", IdCard, "330211193501011235"),
            (hong_kong.as_str(), ResidencePermit, hong_kong.as_str()),
            (macau.as_str(), ResidencePermit, macau.as_str()),
            (taiwan.as_str(), ResidencePermit, taiwan.as_str()),
            (foreign.as_str(), ForeignResidence, foreign.as_str()),
            ("CAN310097005210", ForeignResidence, "CAN310097005210"),
            ("E12345678", Passport, "E12345678"),
            (" e1234 5678", Passport, "E12345678"),
            ("Ｅ１２３４５６７８", Passport, "E12345678"),
            ("EA1234567", Passport, "EA1234567"),
            ("G12345678", Passport, "G12345678"),
            ("H12345678", HomeReturnPermit, "H12345678"),
            ("M1234567801", HomeReturnPermit, "M1234567801"),
            ("12345678", TaiwanPermit, "12345678"),
            ("军字第1234567号", OfficersCard, "军字第1234567号"),
            ("军字第 1234567", OfficersCard, "军字第1234567号"),
            ("武警字第12345678号", OfficersCard, "武警字第12345678号"),
            ("无", NoneYet, ""),
            (" 暂无 ", NoneYet, ""),
            ("—", NoneYet, ""),
            ("N/A", NoneYet, ""),
        ] {
            let paper = Paper::read(None, typed, today());
            assert_eq!((paper.kind(), paper.as_str()), (kind, kept), "{typed}");
            assert_eq!(paper.doubt(), None, "{typed}");
            let again = Paper::read(Some(kind), paper.as_str(), today());
            assert_eq!(again, paper, "what is kept is read as itself: {typed}");
        }
    }

    #[test]
    fn a_kind_that_is_told_reads_what_no_form_tells() {
        for (kind, typed, kept) in [
            (Passport, "533380006", "533380006"),
            (Passport, "A-1234567", "A1234567"),
            (TaiwanPermit, "0012345678(B)", "0012345678B"),
            (TaiwanPermit, "1234567801", "1234567801"),
            (Other, "社保卡 331234567", "社保卡331234567"),
        ] {
            let paper = Paper::read(Some(kind), typed, today());
            assert_eq!((paper.kind(), paper.as_str(), paper.doubt()), (kind, kept, None), "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_kept_and_finds_nobody() {
        use PaperDoubt::{Rounded, Unreadable};
        let keys = FieldKeys::new(&[7; 32]);
        for (kind, typed, doubt) in [
            (None, "3.30211E+17", Rounded),
            (None, "330211193501011000", Rounded),
            (None, "202611230000001000", Rounded),
            (Some(IdCard), "1.1e17", Rounded),
            (None, "身份证丢了", Unreadable),
            (None, "1", Unreadable),
            (Some(Passport), "E12", Unreadable),
            (Some(TaiwanPermit), "没带来", Unreadable),
        ] {
            let paper = Paper::read(kind, typed, today());
            assert_eq!((paper.kind(), paper.doubt()), (Other, Some(doubt)), "{typed}");
            assert_eq!((paper.index(&keys), paper.last_four()), (None, None), "{typed}");
        }
        // A resident id with a mistyped digit is a number still: it is kept, and found, as it was given.
        let mistyped = Paper::read(None, "110105194912310021", today());
        assert_eq!((mistyped.kind(), mistyped.doubt()), (Other, None));
        assert_eq!(Paper::read(Some(NoneYet), "whatever", today()).kind(), NoneYet);
        assert_eq!(Paper::read(None, "无", today()).index(&keys), None);
    }

    #[test]
    fn kind_and_number_together_find_the_holder() {
        let keys = FieldKeys::new(&[7; 32]);
        let index = |kind, text| Paper::read(Some(kind), text, today()).index(&keys).unwrap();
        assert_eq!(index(Passport, "E12345678"), index(Passport, "e 1234-5678"));
        assert_ne!(index(Passport, "12345678"), index(TaiwanPermit, "12345678"));
        let perhaps: Vec<_> = Paper::perhaps("12345678", today()).iter().map(Paper::kind).collect();
        assert_eq!(perhaps, [Passport, TaiwanPermit, Other]);
    }

    #[test]
    fn masks_show_head_and_tail() {
        for (typed, mask) in
            [("11010519491231002X", "110105********002X"), ("E12345678", "E****5678"), ("无", ""), ("1", "*")]
        {
            assert_eq!(Paper::read(None, typed, today()).masked(), mask);
        }
        assert_eq!(format!("{:?}", Paper::read(None, "E12345678", today())), "passport E****5678");
        assert_eq!(Paper::read(None, "E12345678", today()).last_four(), Some("5678"));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_kept_and_reads_as_itself(typed in "\\PC{0,80}", kind in 0..PaperKind::ALL.len()) {
            for kind in [None, Some(PaperKind::ALL[kind])] {
                let paper = Paper::read(kind, &typed, today());
                prop_assert!(paper.as_str().chars().count() <= CHARS_MAX);
                prop_assert_eq!(Paper::of_sealed_text(&paper.sealed_text()), Some(paper.clone()));
                prop_assert_eq!(paper.kind() == NoneYet, paper.as_str().is_empty());
            }
        }

        #[test]
        fn a_mistyped_digit_of_a_permit_makes_no_permit(place in 0_usize..17, digit in 0_u8..10, region in 0_usize..3) {
            let good = permit(["810000", "820000", "830000"][region]);
            let mut bytes = good.clone().into_bytes();
            bytes[place] = b'0' + digit;
            let typed = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(Paper::read(None, &typed, today()).kind() == ResidencePermit, typed == good);
        }
    }
}
