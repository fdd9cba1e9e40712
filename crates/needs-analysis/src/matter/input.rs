//! Bodies and queries of matters, checked.

use chrono::NaiveDate;
use sanbao_platform::invisible::without_invisible;
use sanbao_platform::problem::Problem;
use sanbao_platform::table::Fault;
use sanbao_platform::text_enum::TextEnum as _;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::MatterKind;
use super::store::MattersOf;
use crate::area::{AreaCode, Level};
use crate::request::input::{WORD_CHARS_MAX, invalid};

/// Characters of a matter's words at most.
pub const MATTER_CHARS_MAX: usize = 200;
/// Characters of a reason, an answer or a remark at most.
pub const SAID_CHARS_MAX: usize = 500;

/// A new matter.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "2 幢 1 单元楼道灯坏了三天，老人晚上不敢下楼", "kind": "facility", "area_code": "330211001001-C1-G1-B1"}))]
pub struct NewMatter {
    /// The matter in a sentence.
    pub title: Option<String>,
    /// `safety`, `environment`, `neighbours`, `elders`, `facility` or `other`; other when absent.
    pub kind: Option<String>,
    /// Where it is: one of the caller's areas, or within one. That of the door or the request when absent.
    pub area_code: Option<String>,
    /// A door of a round that it is about. At most one of the three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door_id: Option<Uuid>,
    /// A request that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
    /// The record of an elder that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
}

/// The words that may come with the end of a matter.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "物业已换灯"}))]
pub struct SettleBody {
    pub note: Option<String>,
}

/// The reason of a step.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "要换整条线路，网格没有电工"}))]
pub struct MatterReason {
    pub reason: Option<String>,
}

/// The answer of a level above.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"answer": "社区已约电工，周四上午来换"}))]
pub struct AnswerBody {
    pub answer: Option<String>,
}

/// Which matters to list. An empty value filters nothing, as a form sends it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct MatterQuery {
    /// `mine`: those that lie with the caller's areas; `sent`: with a level above them; `below`: with a level below them; `ended`:
    /// none any more. Mine when absent.
    pub which: Option<String>,
    /// Only those that lie with this level: `building`, `grid`, `compound`, `community` or `street`.
    pub level: Option<String>,
    /// Only those within this area.
    pub area: Option<String>,
    /// Of those that have ended the month of their end; the present one when absent.
    #[param(example = "2026-11")]
    pub month: Option<String>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Rows wanted, 1 to 200.
    pub limit: Option<u32>,
}

/// Which figures to give. An empty value is none, as a form sends it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FiguresQuery {
    /// The month; the present one when absent.
    #[param(example = "2026-11")]
    pub month: Option<String>,
    /// The area, one of the caller's or within one; the first of the caller's when absent.
    #[param(example = "330211001")]
    pub area: Option<String>,
}

/// A new matter whose fields are good; whether there are such things is for the database to say.
#[derive(Clone, Debug)]
pub(super) struct MatterDraft {
    pub(super) title: String,
    pub(super) kind: MatterKind,
    pub(super) area_code: Option<AreaCode>,
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, field: &'static str, code: &'static str, zh: &'static str, en: &'static str) {
        self.0.push(Fault::new(field, code, zh, en));
    }

    /// A trimmed text on one line; nothing when empty.
    fn text(&mut self, field: &'static str, text: Option<&String>, chars_max: usize) -> Option<String> {
        let text = without_invisible(text?).replace(['\n', '\r', '\t'], " ");
        let text = Some(text.trim()).filter(|t| !t.is_empty())?;
        if text.chars().count() > chars_max {
            self.add(field, "too_long", "内容太长", "Too long");
            return None;
        }
        if text.chars().any(char::is_control) {
            self.add(field, "control_characters", "含有不可见的控制字符", "It holds control characters");
            return None;
        }
        Some(text.to_owned())
    }

    fn needed(&mut self, field: &'static str, text: Option<&String>, chars_max: usize) -> Option<String> {
        let text = self.text(field, text, chars_max);
        if text.is_none() && self.0.is_empty() {
            self.add(field, "required", "必填", "This field is required");
        }
        text
    }

    fn done<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(invalid(&self.0)),
        }
    }
}

impl NewMatter {
    /// The matter, or everything that is wrong with it.
    pub(super) fn checked(&self) -> Result<MatterDraft, Problem> {
        let mut f = Faults::default();
        let title = f.needed("title", self.title.as_ref(), MATTER_CHARS_MAX);
        let kind = f.text("kind", self.kind.as_ref(), WORD_CHARS_MAX);
        let kind = kind.map_or(Some(MatterKind::Other), |text| MatterKind::from_text(&text));
        if kind.is_none() {
            f.add("kind", "choice_unknown", "没有这个类别", "There is no such kind");
        }
        let area = f.text("area_code", self.area_code.as_ref(), WORD_CHARS_MAX);
        let about = [self.door_id, self.request_id, self.person_id].iter().flatten().count();
        if area.is_none() && self.door_id.is_none() && self.request_id.is_none() {
            f.add("area_code", "required", "必填", "This field is required");
        }
        if about > 1 {
            f.add(
                "door_id",
                "too_many",
                "只能关联一户、一张工单或一位老人",
                "One door, one request or one elder at most",
            );
        }
        let code = area.as_deref().map(AreaCode::parse).transpose();
        if code.is_err() {
            f.add("area_code", "area_unknown", "没有这个区域", "There is no such area");
        }
        let made = title.zip(kind).map(|(title, kind)| MatterDraft { title, kind, area_code: code.ok().flatten() });
        f.done(made)
    }
}

impl SettleBody {
    pub(super) fn checked(&self) -> Result<Option<String>, Problem> {
        let mut f = Faults::default();
        let note = f.text("note", self.note.as_ref(), SAID_CHARS_MAX);
        f.done(Some(note))
    }
}

impl MatterReason {
    pub(super) fn checked(&self) -> Result<String, Problem> {
        let mut f = Faults::default();
        let reason = f.needed("reason", self.reason.as_ref(), SAID_CHARS_MAX);
        f.done(reason)
    }
}

impl AnswerBody {
    pub(super) fn checked(&self) -> Result<String, Problem> {
        let mut f = Faults::default();
        let answer = f.needed("answer", self.answer.as_ref(), SAID_CHARS_MAX);
        f.done(answer)
    }
}

fn set(text: Option<&String>) -> Option<&str> {
    text.map(|t| t.trim()).filter(|t| !t.is_empty())
}

fn none(name: &str) -> Problem {
    Problem::field(format!("?{name}"), "没有这个选项", "There is no such choice")
}

/// The first day of a month, 2026-11; of the present one where none is named.
pub(super) fn month_of(text: Option<&String>, today: NaiveDate) -> Result<NaiveDate, Problem> {
    let Some(text) = set(text) else { return Ok(first_day(today)) };
    let wrong = || Problem::field("?month", "月份写成 2026-11 这样", "A month such as 2026-11");
    let whole = text.len() == 7 && text.is_ascii();
    let day: NaiveDate = format!("{text}-01").parse().ok().filter(|_| whole).ok_or_else(wrong)?;
    if day < NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or(NaiveDate::MIN) || day > first_day(today) {
        return Err(Problem::field("?month", "请选择今天以前的月份", "Choose a month that has begun"));
    }
    Ok(day)
}

fn first_day(day: NaiveDate) -> NaiveDate {
    use chrono::Datelike as _;
    day.with_day(1).unwrap_or(day)
}

impl MatterQuery {
    /// Which, with which level, within which area.
    pub(super) fn checked(&self, today: NaiveDate) -> Result<(MattersOf, Option<Level>, Option<AreaCode>), Problem> {
        let which = match set(self.which.as_ref()).unwrap_or("mine") {
            "mine" => MattersOf::Mine,
            "sent" => MattersOf::Sent,
            "below" => MattersOf::Below,
            "ended" => MattersOf::Ended(month_of(self.month.as_ref(), today)?.format("%Y-%m").to_string()),
            _ => return Err(none("which")),
        };
        let level = set(self.level.as_ref());
        let level = level.map(|t| Level::from_text(t).ok_or_else(|| none("level"))).transpose()?;
        let area = set(self.area.as_ref());
        let area = area.map(|t| AreaCode::parse(t).map_err(|_| none("area"))).transpose()?;
        Ok((which, level, area))
    }
}

impl FiguresQuery {
    /// The month by its first day, and the area if one is named.
    pub(super) fn checked(&self, today: NaiveDate) -> Result<(NaiveDate, Option<AreaCode>), Problem> {
        let area = set(self.area.as_ref());
        let area = area.map(|t| AreaCode::parse(t).map_err(|_| none("area"))).transpose()?;
        Ok((month_of(self.month.as_ref(), today)?, area))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_month_is_one_that_has_begun() {
        let today: NaiveDate = "2026-11-23".parse().unwrap();
        let of = |text: &str| month_of(Some(&text.to_owned()), today).map(|day| day.to_string()).ok();
        assert_eq!(of("2026-11").as_deref(), Some("2026-11-01"));
        assert_eq!(of(" ").as_deref(), Some("2026-11-01"));
        for wrong in ["2026-12", "2026-13", "26-11", "1999-12", "2026-11-01", "今月", "+202-01"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn words_have_bounds() {
        let of = |title: String| NewMatter { title: Some(title), area_code: Some("1".into()), ..NewMatter::default() };
        assert!(of("灯".repeat(MATTER_CHARS_MAX)).checked().is_ok());
        assert!(of("灯".repeat(MATTER_CHARS_MAX + 1)).checked().is_err());
        assert!(of("\u{200b} ".into()).checked().is_err());
        let said = |n| MatterReason { reason: Some("因".repeat(n)) }.checked();
        assert!(said(SAID_CHARS_MAX).is_ok() && said(SAID_CHARS_MAX + 1).is_err() && said(0).is_err());
    }
}
