//! A field that need not be there costs no row: a text that cannot be read is kept in the note, and told.

use chrono::NaiveDateTime;
use sanbao_platform::table::{Fault, when};

use super::input::RowWords;
use crate::request::input::{Draft, NOTE_CHARS_MAX, Rules, WORD_CHARS_MAX, told};

/// The fields without which a request is one.
const SPARED: [&str; 7] = ["urgency", "phone", "national_id", "address", "note", "wanted_from", "wanted_until"];
/// Each field once, and the note once more where the others have made it too long.
const ROUNDS_MAX: usize = 9;

/// The request that a row tells of with the doubts about it, or what is wrong with fields that must be there.
pub(super) fn read(words: &RowWords, rules: Rules<'_>) -> Result<(Draft, Vec<Fault>), Vec<Fault>> {
    let (mut words, mut doubts) = (words.clone(), Vec::new());
    let mut wrong = Vec::new();
    for _ in 0..ROUNDS_MAX {
        wrong = match told(&words.request, rules) {
            Ok((draft, more)) => {
                doubts.extend(more);
                return Ok((draft, doubts));
            }
            Err(faults) => faults,
        };
        let left: Vec<Fault> = wrong.iter().filter(|f| !spare(&mut words, f, &mut doubts)).cloned().collect();
        if !left.is_empty() {
            return Err(left.into_iter().map(|fault| named(fault, &words)).collect());
        }
    }
    Err(wrong)
}

/// The same fault, of a day whose parts cannot be told apart by that name.
fn named(fault: Fault, words: &RowWords) -> Fault {
    let text = words.cell(fault.field).unwrap_or_default();
    if fault.code != "time_format" || !when::is_ambiguous(&text) {
        return fault;
    }
    let zh = "分不清哪个是年、月、日，请写成 2026-03-05 14:30 的样子";
    let en = "Which is the year, the month and the day cannot be told; write it as 2026-03-05 14:30";
    Fault::new(fault.field, "time_ambiguous", zh, en)
}

/// Mends a field as far as it can be without asking, and tells it; `false` where the row cannot be taken.
fn spare(words: &mut RowWords, fault: &Fault, doubts: &mut Vec<Fault>) -> bool {
    if fault.code == "time_serial"
        && let Some(at) = words.cell(fault.field).as_deref().and_then(of_serial)
    {
        let at = at.format("%Y-%m-%d %H:%M").to_string();
        doubts.push(Fault {
            zh: format!("日期在表格里变成了数字，按 {at} 读取，请核对").into(),
            en: format!("A spreadsheet has made a number of this date; it was read as {at}, look at it again").into(),
            ..fault.clone()
        });
        return set(words, fault.field, Some(at));
    }
    if !SPARED.contains(&fault.field) {
        return false;
    }
    let Some(text) = words.cell(fault.field) else { return false };
    let (kept, zh, en) = match (fault.field, fault.code) {
        (_, "control_characters") => (Some(clean(&text)), "，已去掉", "; they were taken out"),
        ("note", "too_long") => (
            Some(text.trim().chars().take(NOTE_CHARS_MAX).collect()),
            "，只收下了前 2000 字",
            "; its first 2000 characters were taken",
        ),
        ("national_id", _) => (Some(text.trim().chars().take(WORD_CHARS_MAX).collect()), "", ""),
        ("urgency", _) => {
            (urgency_of(&text), "，原文记在备注里，请核对", "; the text is kept in the note, look at it again")
        }
        _ => (None, "，原文记在备注里", "; the text is kept in the note"),
    };
    if kept.is_none() || fault.field == "urgency" {
        words.keep_in_note(fault.field, &text);
    }
    doubts.push(Fault {
        zh: format!("{}{zh}", fault.zh).into(),
        en: format!("{}{en}", fault.en).into(),
        ..fault.clone()
    });
    set(words, fault.field, kept)
}

fn set(words: &mut RowWords, field: &str, text: Option<String>) -> bool {
    if let Some(place) = words.slot(field) {
        *place = text;
    }
    true
}

/// A word of urgency that nobody knows: one that says so in whatever words is taken as urgent rather than too late.
fn urgency_of(text: &str) -> Option<String> {
    (text.contains('急') && !["不急", "非紧急", "不紧急"].iter().any(|not| text.contains(not)))
        .then(|| "urgent".to_owned())
}

/// The text without control characters.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect::<String>().trim().to_owned()
}

fn of_serial(text: &str) -> Option<NaiveDateTime> {
    text.trim().parse().ok().and_then(when::of_serial)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::request::category::Urgency;

    fn rules() -> Rules<'static> {
        Rules { now: "2026-11-23T04:00:00Z".parse().unwrap(), own: None, file: true }
    }

    fn words(changes: &[(&str, &str)]) -> RowWords {
        let mut words = RowWords::default();
        let good = [
            ("external_id", "A-1"),
            ("received_at", "2026-11-22 08:30"),
            ("area_code", "330211001001"),
            ("category", "助餐"),
            ("elder_name", "林某"),
            ("note", "午饭"),
        ];
        for (field, text) in good.iter().chain(changes) {
            *words.slot(field).unwrap() = Some((*text).to_owned());
        }
        words
    }

    #[test]
    fn each_field_that_need_not_be_there_leaves_its_text_in_the_note() {
        let long = "长".repeat(NOTE_CHARS_MAX + 7);
        for (field, text, code, kept) in [
            ("urgency", "快点", "urgency_unknown", "午饭\n紧急程度：快点"),
            ("wanted_from", "明天上午", "time_format", "午饭\n期望开始：明天上午"),
            ("wanted_from", "2031-01-01", "time_out_of_range", "午饭\n期望开始：2031-01-01"),
            ("wanted_until", "1/2/26", "time_format", "午饭\n期望结束：1/2/26"),
            ("note", "好\u{0}的", "control_characters", "好 的"),
            ("note", &long, "too_long", &long[..NOTE_CHARS_MAX * 3]),
            ("address", &long[..900], "too_long", &format!("午饭\n地址：{}", &long[..900])),
            ("phone", &long[..600], "too_long", &format!("午饭\n电话：{}", &long[..600])),
        ] {
            let (draft, doubts) = read(&words(&[(field, text)]), rules()).unwrap();
            assert_eq!(doubts.iter().map(|f| (f.field, f.code)).collect::<Vec<_>>(), [(field, code)], "{text}");
            assert_eq!(draft.details.elder.unseen().note.as_deref(), Some(kept), "{text}");
        }
        let urgency = |text| read(&words(&[("urgency", text)]), rules()).unwrap().0.details.urgency;
        assert_eq!(
            (urgency("非常急"), urgency("不急"), urgency("快点")),
            (Urgency::Urgent, Urgency::Normal, Urgency::Normal)
        );
        let backwards = words(&[("wanted_from", "2026-11-24 10:00"), ("wanted_until", "2026-11-24 09:00")]);
        let (draft, doubts) = read(&backwards, rules()).unwrap();
        assert_eq!((doubts[0].code, draft.details.wanted_until), ("ends_before_start", None));
        assert!(draft.details.wanted_from.is_some());
    }

    #[test]
    fn a_day_that_became_a_number_is_read_and_told_and_one_that_can_be_two_is_refused() {
        let (draft, doubts) = read(&words(&[("received_at", "46348.6041666667")]), rules()).unwrap();
        assert_eq!(draft.details.received_at, "2026-11-22T06:30:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        assert!(doubts[0].code == "time_serial" && doubts[0].zh.contains("2026-11-22 14:30"), "{doubts:?}");
        let wrong = |text| read(&words(&[("received_at", text)]), rules()).unwrap_err()[0].code;
        assert_eq!(
            (wrong("3/5/26 14:30"), wrong("昨天"), wrong("60000")),
            ("time_ambiguous", "time_format", "time_out_of_range")
        );
        let two = read(&words(&[("received_at", "昨天"), ("urgency", "快点")]), rules()).unwrap_err();
        assert_eq!(two.len(), 1, "what is spared is no fault: {two:?}");
    }
}
