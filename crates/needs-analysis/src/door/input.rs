//! Bodies and rows of rounds and doors, checked.

use chrono::{Duration, NaiveDate};
use sanbao_platform::cn::{DiallingCode, Phone, plain_name};
use sanbao_platform::invisible::without_invisible;
use sanbao_platform::problem::Problem;
use sanbao_platform::table::Fault;
use sanbao_platform::text_enum::TextEnum as _;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::id::RoundId;
use super::model::{DoorElder, RoundReason};
use super::state::DoorStateName;
use crate::area::AreaCode;
use crate::request::input::{ADDRESS_CHARS_MAX, NAME_CHARS_MAX, NOTE_CHARS_MAX, WORD_CHARS_MAX, invalid};
use crate::request::{Category, Urgency};

/// Characters of a round's title at most.
pub const TITLE_CHARS_MAX: usize = 60;
/// Characters of a door's remark at most.
pub const REMARK_CHARS_MAX: usize = 200;
/// Days that a round lasts at most.
pub const ROUND_DAYS_MAX: i64 = 31;
/// How far ahead a round may begin, in days.
pub const AHEAD_DAYS_MAX: i64 = 366;

/// A new round of door knocks.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "本周走访", "reason": "routine", "area_code": "330211001001",
    "starts_on": "2026-11-23", "ends_on": "2026-11-29"}))]
pub struct NewRound {
    pub title: Option<String>,
    /// `routine`, `cold`, `heat` or `storm`; routine when absent.
    pub reason: Option<String>,
    /// The area that its doors lie in: one of the caller's, or within one.
    pub area_code: Option<String>,
    pub starts_on: Option<String>,
    /// The last day, at most 30 days after the first.
    pub ends_on: Option<String>,
    /// An earlier round whose doors it takes over, as far as they lie in its area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<String>,
}

/// A new door of a round.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"area_code": "330211001001-C1-G1-B1", "elder_name": "林某兰", "phone": "19900000001",
    "address": "东苑 2 幢 1 单元 301", "remark": "耳背，敲门要重些"}))]
pub struct NewDoor {
    /// The smallest area that is known: the stair or the grid, within the round's area.
    pub area_code: Option<String>,
    /// A name or an address is needed.
    pub elder_name: Option<String>,
    pub phone: Option<String>,
    pub address: Option<String>,
    /// A word for the one who knocks.
    pub remark: Option<String>,
    /// The elder's record in the network, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
}

/// The words that may come with what was seen.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "邻居说去女儿家了"}))]
pub struct SeenBody {
    pub note: Option<String>,
}

/// The help that is needed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"urgency": "urgent", "note": "发烧两天，想去医院"}))]
pub struct HelpBody {
    /// `emergency`, `urgent` or `normal`; normal when absent.
    pub urgency: Option<String>,
    /// A category's code; `emergency` for an emergency and `visit` for all else when absent.
    pub category: Option<String>,
    pub note: Option<String>,
}

/// Which doors to list. An empty value filters nothing, as a form sends it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct DoorQuery {
    /// Of this round; of all that are on today when absent.
    pub round: Option<String>,
    /// Only those at which this was seen.
    pub state: Option<String>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Rows wanted, 1 to 200.
    pub limit: Option<u32>,
}

/// A round whose fields are good; whether there is such an area is for the database to say.
#[derive(Clone, Debug)]
pub struct RoundDraft {
    pub title: String,
    pub reason: RoundReason,
    pub area_code: AreaCode,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub copy_of: Option<RoundId>,
}

/// The faults of one body or row.
#[derive(Default)]
pub(super) struct DoorFaults(pub(super) Vec<Fault>);

impl DoorFaults {
    pub(super) fn add(&mut self, field: &'static str, code: &'static str, zh: &'static str, en: &'static str) {
        self.0.push(Fault::new(field, code, zh, en));
    }

    /// A trimmed text on one line; nothing when empty.
    pub(super) fn text(&mut self, field: &'static str, text: Option<&String>, chars_max: usize) -> Option<String> {
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

    fn required<T>(&mut self, field: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.0.iter().any(|f| f.field == field) {
            self.add(field, "required", "必填", "This field is required");
        }
        value
    }

    fn day(&mut self, field: &'static str, text: Option<&String>) -> Option<NaiveDate> {
        let text = self.text(field, text, WORD_CHARS_MAX);
        let text = self.required(field, text)?;
        let day = sanbao_platform::table::when::day(&text);
        if day.is_none() {
            self.add(field, "date_format", "日期写成 2026-11-23 这样", "A date such as 2026-11-23");
        }
        day
    }

    fn area(&mut self, text: Option<&String>) -> Option<AreaCode> {
        let text = self.text("area_code", text, WORD_CHARS_MAX);
        let code = AreaCode::parse(&self.required("area_code", text)?).ok();
        if code.is_none() {
            self.add("area_code", "area_unknown", "没有这个区域", "There is no such area");
        }
        code
    }

    fn one_of<T>(&mut self, field: &'static str, text: Option<&String>, of: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(field, text, WORD_CHARS_MAX)?;
        let one = of(&text);
        if one.is_none() {
            self.add(field, "choice_unknown", "没有这个选项", "There is no such choice");
        }
        one
    }
}

impl NewRound {
    /// The round, or everything that is wrong with it.
    pub(super) fn checked(&self, today: NaiveDate) -> Result<RoundDraft, Problem> {
        let mut f = DoorFaults::default();
        let title = f.text("title", self.title.as_ref(), TITLE_CHARS_MAX);
        let title = f.required("title", title);
        let reason = f.one_of("reason", self.reason.as_ref(), RoundReason::from_text).unwrap_or(RoundReason::Routine);
        let area_code = f.area(self.area_code.as_ref());
        let (starts_on, ends_on) =
            (f.day("starts_on", self.starts_on.as_ref()), f.day("ends_on", self.ends_on.as_ref()));
        let copy_of = f.one_of("copy_of", self.copy_of.as_ref(), |text| text.parse().ok());
        if let Some((from, until)) = starts_on.zip(ends_on) {
            if until < from {
                f.add("ends_on", "ends_before_start", "最后一天不能早于第一天", "The last day is not before the first");
            } else if until - from >= Duration::days(ROUND_DAYS_MAX) {
                f.add("ends_on", "too_long", "一次行动最多 31 天", "A round lasts 31 days at most");
            }
            if until < today {
                f.add("ends_on", "is_over", "最后一天已经过去", "The last day is over");
            }
            if from > today + Duration::days(AHEAD_DAYS_MAX) {
                f.add("starts_on", "too_far", "第一天应在一年以内", "The first day is within a year");
            }
        }
        match (title, area_code, starts_on, ends_on) {
            (Some(title), Some(area_code), Some(starts_on), Some(ends_on)) if f.0.is_empty() => {
                Ok(RoundDraft { title, reason, area_code, starts_on, ends_on, copy_of })
            }
            _ => Err(invalid(&f.0)),
        }
    }
}

impl NewDoor {
    /// The place and the elder, or everything that is wrong.
    pub(super) fn checked(&self, own: Option<&DiallingCode>) -> Result<(AreaCode, DoorElder), Problem> {
        let mut f = DoorFaults::default();
        let area_code = f.area(self.area_code.as_ref());
        let elder = elder(self, own, &mut f);
        match area_code {
            Some(area_code) if f.0.is_empty() => Ok((area_code, elder)),
            _ => Err(invalid(&f.0)),
        }
    }
}

/// The elder of a body or a row.
pub(super) fn elder(of: &NewDoor, own: Option<&DiallingCode>, f: &mut DoorFaults) -> DoorElder {
    let name = f.text("elder_name", of.elder_name.as_ref(), NAME_CHARS_MAX).map(|name| plain_name(&name));
    let address = f.text("address", of.address.as_ref(), ADDRESS_CHARS_MAX);
    let remark = f.text("remark", of.remark.as_ref(), REMARK_CHARS_MAX);
    let phone = f.text("phone", of.phone.as_ref(), WORD_CHARS_MAX);
    let phone = phone.and_then(|text| match Phone::parse(&text, own) {
        Ok(phone) => Some(phone.as_str().to_owned()),
        Err(_) => {
            f.add("phone", "phone_format", "电话号码不对，请核对", "Not a telephone number");
            None
        }
    });
    if name.is_none() && address.is_none() && f.0.is_empty() {
        f.add("elder_name", "required", "姓名和地址至少填一项", "A name or an address is needed");
    }
    DoorElder { name: name.unwrap_or_default(), phone, address, remark }
}

impl SeenBody {
    /// The words, cleaned.
    pub(super) fn checked(&self) -> Result<Option<String>, Problem> {
        let mut f = DoorFaults::default();
        let note = f.text("note", self.note.as_ref(), NOTE_CHARS_MAX);
        if f.0.is_empty() { Ok(note) } else { Err(invalid(&f.0)) }
    }
}

impl HelpBody {
    /// How urgent it is, of which kind, and the words.
    pub(super) fn checked(&self) -> Result<(Urgency, Category, Option<String>), Problem> {
        let mut f = DoorFaults::default();
        let urgency = f.one_of("urgency", self.urgency.as_ref(), Urgency::from_text).unwrap_or(Urgency::Normal);
        let category = f.one_of("category", self.category.as_ref(), Category::from_text);
        let note = f.text("note", self.note.as_ref(), NOTE_CHARS_MAX);
        if !f.0.is_empty() {
            return Err(invalid(&f.0));
        }
        let usual = if urgency == Urgency::Emergency { Category::Emergency } else { Category::Visit };
        Ok((urgency, category.unwrap_or(usual), note))
    }
}

impl DoorQuery {
    fn set(text: Option<&String>) -> Option<&str> {
        text.map(|t| t.trim()).filter(|t| !t.is_empty())
    }

    /// The round and the state that are asked for.
    pub(super) fn checked(&self) -> Result<(Option<RoundId>, Option<DoorStateName>), Problem> {
        let none = |name: &str| Problem::field(format!("?{name}"), "没有这个选项", "There is no such choice");
        let round = Self::set(self.round.as_ref()).map(|t| t.parse().map_err(|_| none("round"))).transpose()?;
        let state = Self::set(self.state.as_ref());
        let state = state.map(|t| DoorStateName::from_text(t).ok_or_else(|| none("state"))).transpose()?;
        Ok((round, state))
    }
}
