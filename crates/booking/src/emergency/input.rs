//! A try's number and reason, and a review's remark, read and checked.

use chrono::NaiveDate;
use sanbao_platform::problem::Problem;
use sanbao_platform::service::Deps;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::Sign;
use crate::account::input::{Fields, Wrong, line, resident_id, telephone};

/// The least that says anything, in characters.
const WORDS_CHARS_MIN: usize = 4;
/// A reason and a remark at most, in characters.
pub(super) const WORDS_CHARS_MAX: usize = 300;

/// Whose record is to be opened, and why.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"number": "11010519491231002X", "reason": "急诊：昏迷送来，家属联系不上"}))]
pub(super) struct NewEmergencyAccess {
    /// A whole national id or a whole telephone number of the person.
    #[serde(default)]
    #[schema(required)]
    number: String,
    /// Why it cannot wait; 4 to 300 characters.
    #[serde(default)]
    #[schema(required)]
    reason: String,
}

/// The number that a person is looked for by.
pub(super) enum Number {
    /// A national id's blind index.
    NationalId(String),
    Phone(String),
}

impl Number {
    /// The kind of the number, which is all that is kept of it.
    pub(super) fn sign(&self) -> Sign {
        match self {
            Self::NationalId(_) => Sign::NationalId,
            Self::Phone(_) => Sign::Phone,
        }
    }
}

fn words(typed: &str) -> Result<String, Wrong> {
    let text = line(typed, WORDS_CHARS_MAX)?;
    if text.chars().count() < WORDS_CHARS_MIN {
        return Err(Wrong::new("请写清楚，至少 4 个字", "Say it in at least 4 characters"));
    }
    Ok(text)
}

fn number(typed: &str, deps: &Deps, today: NaiveDate) -> Result<Number, Wrong> {
    if let Ok(id) = resident_id(typed, today) {
        return Ok(Number::NationalId(id.index(&deps.fields)));
    }
    let phone = telephone(typed, deps.dialling_code.as_ref()).map(|phone| Number::Phone(phone.as_str().to_owned()));
    phone.map_err(|_| {
        Wrong::new(
            "请输入完整的身份证号或电话，不能按姓名查找",
            "Give a whole national id or a whole telephone number; names are not searched",
        )
    })
}

impl NewEmergencyAccess {
    /// The number and the reason, or all that is wrong with them.
    pub(super) fn checked(&self, deps: &Deps, today: NaiveDate) -> Result<(Number, String), Problem> {
        let mut fields = Fields::default();
        let number = fields.take("/number", number(&self.number, deps, today));
        let reason = fields.take("/reason", words(&self.reason));
        fields.finish(number.zip(reason))
    }
}

/// A reviewer's word.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"remark": "已与科室核实，属急诊抢救"}))]
pub(super) struct EmergencyReview {
    /// The finding; 4 to 300 characters.
    #[serde(default)]
    #[schema(required)]
    remark: String,
}

impl EmergencyReview {
    /// The remark, or what is wrong with it.
    pub(super) fn checked(&self) -> Result<String, Problem> {
        let mut fields = Fields::default();
        let remark = fields.take("/remark", words(&self.remark));
        fields.finish(remark)
    }
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EmergencyQuery {
    /// The `next` of the page before.
    pub(super) after: Option<String>,
    /// Rows wanted, 1 to 200.
    pub(super) limit: Option<u32>,
    /// Only those that wait for their review.
    #[serde(default)]
    pub(super) waiting: bool,
}
