//! How names are spelt in Latin letters (汉语拼音, without tones), for finding them by what people type.

use pinyin::ToPinyinMulti as _;

/// Readings of one character that are told at most.
const READINGS_MAX: usize = 3;

/// The readings of each character of a name, the usual one first: `单雄` is `[[dan, shan, chan], [xiong]]`. A character
/// without one, such as a letter, reads as itself. `ü` is typed `v`.
pub fn readings(name: &str) -> Vec<Vec<String>> {
    name.chars().map(of).collect()
}

fn of(letter: char) -> Vec<String> {
    let Some(all) = letter.to_pinyin_multi() else { return vec![letter.to_lowercase().collect()] };
    let mut readings: Vec<String> = Vec::new();
    for reading in all.into_iter().map(|reading| reading.plain().replace('ü', "v")) {
        if !readings.contains(&reading) && readings.len() < READINGS_MAX {
            readings.push(reading);
        }
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_has_its_readings() {
        for (name, spelt) in [
            ("张建国", vec![vec!["zhang"], vec!["jian"], vec!["guo"]]),
            ("吕某", vec![vec!["lv"], vec!["mou", "mei"]]),
            ("A某", vec![vec!["a"], vec!["mou", "mei"]]),
            ("䶮", vec![vec!["yan"]]),
            ("·", vec![vec!["·"]]),
            ("", vec![]),
        ] {
            assert_eq!(readings(name), spelt, "{name}");
        }
        for (letter, reading) in [('单', "shan"), ('曾', "zeng"), ('仇', "qiu"), ('查', "zha"), ('乐', "yue")] {
            assert!(readings(&letter.to_string())[0].iter().any(|r| r == reading), "{letter}");
        }
    }
}
