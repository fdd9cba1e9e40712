//! The rows of the log that are asked for, as it comes in a query or from a form.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::http::Paging;
use crate::moment::begins;
use crate::problem::Problem;

/// Characters of an action that is looked for.
const ACTION_CHARS_MAX: usize = 80;

/// The rows that are asked for. An empty value asks for nothing.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// The account that did it, or that a log-in was for: its id.
    #[serde(default)]
    pub account: Option<String>,
    /// A part of the action, such as `consult.`
    #[serde(default)]
    pub action: Option<String>,
    /// The person or the thing that it was done to, or that was shown: its id.
    #[serde(default)]
    pub thing: Option<String>,
    /// The first day, such as 2026-11-23.
    #[serde(default)]
    pub from: Option<String>,
    /// The last day.
    #[serde(default)]
    pub until: Option<String>,
    /// `refused`: only what was not done.
    #[serde(default)]
    pub outcome: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<String>,
    /// Rows wanted, 1 to 200.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// The same, checked. Ids of rows begin with their time, so that days are bounds of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AuditFilter {
    pub(super) account: Option<Uuid>,
    /// A pattern of `like`.
    pub(super) action: Option<String>,
    pub(super) thing: Option<Uuid>,
    /// The least id.
    pub(super) least: Uuid,
    /// The id before which all are.
    pub(super) before: Uuid,
    pub(super) refused: bool,
}

fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn id(name: &str, text: Option<&str>) -> Result<Option<Uuid>, Problem> {
    let wrong = |_| Problem::field(name, "编号不对，应像 0190…-…", "Not an id, as 0190…-…");
    given(text).map(|text| text.parse().map_err(wrong)).transpose()
}

fn day(name: &str, text: Option<&str>) -> Result<Option<NaiveDate>, Problem> {
    let wrong = |_| Problem::field(name, "日期不对，应像 2026-11-23", "Not a day, as 2026-11-23");
    given(text).map(|text| text.parse().map_err(wrong)).transpose()
}

/// The id before all of that moment's.
fn first_id(at: DateTime<Utc>) -> Uuid {
    Uuid::from_u128(u128::try_from(at.timestamp_millis()).unwrap_or(0) << 80)
}

impl AuditQuery {
    pub(super) fn paging(&self) -> Paging {
        Paging { after: given(self.after.as_deref()).map(str::to_owned), limit: self.limit }
    }

    pub(super) fn filter(&self, zone: Tz) -> Result<AuditFilter, Problem> {
        let action = given(self.action.as_deref());
        if action.is_some_and(|text| text.chars().count() > ACTION_CHARS_MAX) {
            return Err(Problem::field("?action", "最多 80 个字", "80 characters at most"));
        }
        let pattern = |text: &str| format!("%{}%", text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_"));
        let from = day("?from", self.from.as_deref())?.and_then(|day| begins(day, zone));
        let until =
            day("?until", self.until.as_deref())?.and_then(|day| begins(day.checked_add_days(Days::new(1))?, zone));
        let outcome = given(self.outcome.as_deref());
        if outcome.is_some_and(|word| word != "refused") {
            return Err(Problem::field("?outcome", "只能是 refused", "refused, or nothing"));
        }
        let before = until.map_or(Uuid::max(), first_id);
        let after: Option<Uuid> = self.paging().after()?;
        Ok(AuditFilter {
            account: id("?account", self.account.as_deref())?,
            action: action.map(pattern),
            thing: id("?thing", self.thing.as_deref())?,
            least: from.map_or(Uuid::nil(), first_id),
            before: after.map_or(before, |after| after.min(before)),
            refused: outcome.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::id::uuid_v7;

    const ZONE: Tz = chrono_tz::Asia::Shanghai;

    #[test]
    fn a_day_has_the_ids_of_its_time() {
        let query = AuditQuery {
            from: Some("2026-11-23".to_owned()),
            until: Some("2026-11-23".to_owned()),
            action: Some(" 100%_ ".to_owned()),
            account: Some(String::new()),
            ..AuditQuery::default()
        };
        let filter = query.filter(ZONE).unwrap();
        let within = |at: &str| {
            let id = uuid_v7(at.parse().unwrap());
            id >= filter.least && id < filter.before
        };
        let times =
            ["2026-11-22T15:59:59.999Z", "2026-11-22T16:00:00Z", "2026-11-23T15:59:59.999Z", "2026-11-23T16:00:00Z"];
        assert_eq!(times.map(within), [false, true, true, false]);
        assert_eq!((filter.action.as_deref(), filter.account), (Some(r"%100\%\_%"), None));
    }

    #[test]
    fn what_is_no_filter_is_said_at_its_field() {
        let text = |text: &str| Some(text.to_owned());
        for (name, query) in [
            ("?account", AuditQuery { account: text("me"), ..AuditQuery::default() }),
            ("?thing", AuditQuery { thing: text("1"), ..AuditQuery::default() }),
            ("?from", AuditQuery { from: text("23.11.2026"), ..AuditQuery::default() }),
            ("?until", AuditQuery { until: text("2026-13-01"), ..AuditQuery::default() }),
            ("?outcome", AuditQuery { outcome: text("done"), ..AuditQuery::default() }),
            ("?after", AuditQuery { after: text("x"), ..AuditQuery::default() }),
            ("?action", AuditQuery { action: Some("x".repeat(81)), ..AuditQuery::default() }),
        ] {
            let body = query.filter(ZONE).unwrap_err().body(crate::lang::Lang::En, "");
            assert_eq!(body["errors"][0]["pointer"], name, "{body}");
        }
    }
}
