//! Whether two spellings may be the name of one person.

use sanbao_platform::cn::name_key;

/// A name of fewer characters is another name as soon as one of them is another.
const CHARS_MIN: usize = 3;
/// The same after dropping spaces and dots, or one character different in a name of three or more.
pub fn similar(one: &str, other: &str) -> bool {
    let bare = |name: &str| name_key(name).chars().collect::<Vec<_>>();
    let (one, other) = (bare(one), bare(other));
    if one.is_empty() || one.len() != other.len() {
        return false;
    }
    let different = one.iter().zip(&other).filter(|(a, b)| a != b).count();
    different == 0 || (different == 1 && one.len() >= CHARS_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_told_from_other_names() {
        for (one, other, expected) in [
            ("张三", "张三", true),
            ("张三", "张 三", true),
            ("张三", "张\u{3000}三", true),
            (" 张三 ", "张三", true),
            ("阿卜杜拉·买买提", "阿卜杜拉•买买提", true),
            ("阿卜杜拉・买买提", "阿卜杜拉．买买提", true),
            ("阿卜杜拉.买买提", "阿卜杜拉 买买提", true),
            ("阿卜杜拉买买提", "阿卜杜拉·买买提", true),
            ("Anna Schmidt", "anna schmidt", true),
            ("𠮷田三郎", "吉田三郎", true),
            ("陈桂香", "陈桂芳", true),
            ("陈桂香", "程桂香", true),
            ("欧阳秀英", "欧阳秀瑛", true),
            ("张三", "张四", false),
            ("张三", "李三", false),
            ("陈桂香", "陈秀芳", false),
            ("陈桂香", "陈香桂", false),
            ("陈桂香", "陈桂", false),
            ("陈桂香", "陈桂香香", false),
            ("陈", "陈", true),
            ("陈", "程", false),
            ("", "", false),
            ("·", "•", false),
        ] {
            assert_eq!(similar(one, other), expected, "{one:?} and {other:?}");
            assert_eq!(similar(other, one), expected, "{other:?} and {one:?}");
        }
    }
}
