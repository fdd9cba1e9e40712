//! Names of people: the one form in which they are kept, what two spellings are compared by, and their masks.

use super::narrow;
use crate::invisible::is_invisible;

/// The middle dot of names (间隔号), as identity cards have it.
const DOT: char = '·';

/// A name in the one form in which it is kept and found. Invisible characters go; so do spaces beside Han characters (`张 三`
/// is laid out, not spelt, so); between other words one space stays. Every kind of middle dot becomes `·`, full-width
/// letters become plain ones. Rare characters stay as they are.
pub fn plain_name(text: &str) -> String {
    let letters = text.chars().filter(|c| !is_invisible(*c)).map(|c| if c.is_whitespace() { ' ' } else { c });
    let letters: Vec<char> = letters.collect();
    let mut name = String::with_capacity(text.len());
    for (at, letter) in letters.iter().enumerate() {
        let next = letters[at + 1..].iter().find(|c| **c != ' ').copied();
        let last = name.chars().next_back();
        match *letter {
            ' ' if last.is_some_and(|c| c != ' ' && joins(c)) && next.is_some_and(joins) => name.push(' '),
            ' ' => {}
            dot if is_dot(dot, last, next) => name.push(DOT),
            other => name.push(narrow(other)),
        }
    }
    name
}

/// The part that two spellings of one name have in common: [`plain_name`] without spaces and dots, in lower case.
pub fn name_key(text: &str) -> String {
    plain_name(text).chars().filter(|c| !matches!(*c, ' ' | DOT)).flat_map(char::to_lowercase).collect()
}

/// The family name, and a star for each further character, three at most: `张**`.
pub fn mask_name(text: &str) -> String {
    text.chars().enumerate().map(|(i, c)| if i == 0 { c } else { '*' }).take(4).collect()
}

/// Whether a name has lost characters on its way: `?` or U+FFFD in the place of one, or one of the private use areas, which
/// each system shows otherwise. Rare characters are none of these.
pub fn is_doubtful_name(text: &str) -> bool {
    let lost = |c: char| matches!(c, '?' | '\u{ff1f}' | '\u{fffd}' | '\u{25a1}' | '\u{3013}');
    let private = |c: char| matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}');
    text.chars().any(|c| lost(c) || private(c))
}

/// A letter of a word beside which a space means something.
fn joins(letter: char) -> bool {
    !is_han(letter) && !is_middle_dot(letter)
}

fn is_dot(letter: char, last: Option<char>, next: Option<char>) -> bool {
    // A point is a middle dot between Han characters alone: elsewhere it ends an abbreviation.
    let point = matches!(letter, '.' | '\u{ff0e}') && last.is_some_and(is_han) && next.is_some_and(is_han);
    point || is_middle_dot(letter)
}

/// The dots that programs and keyboards offer between the parts of a name.
fn is_middle_dot(letter: char) -> bool {
    matches!(letter, '·' | '\u{0387}' | '\u{2022}' | '\u{2027}' | '\u{2219}' | '\u{22c5}' | '\u{30fb}' | '\u{ff65}')
}

/// The blocks of Han characters, with those of planes 2 and 3, and the private use area, in which old systems keep them.
fn is_han(letter: char) -> bool {
    matches!(
        letter,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{e000}'..='\u{f8ff}' | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}' | '〇' | '々'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_become_one() {
        let same: [(&str, &[&str]); 4] = [
            ("张三", &["张 三", "张\u{3000}三", "\u{200b}张三", " 张三 ", "张\u{a0}\u{2003}三\u{3000}\u{3000}"]),
            (
                "阿卜杜拉·买买提",
                &[
                    "阿卜杜拉•买买提",
                    "阿卜杜拉・买买提",
                    "阿卜杜拉．买买提",
                    "阿卜杜拉.买买提",
                    "阿卜杜拉 · 买买提",
                    "阿卜杜拉‧买买提",
                ],
            ),
            ("Anna Maria Müller", &["Anna  Maria\u{3000}Müller", " Ａｎｎａ Maria Müller"]),
            ("J. R. Smith", &["J. R. Smith"]),
        ];
        for (name, spellings) in same {
            assert_eq!(plain_name(name), name);
            for spelling in spellings {
                assert_eq!(plain_name(spelling), name, "{spelling}");
            }
        }
        for rare in ["𠮷某", "䶮某", "王\u{e5c5}", "么", "〇"] {
            assert_eq!(plain_name(rare), rare);
        }
        assert_eq!(plain_name(" \u{200b}\u{3000}"), "");
    }

    #[test]
    fn a_key_leaves_out_what_does_not_matter() {
        assert_eq!(name_key("Anna-Maria MÜLLER"), "anna-mariamüller");
        assert_eq!(name_key("阿卜杜拉.买买提"), name_key("阿卜杜拉买买提"));
        assert_ne!(name_key("张三"), name_key("张山"));
    }

    #[test]
    fn lost_characters_are_told_from_rare_ones() {
        for name in ["王?", "王？", "王\u{fffd}", "王\u{e5c5}", "王\u{f0001}", "王□"] {
            assert!(is_doubtful_name(name), "{name}");
        }
        for name in ["𠮷某", "䶮某", "〇", "阿卜杜拉·买买提", "J. R. Smith", "\u{9fa6}", "\u{30000}"] {
            assert!(!is_doubtful_name(name), "{name}");
            assert_eq!(mask_name(name).chars().next(), name.chars().next());
        }
    }

    #[test]
    fn a_mask_shows_the_family_name() {
        for (name, mask) in [("张建国", "张**"), ("𠮷某", "𠮷*"), ("阿卜杜拉·买买提", "阿***"), ("么", "么"), ("", "")]
        {
            assert_eq!(mask_name(name), mask);
        }
    }
}
