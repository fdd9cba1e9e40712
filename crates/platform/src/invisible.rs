//! Characters that nobody sees and that make a text read otherwise than it is: marks of direction (Unicode Standard Annex
//! 9) and of no width. They come along when one pastes, so a name goes without them instead of being refused.

/// Whether nobody sees it.
pub fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// The text without what nobody sees.
pub fn without_invisible(text: &str) -> String {
    text.chars().filter(|letter| !is_invisible(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_as_it_is() {
        for (typed, kept) in [
            ("林晓月", "林晓月"),
            ("林\u{200b}晓\u{feff}月", "林晓月"),
            ("\u{202e}gpj.月晓林", "gpj.月晓林"),
            ("\u{2066}Anna\u{2069} Müller-Łoś", "Anna Müller-Łoś"),
            ("\u{200f}\u{200e}\u{ad}\u{2060}\u{e0041}", ""),
            ("😀 好", "😀 好"),
        ] {
            assert_eq!(without_invisible(typed), kept);
        }
    }
}
