//! The values that people type, parsed at the border: names, log-ins, and the national formats of the platform.
//!
//! Every parser forgives what pasting does (spaces, hyphens, full-width digits) and says in both
//! languages how to mend the rest.

use std::borrow::Cow;

use axum::extract::{FromRequest, Request};
use axum::http::header;
use chrono::NaiveDate;
use sanbao_platform::cn::{DiallingCode, Phone, ResidentId, plain_name};
use sanbao_platform::http::Json;
use sanbao_platform::invisible::without_invisible;
use sanbao_platform::problem::{BAD_REQUEST, FieldError, Problem};
use sanbao_platform::text_enum;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The fault of a value and how to mend it; never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub zh: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

impl Wrong {
    /// A fixed sentence in both languages.
    pub const fn new(zh: &'static str, en: &'static str) -> Self {
        Self { zh: Cow::Borrowed(zh), en: Cow::Borrowed(en) }
    }
}

/// Collects the wrong fields of one request, so that all are told at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// The value, or `None` with the error noted at `pointer`.
    pub fn take<T>(&mut self, pointer: &str, parsed: Result<T, Wrong>) -> Option<T> {
        parsed.map_err(|wrong| self.0.push(FieldError::new(pointer, wrong.zh, wrong.en))).ok()
    }

    /// The same for a field that may be left out or empty.
    pub fn maybe<T>(
        &mut self,
        pointer: &str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let text = text.map(str::trim).filter(|t| !t.is_empty())?;
        self.take(pointer, parse(text))
    }

    /// Goes on when nothing was wrong.
    pub fn done(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }

    /// The values of a finished form, or everything that was wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.done()?;
        value.ok_or_else(|| Problem::internal("a field was refused without saying why"))
    }
}

text_enum! {
    /// Sex as the national id tells it.
    #[derive(Default)]
    pub enum Sex {
        /// 男
        Male = "male",
        /// 女
        Female = "female",
        /// Not told.
        #[default]
        Unknown = "unknown",
    }
}

/// A resident id, or what is wrong with it; `today` bounds the birth date.
pub fn resident_id(typed: &str, today: NaiveDate) -> Result<ResidentId, Wrong> {
    ResidentId::parse(typed, today).map_err(|e| {
        let (zh, en) = e.advice();
        Wrong::new(zh, en)
    })
}

/// The sex that a resident id tells.
pub fn sex_of(id: &ResidentId) -> Sex {
    if id.is_male() { Sex::Male } else { Sex::Female }
}

/// A telephone number of any kind; a landline without its area code is of `own`, the network's.
pub fn telephone(typed: &str, own: Option<&DiallingCode>) -> Result<Phone, Wrong> {
    Phone::parse(typed, own).map_err(|e| {
        let (zh, en) = e.advice();
        Wrong::new(zh, en)
    })
}

/// A person's name of 1 to `chars_max` characters, in the one form in which it is found.
pub fn person_name(typed: &str, chars_max: usize) -> Result<String, Wrong> {
    line(typed, chars_max).map(|text| plain_name(&text))
}

/// One line of text of 1 to `chars_max` characters, trimmed, without control characters and without what nobody sees.
pub fn line(typed: &str, chars_max: usize) -> Result<String, Wrong> {
    let text = without_invisible(typed);
    let text = text.trim();
    if text.is_empty() {
        return Err(Wrong::new("必填", "This field is required"));
    }
    if text.chars().count() > chars_max {
        return Err(Wrong {
            zh: format!("最多 {chars_max} 个字").into(),
            en: format!("{chars_max} characters at most").into(),
        });
    }
    if text.chars().any(char::is_control) {
        return Err(Wrong::new("不能有换行或控制字符", "No line breaks or control characters"));
    }
    Ok(text.to_owned())
}

/// A log-in name: 3 to 40 lower-case letters, digits, dots, hyphens and underscores.
pub fn login(typed: &str) -> Result<String, Wrong> {
    let text = plain_login(typed);
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if (3..=40).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text)
    } else {
        Err(Wrong::new(
            "用户名为 3 到 40 个小写字母、数字、点、横线或下划线",
            "3 to 40 lower-case letters, digits, dots, hyphens or underscores",
        ))
    }
}

/// A log-in name as it is looked up: trimmed and lower-case, so that a tablet's capital does no harm.
pub fn plain_login(typed: &str) -> String {
    typed.trim().to_lowercase()
}

/// An area's code: 2 to 40 ASCII letters, digits, dots and hyphens; what it names is another service's knowledge.
pub fn area_code(typed: &str) -> Result<String, Wrong> {
    let text = typed.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if (2..=40).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(Wrong::new("区域代码不对", "Not an area code"))
    }
}

/// The fields of the form behind the one-time link.
#[derive(Debug, Deserialize)]
pub(super) struct Setup {
    #[serde(default)]
    pub(super) token: String,
    pub(super) name_zh: String,
    #[serde(default)]
    pub(super) name_en: String,
    pub(super) area_code: Option<String>,
    pub(super) login: String,
    pub(super) display_name: String,
    pub(super) password: String,
    /// The password once more, as the page asks for it.
    pub(super) again: Option<String>,
}

/// The fields of the form behind an account's one-time link.
#[derive(Deserialize)]
pub(super) struct AccountStart {
    #[serde(default)]
    pub(super) token: String,
    pub(super) password: String,
    /// The password once more, as the page asks for it.
    pub(super) again: Option<String>,
}

/// The password once more is the same, where it was typed twice.
pub(super) fn typed_twice(password: &str, again: Option<&str>) -> Result<(), Wrong> {
    if again.is_none_or(|again| again == password) {
        Ok(())
    } else {
        Err(Wrong::new("两次输入的密码不一样", "The two passwords differ"))
    }
}

/// The query of pages that lead back.
#[derive(Deserialize)]
pub(super) struct Next {
    pub(super) next: Option<String>,
}

/// A body as a plain form sends it, or as a script does.
pub(super) struct FormOrJson<T> {
    /// The body as it was sent.
    pub(super) body: T,
    /// Whether a plain form sent it, so that the answer is a page.
    pub(super) form: bool,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for FormOrJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/x-www-form-urlencoded") {
            let form = axum::Form::<T>::from_request(request, state).await;
            let axum::Form(body) = form.map_err(|e| Problem::new(&BAD_REQUEST).because(e))?;
            Ok(Self { body, form: true })
        } else {
            let Json(body) = Json::from_request(request, state).await?;
            Ok(Self { body, form: false })
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_national_id_tells_the_sex_and_a_wrong_one_how_to_mend_it() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        assert_eq!(sex_of(&resident_id(" 110105-19491231-002x ", today).unwrap()), Sex::Female);
        let wrong = resident_id("110105194912310021", today).unwrap_err();
        assert!(wrong.zh.contains("校验") && wrong.en.contains("check digit"), "{wrong:?}");
    }

    #[test]
    fn a_number_that_nobody_answers_is_refused_with_what_to_do() {
        let own = "0574".parse().ok();
        assert_eq!(telephone("8625-1234 转 803", own.as_ref()).unwrap().as_str(), "057486251234-803");
        let wrong = telephone("86251234", None).unwrap_err();
        assert!(wrong.zh.contains("区号") && wrong.en.contains("area code"), "{wrong:?}");
    }

    #[test]
    fn lines_and_log_ins_are_bounded() {
        assert!(line("  ", 10).is_err());
        assert!(line("a\nb", 10).is_err());
        assert!(line(&"长".repeat(11), 10).is_err());
        assert_eq!(line(" 王 ", 10).unwrap(), "王");
        assert_eq!(line("\u{202e}王\u{200b} \u{feff}", 1).unwrap(), "王", "what nobody sees is no name");
        assert!(line("\u{200b}\u{2066}", 10).is_err());
        assert_eq!(login(" Li.Ming ").unwrap(), "li.ming");
        assert!(login("<script>").is_err());
    }
}
