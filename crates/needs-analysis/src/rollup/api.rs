//! The counts by HTTP: as JSON and as a file.

use axum::extract::State as AppState;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use chrono::{Datelike as _, Months, NaiveDate};
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Json, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::moment::Day;
use sanbao_platform::problem::Problem;
use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::period::{By, Period};
use super::read::{self, Counts, Overview, Question};
use crate::area::{Area, AreaCode, Level};
use crate::request::category::Category;
use crate::request::state::RequestStateName;
use crate::texts::{self, TEXTS};
use crate::{App, local_day};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(counts)).routes(routes!(counts_csv))
}

/// The counts to ask for, over which time. A form sends empty fields for what it leaves open.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CountsQuery {
    #[serde(default, deserialize_with = "blank_as_none")]
    #[param(value_type = String, required = true, example = "330211001")]
    pub(super) area: Option<AreaCode>,
    /// The first day; two months before the present one when absent.
    #[serde(default, deserialize_with = "blank_as_none")]
    #[param(value_type = Option<NaiveDate>, example = "2026-09-01")]
    pub(super) from: Option<Day>,
    /// The last day, included; today when absent. At most five years after the first.
    #[serde(default, deserialize_with = "blank_as_none")]
    #[param(value_type = Option<NaiveDate>, example = "2026-11-30")]
    pub(super) to: Option<Day>,
    /// How to split the time; `total` when absent. By day at most 366 days.
    #[serde(default, deserialize_with = "blank_as_none")]
    pub(super) by: Option<By>,
    /// Only requests of this category.
    #[serde(default, deserialize_with = "blank_as_none")]
    pub(super) category: Option<Category>,
    /// Only requests that stand in this state.
    #[serde(default, deserialize_with = "blank_as_none")]
    pub(super) state: Option<RequestStateName>,
}

fn blank_as_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(from)?.filter(|t| !t.trim().is_empty());
    text.map(|t| T::deserialize(t.into_deserializer())).transpose()
}

impl CountsQuery {
    /// The first and last day wanted.
    pub(super) fn days(&self, today: NaiveDate) -> (NaiveDate, NaiveDate) {
        let to = self.to.map_or(today, |day| *day);
        let month = today.with_day(1).unwrap_or(today);
        // An open beginning before an early end is the end's own month.
        let from = month.checked_sub_months(Months::new(2)).unwrap_or(month).min(to.with_day(1).unwrap_or(to));
        (self.from.map_or(from, |day| *day), to)
    }

    /// The question about `area`, its time split as `by` says.
    pub(super) fn question(&self, area: AreaCode, by: By, today: NaiveDate) -> Result<Question, Problem> {
        let (from, to) = self.days(today);
        let period = Period::parse(from, to, by)?;
        Ok(Question { area, period, by, category: self.category, state: self.state })
    }
}

/// An area in an answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct AreaName {
    #[schema(example = "330211001")]
    code: AreaCode,
    #[schema(example = "street")]
    level: Level,
    /// Its Chinese name.
    #[schema(example = "招宝山街道")]
    name_zh: String,
    /// Its English name, if it has one.
    name_en: Option<String>,
}

/// One count.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Item {
    /// The day, the month, or the whole period as an ISO 8601 interval.
    #[schema(example = "2026-11")]
    period: String,
    #[schema(example = "meal")]
    category: Category,
    /// Where the requests stand.
    #[schema(example = "closed")]
    state: RequestStateName,
    /// The number of requests.
    #[schema(example = 12)]
    count: i64,
}

/// A category's count.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct CategoryCount {
    #[schema(example = "meal")]
    category: Category,
    /// The number of requests.
    #[schema(example = 12)]
    count: i64,
}

/// The counts of one part of the area.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ChildCounts {
    /// The part.
    area: AreaName,
    /// All of its requests that count to the area.
    #[schema(example = 12)]
    total: i64,
    /// The same by category.
    by_category: Vec<CategoryCount>,
}

/// The counts of an area. `total` is the sum of `items`, and of `own` and the children's totals.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct CountsView {
    area: AreaName,
    /// The first day, included.
    #[schema(example = "2026-09-01")]
    from: NaiveDate,
    /// The last day, included.
    #[schema(example = "2026-11-30")]
    to: NaiveDate,
    /// How the time is split.
    by: By,
    /// All requests received in the period.
    #[schema(example = 12)]
    total: i64,
    /// Those that name no smaller area.
    #[schema(example = 0)]
    own: i64,
    /// By part of the period, category and state; what is not here is zero.
    items: Vec<Item>,
    /// The parts that lie directly in the area.
    children: Vec<ChildCounts>,
}

impl From<Area> for AreaName {
    fn from(a: Area) -> Self {
        Self { code: a.code, level: a.level, name_zh: a.name_zh, name_en: a.name_en }
    }
}

fn by_category(counts: &Counts) -> Vec<CategoryCount> {
    counts.by_category().into_iter().map(|(category, count)| CategoryCount { category, count }).collect()
}

impl CountsView {
    fn of(overview: Overview, q: &Question) -> Self {
        let item = |(slot, category, state, count)| Item { period: q.period.label(q.by, slot), category, state, count };
        Self {
            from: q.period.from,
            to: q.period.to,
            by: q.by,
            total: overview.counts.total(),
            own: overview.own.total(),
            items: overview.counts.cells().map(item).collect(),
            children: overview
                .children
                .into_iter()
                .map(|c| ChildCounts {
                    total: c.counts.total(),
                    by_category: by_category(&c.counts),
                    area: c.area.into(),
                })
                .collect(),
            area: overview.area.into(),
        }
    }
}

async fn read(app: &App, ctx: &Ctx, query: CountsQuery) -> Result<(Question, Overview), Problem> {
    let today = local_day(ctx.now());
    let code =
        query.area.clone().ok_or_else(|| Problem::field("?area", "请给出区域编码", "Name an area by its code"))?;
    let mut conn = app.deps.db.read().await?;
    let area = read::visible(&mut conn, &ctx.actor, &code, today).await?;
    let q = query.question(code, query.by.unwrap_or_default(), today)?;
    let overview = read::overview(&mut conn, area, &q, today).await?;
    Ok((q, overview))
}

/// Requests received in a period, by category and state, of an area and of each part of it.
///
/// For dispatchers, analysts and administrators, of areas in their scope. True values, for use inside
/// the street office only.
#[utoipa::path(get, path = "/v1/needs/counts", tag = "needs", params(CountsQuery), responses(
    (status = 200, body = CountsView), (status = 401), (status = 404), (status = 422)))]
async fn counts(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(query): Query<CountsQuery>,
) -> Result<Json<CountsView>, Problem> {
    let (q, overview) = read(&app, &ctx, query).await?;
    Ok(Json(CountsView::of(overview, &q)))
}

/// The same as a file for a spreadsheet: UTF-8 with a byte order mark, a row per part of the area,
/// part of the period, category and state. The rows add up to the area's total.
#[utoipa::path(get, path = "/v1/needs/counts.csv", tag = "needs", params(CountsQuery), responses(
    (status = 200, body = String, content_type = "text/csv"), (status = 401), (status = 404), (status = 422)))]
async fn counts_csv(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(query): Query<CountsQuery>,
) -> Result<Response, Problem> {
    let (q, overview) = read(&app, &ctx, query).await?;
    let file = csv_of(&overview, &q, ctx.lang).map_err(Problem::internal)?;
    let mut tx = app.deps.db.begin().await?;
    let kind = format!("needs counts {}", q.area);
    audit::record_as(&mut tx, ctx.now(), Some(&ctx.actor), "needs.export", &kind, None, &ctx.request_id, "done")
        .await?;
    tx.commit().await?;
    let name = format!("attachment; filename=\"sanbao-needs-{}-{}-{}.csv\"", q.area, q.period.from, q.period.to);
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], file)
        .into_response())
}

fn csv_of(overview: &Overview, q: &Question, lang: Lang) -> Result<Vec<u8>, csv::Error> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer("\u{feff}".as_bytes().to_vec());
    writer.write_record(texts::counts_head(lang))?;
    let own = TEXTS.with(lang, "csv-own", &[("area", name_of(&overview.area, lang))]);
    let parts = overview.children.iter().map(|c| (&c.area, name_of(&c.area, lang), &c.counts));
    for (area, name, counts) in parts.chain([(&overview.area, own.as_str(), &overview.own)]) {
        let name = safe(name);
        for (slot, category, state, n) in counts.cells() {
            writer.write_record([
                area.code.as_str(),
                &name,
                &q.period.label(q.by, slot),
                category.as_str(),
                &texts::category(lang, category),
                state.as_str(),
                &texts::state(lang, state),
                &n.to_string(),
            ])?;
        }
    }
    writer.into_inner().map_err(|e| e.into_error().into())
}

/// An area's name in a language.
pub(super) fn name_of(area: &Area, lang: Lang) -> &str {
    match (&area.name_en, lang) {
        (Some(en), Lang::En) => en,
        _ => &area.name_zh,
    }
}

/// A text that a spreadsheet will not take for a formula (OWASP: CSV injection).
fn safe(text: &str) -> String {
    const RISKY: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    if text.starts_with(RISKY) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn no_cell_of_a_file_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\u{ff1d}1"] {
            assert!(safe(text).starts_with('\''), "{text:?}");
        }
        assert_eq!(safe("城东社区"), "城东社区");
    }

    #[test]
    fn an_open_period_is_the_last_three_months() {
        let today = day("2026-11-23");
        assert_eq!(CountsQuery::default().days(today), (day("2026-09-01"), today));
        let early = CountsQuery { to: Some(Day::known(day("2026-03-15"))), ..CountsQuery::default() };
        assert_eq!(early.days(today), (day("2026-03-01"), day("2026-03-15")));
        let named = CountsQuery { from: Some(Day::known(day("2026-11-05"))), ..CountsQuery::default() };
        assert_eq!(named.days(today), (day("2026-11-05"), today));
    }
}
